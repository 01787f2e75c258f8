import { runCommand, versionIn } from '@countersign/fetch'
import { program } from './program.js'

/**
 * Runs the `countersign` command.
 * Exit code 0: done; 1: it ran and did not succeed; 2: it was started wrongly.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const version = versionIn(new URL('../package.json', import.meta.url))
  await runCommand(() => program(version, argv), argv)
}
