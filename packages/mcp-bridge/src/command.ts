import { type CommandNames, type IdentityFlags, identity } from '@countersign/fetch'
import type { Command } from 'commander'

/** Makes a command a bridge to an MCP server. */
export function addMcpBridge(command: Command, names: CommandNames): Command {
  command
    .description('an MCP server on standard input and output that speaks AAuth to the one at a URL')
    .argument('<url>', 'the endpoint of an MCP server, Streamable HTTP')
  return identity(
    command,
    names,
    'fail with the URL in the error, and go on once the user has agreed; default: the MCP client opens it, else a browser',
  )
    .addHelpText('after', bridgeHelp)
    .action(async (url: string, flags: IdentityFlags) => (await import('./mcp-bridge.js')).mcpBridge(url, flags, names))
}

const bridgeHelp = `
In the configuration of an MCP client, under "mcpServers":
  "tools": { "command": "npx", "args": ["-y", "@countersign/mcp-bridge", "https://tools.example/mcp", "--as", "delegate", "--id", "https://agent.example"] }
`
