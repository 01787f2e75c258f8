import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { ClientCapabilities, JSONRPCMessage, ServerCapabilities } from '@modelcontextprotocol/sdk/types.js'
import { type Bridge, bridge } from './bridge.js'

/** A client and a server of the SDK with a bridge between them, and what went over it. */
export interface Bridged {
  readonly client: Client
  readonly server: Server
  readonly between: Bridge
  /** What the server got. */
  readonly sent: JSONRPCMessage[]
  /** What the client got. */
  readonly received: JSONRPCMessage[]
  /** What the remote transport was told. */
  readonly versions: string[]
  readonly errors: Error[]
  connect(): Promise<void>
}

const all: ServerCapabilities = { tools: {}, logging: {}, resources: {} }

export function bridged(capabilities: ClientCapabilities = {}): Bridged {
  const [near, local] = InMemoryTransport.createLinkedPair()
  const [remote, far] = InMemoryTransport.createLinkedPair()
  const [versions, errors]: [string[], Error[]] = [[], []]
  const versioned = Object.assign(remote, { setProtocolVersion: (version: string) => void versions.push(version) })
  const between = bridge({ local, remote: () => versioned, onError: error => void errors.push(error) })
  const client = new Client({ name: 'client', version: '1' }, { capabilities })
  const server = new Server({ name: 'server', version: '1' }, { capabilities: all })
  return {
    client,
    server,
    between,
    versions,
    errors,
    sent: heard(remote),
    received: heard(local),
    async connect() {
      await server.connect(far)
      await between.start()
      await client.connect(near)
    },
  }
}

function heard(transport: InMemoryTransport): JSONRPCMessage[] {
  const messages: JSONRPCMessage[] = []
  const send = transport.send.bind(transport)
  transport.send = (message, options) => {
    // The bridge finds out first what the server speaks.
    if (!('method' in message && message.method === 'server/discover')) messages.push(message)
    return send(message, options)
  }
  return messages
}
