import { endWithReader } from './end-with-reader.js'
import { main } from './main.js'

/** Runs `countersign-fetch` in a process of its own. */
export async function start(argv: readonly string[]): Promise<void> {
  endWithReader()
  await main(argv)
}
