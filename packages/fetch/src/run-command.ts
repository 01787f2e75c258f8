import type { Command } from 'commander'
import { inFlags } from './flag-words.js'
import { noteLines } from './output.js'
import { UsageError } from './usage-error.js'

/**
 * Runs a command line and tells of what goes wrong on standard error.
 * Exit code 0: done; 1: it ran and did not succeed; 2: it was started wrongly.
 * @param program makes the command line; what it throws is told as well
 */
export async function runCommand(program: () => Command | Promise<Command>, argv: readonly string[]): Promise<void> {
  try {
    await (await program()).parseAsync(argv)
  } catch (error) {
    process.exitCode = error instanceof UsageError || error instanceof TypeError ? 2 : 1
    noteLines(`countersign: ${await messageOf(error)}`)
  }
}

async function messageOf(error: unknown): Promise<string> {
  if (error instanceof UsageError) return error.message
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
