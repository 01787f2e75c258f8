import { npxNames, runCommand, versionIn } from '@countersign/fetch/internal'
import { Command } from 'commander'
import { addMcpBridge } from './command.js'

/** Runs `countersign-mcp-bridge`: a local MCP server that speaks AAuth to a remote one. */
export async function main(argv: readonly string[]): Promise<void> {
  await runCommand(program, argv)
}

function program(): Command {
  return addMcpBridge(new Command('countersign-mcp-bridge'), npxNames).version(
    versionIn(new URL('../package.json', import.meta.url)),
  )
}
