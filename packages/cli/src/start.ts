import { endWithReader } from '@countersign/fetch/internal'
import { main } from './index.js'

/** Runs the `countersign` command in a process of its own. */
export async function start(argv: readonly string[]): Promise<void> {
  endWithReader()
  await main(argv)
}
