import { readFileSync } from 'node:fs'
import { program } from './program.js'
import { UsageError } from './usage-error.js'

/**
 * Runs the `countersign` command.
 * Exit code 0: done; 1: it ran and did not succeed; 2: it was started wrongly.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  try {
    await (await program(version, argv)).parseAsync(argv)
  } catch (error) {
    process.exitCode = error instanceof UsageError || error instanceof TypeError ? 2 : 1
    console.error(`countersign: ${await messageOf(error)}`)
  }
}

async function messageOf(error: unknown): Promise<string> {
  if (error instanceof UsageError) return error.message
  // Here, not above: whoever threw one of these has loaded its room already, and most commands need neither.
  const [{ AgentError }, { AAuthError }] = await Promise.all([
    import('@countersign/agent'),
    import('@countersign/protocol'),
  ])
  if (error instanceof AgentError && error.url !== undefined)
    return `${error.message}; go there and run this again: ${error.url}`
  if (error instanceof AAuthError || error instanceof AgentError) return `${error.message} (${error.code})`
  if (error instanceof Error)
    return process.env['COUNTERSIGN_DEBUG'] === undefined ? error.message : (error.stack ?? error.message)
  return String(error)
}
