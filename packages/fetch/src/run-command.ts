import { type Command, CommanderError } from 'commander'
import { exitCode } from './exit-code.js'
import { exitOf, fileFault } from './exit-of.js'
import { inFlags } from './flag-words.js'
import { printable } from './output.js'
import { paintFor } from './paint.js'
import { UsageError } from './usage-error.js'

/**
 * Runs a command line and tells of what goes wrong on standard error. The exit code says what kind of end it was.
 * @param program makes the command line; what it throws is told as well
 * @see exitCode
 */
export async function runCommand(program: () => Command | Promise<Command>, argv: readonly string[]): Promise<void> {
  try {
    const root = await program()
    throwing(root)
    await root.parseAsync(argv)
  } catch (error) {
    // It has said what is wrong, or shown its help.
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage
      return
    }
    process.exitCode = exitOf(error)
    const paint = paintFor(process.stderr)
    console.error(`${paint('red', 'countersign:')} ${printable(await messageOf(error))}`)
  }
}

/** Commander would end the process by itself, and with 1. */
function throwing(command: Command): void {
  command.exitOverride()
  for (const one of command.commands) throwing(one)
}

async function messageOf(error: unknown): Promise<string> {
  if (error instanceof UsageError) return error.message
  const fault = fileFault(error)
  if (fault !== undefined) return fault
  // Imported here: a command that throws one of these has loaded its package already, and most commands need neither.
  const [{ AgentError }, { AAuthError }] = await Promise.all([
    import('@countersign/agent'),
    import('@countersign/protocol'),
  ])
  if (error instanceof AgentError && error.url !== undefined)
    return `${error.message}; go there and run this again: ${error.url}`
  if (error instanceof AAuthError || error instanceof AgentError) return `${inFlags(error.message)} (${error.code})`
  if (error instanceof Error)
    return process.env['COUNTERSIGN_DEBUG'] === undefined ? error.message : (error.stack ?? error.message)
  return String(error)
}
