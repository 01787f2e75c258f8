import type { TracedExchange } from '@countersign/server'

/** A message, and the process that sent it. */
export interface SentExchange extends TracedExchange {
  /** The name of the sending process: a participant's, `page` for the agents and users of stories, or `elsewhere`. */
  readonly from: string
}

/** Names the sending processes of messages by the ports of their connections. */
export interface Senders {
  /** A process has opened a connection from this port. */
  connected(name: string, port: number): void
  of(exchange: TracedExchange): string
}

export function createSenders(): Senders {
  // bound: ports of the machine; grown by the program
  const owners = new Map<number, string>()
  return {
    connected: (name, port) => void owners.set(port, name),
    of: ({ peerPort }) => (peerPort === undefined ? undefined : owners.get(peerPort)) ?? 'elsewhere',
  }
}
