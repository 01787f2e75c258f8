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
    'open no browser: where the MCP client shows no URL, the call fails with it, and the next call continues with the answer; default: a browser',
  )
    .addHelpText('after', bridgeHelp)
    .action(async (url: string, flags: IdentityFlags) => (await import('./mcp-bridge.js')).mcpBridge(url, flags, names))
}

const bridgeHelp = `
Configuration of an MCP client, under "mcpServers":
  "tools": { "command": "npx", "args": ["-y", "@countersign/mcp-bridge", "https://tools.example/mcp", "--as", "delegate", "--id", "https://agent.example"] }
`
