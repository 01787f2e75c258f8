import { type Command, CommanderError } from 'commander'
import { describeMistake } from './command-mistake.js'
import { exitCode } from './exit-code.js'
import { exitCodeOf, fileFault } from './exit-of.js'
import { withFlagNames } from './flag-words.js'
import { printable } from './output.js'
import { paintFor } from './paint.js'
import { describeRefusalFacts } from './refusal-words.js'
import { NoAnswerError, UsageError } from './usage-error.js'

/**
 * Runs a command line, prints errors to standard error and sets the exit code.
 * @param program makes the program; its errors are printed as well
 * @param whole makes the program with all flags of all commands, if `program` leaves some out
 * @see exitCode
 */
export async function runCommand(
  program: () => Command | Promise<Command>,
  argv: readonly string[],
  whole: () => Command | Promise<Command> = program,
): Promise<void> {
  let refusing: Command | undefined
  try {
    const root = await program()
    throwOnExit(root, command => {
      refusing = command
    })
    await root.parseAsync(argv)
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? exitCodeOfCommander(error) : exitCodeOf(error)
    // The command has printed its help or version.
    if (error instanceof CommanderError && /^commander\.(?:help|version)/.test(error.code)) return
    const text =
      error instanceof CommanderError && refusing !== undefined
        ? await describeMistake(error, refusing, whole)
        : await describeError(error)
    console.error(`${paintFor(process.stderr)('red', 'countersign:')} ${printable(text)}`)
  }
}

function exitCodeOfCommander({ exitCode: code }: CommanderError): number {
  return code === 0 ? exitCode.ok : exitCode.usage
}

/** Makes commands throw: Commander would exit by itself, with code 1, after three lines of error. */
function throwOnExit(command: Command, refuses: (command: Command) => void): void {
  command.configureOutput({ outputError: () => undefined })
  command.exitOverride(error => {
    refuses(command)
    throw error
  })
  for (const one of command.commands) throwOnExit(one, refuses)
}

async function describeError(error: unknown): Promise<string> {
  if (error instanceof UsageError || error instanceof NoAnswerError) return error.message
  const fault = fileFault(error)
  if (fault !== undefined) return fault
  // Imported here: most commands need neither package, and one that throws such an error has loaded it already.
  const [{ AgentError }, { AAuthError }] = await Promise.all([
    import('@countersign/agent'),
    import('@countersign/protocol'),
  ])
  if (error instanceof AgentError && error.url !== undefined)
    return `${error.message}; go there and run this again: ${error.url}`
  if (error instanceof AgentError)
    return `${withFlagNames(error.message)}${describeRefusalFacts(error)} (${error.code})`
  if (error instanceof AAuthError) return `${error.message} (${error.code})`
  if (error instanceof Error)
    return process.env['COUNTERSIGN_DEBUG'] === undefined ? error.message : (error.stack ?? error.message)
  return String(error)
}
