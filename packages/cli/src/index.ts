import { runCommand, versionIn } from '@countersign/fetch/internal'
import { program, wholeProgram } from './program.js'

/**
 * Runs the `countersign` command.
 * @see exitCode of `@countersign/fetch`
 */
export async function main(argv: readonly string[]): Promise<void> {
  const version = versionIn(new URL('../package.json', import.meta.url))
  await runCommand(
    () => program(version, argv),
    argv,
    () => wholeProgram(version),
  )
}
