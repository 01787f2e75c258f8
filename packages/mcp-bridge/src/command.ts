import { type CommandNames, type IdentityFlags, identity } from '@countersign/fetch/internal'
import type { Command } from 'commander'

/** Adds description, arguments and flags of the bridge to a command. */
export function addMcpBridge(command: Command, names: CommandNames): Command {
  command
    .description('a local MCP server on standard input and output that speaks AAuth to the one at a URL')
    .argument('<url>', 'the endpoint of the MCP server (Streamable HTTP)')
  return identity(
    command,
    names,
    'when a user must agree, fail with the URL in the error, and continue once the user has agreed; default: the MCP client opens it, otherwise a browser',
  )
    .addHelpText('after', bridgeHelp)
    .action(async (url: string, flags: IdentityFlags) => (await import('./mcp-bridge.js')).mcpBridge(url, flags, names))
}

const bridgeHelp = `
Configuration of an MCP client, under "mcpServers":
  "tools": { "command": "npx", "args": ["-y", "@countersign/mcp-bridge", "https://tools.example/mcp", "--as", "delegate", "--id", "https://agent.example"] }
`
