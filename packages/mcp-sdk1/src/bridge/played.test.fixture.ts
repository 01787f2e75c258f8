import { InMemoryTransport } from '@modelcontextprotocol/client'
import { expect } from 'vitest'
import { bridge } from './bridge.js'

// A bridge between a client and a server that the test plays, message by message.

export type Message = Readonly<Record<string, unknown>> & { readonly id?: string | number; readonly method?: string }

/** The envelope of a client of revision 2026-07-28. */
export const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
}
export interface Played {
  /** What the client got. */
  readonly received: Message[]
  /** What the server got. */
  readonly sent: Message[]
  /** The answer to the `initialize` of an old client. */
  readonly greeting: Message | undefined
  say(message: object): void
  tell(message: object): void
}

/** A client and a server that the test plays, of these revisions. */
export async function played(client: 'old' | 'new', server: (message: Message) => object | undefined): Promise<Played> {
  const [near, local] = InMemoryTransport.createLinkedPair()
  const [remote, far] = InMemoryTransport.createLinkedPair()
  const [received, sent]: [Message[], Message[]] = [[], []]
  const send = (pipe: InMemoryTransport, message: object): void =>
    void pipe.send({ jsonrpc: '2.0', ...message } as never).catch(() => undefined)
  near.onmessage = message => void received.push(message as Message)
  far.onmessage = raw => {
    const message = raw as Message
    if (message.method !== 'server/discover') sent.push(message)
    const answer = server(message)
    if (answer !== undefined) send(far, { id: message.id, ...answer })
  }
  await bridge({ local, remote: () => remote }).start()
  await Promise.all([near.start(), far.start()])
  if (client === 'old') {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {} },
      clientInfo: { name: 'c', version: '1' },
    }
    send(near, { id: 'hello', method: 'initialize', params })
    await expect.poll(() => received).toHaveLength(1)
    send(near, { method: 'notifications/initialized' })
  }
  const [greeting] = received.splice(0)
  return { received, sent, greeting, say: message => send(near, message), tell: message => send(far, message) }
}
