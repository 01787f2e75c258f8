import { runCommand } from '@countersign/fetch/internal'
import { ownVersion } from './own-files.js'
import { program, wholeProgram } from './program.js'

/**
 * Runs the `countersign` command.
 * @see exitCode of `@countersign/fetch`
 */
export async function main(argv: readonly string[]): Promise<void> {
  const version = ownVersion()
  await runCommand(
    () => program(version, argv),
    argv,
    () => wholeProgram(version),
  )
}
