import { endWithReader } from '@countersign/fetch/internal'
import { main } from './main.js'

/** Runs `countersign-mcp-bridge` in a process of its own. */
export async function start(argv: readonly string[]): Promise<void> {
  endWithReader()
  await main(argv)
}
