import { suiteCommands } from './command/commands.js'
import { exitCodeOf } from './command/exit-code.js'
import { commandHelp, programHelp } from './command/help.js'
import { readArguments } from './command/read-arguments.js'
import { ConfigurationError } from './config/configuration-error.js'
import { suiteVersion } from './suite-version.js'

const program = 'countersign-conformance'

/** Runs `countersign-conformance`: judges a participant and sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await run(argv.slice(2))
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    const text = error instanceof Error ? error.message : String(error)
    console.error(`${program}: ${process.exitCode === 5 && error instanceof Error ? error.stack : text}`)
  }
}

async function run([name = '--help', ...args]: readonly string[]): Promise<void> {
  if (['--help', '-h', 'help'].includes(name)) return console.log(programHelp(program))
  if (['--version', '-V'].includes(name)) return console.log(suiteVersion())
  const command = suiteCommands.find(one => one.name === name)
  if (command === undefined)
    throw new ConfigurationError(
      `there is no command ${name}; the commands are ${suiteCommands.map(one => one.name).join(', ')}`,
    )
  const { help, values, flags } = readArguments(command, args)
  if (help) return console.log(commandHelp(program, command))
  await command.run(values, flags)
}
