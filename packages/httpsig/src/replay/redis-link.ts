import { createClient } from 'redis'

/** What is used of a client of the npm package `redis`, connected by whoever made it. */
export interface RedisConnection {
  sendCommand(args: readonly string[]): Promise<unknown>
  on(event: 'ready', listener: () => void): unknown
}

/** A connection to Redis that comes back by itself. */
export interface RedisLink {
  /** The first connection; later ones are made without asking. */
  readonly opened: Promise<void>
  send(args: readonly string[]): Promise<unknown>
  /** A command failed or is overdue: whoever owns the connection may give it up. */
  suspect(): void
  close(): Promise<void>
}

/** Over a client that belongs to the caller. */
export function linkOver(client: RedisConnection, ready: () => void): RedisLink {
  client.on('ready', ready)
  return {
    opened: Promise.resolve(),
    send: args => client.sendCommand(args),
    suspect: () => undefined,
    close: async () => undefined,
  }
}

/**
 * Over a client of its own. What cannot be sent now is refused now: a queue that waits for Redis would answer after the deadline.
 * @param deadline seconds
 */
export function linkTo(url: string, deadline: number, ready: () => void): RedisLink {
  const connect = () => {
    const client = createClient({
      url,
      disableOfflineQueue: true,
      socket: {
        connectTimeout: deadline * 1000,
        reconnectStrategy: retries => Math.min(50 * 2 ** retries, 1000),
      },
    })
    // The failure reaches those who wait for an answer; without a listener it would end the process.
    client.on('error', () => undefined)
    client.on('ready', ready)
    return { client, opened: client.connect().then(() => undefined) }
  }
  const first = connect()
  let { client } = first
  let alive = performance.now()
  let closed = false
  return {
    opened: first.opened,
    async send(args) {
      const answer = await client.sendCommand(args)
      alive = performance.now()
      return answer
    },
    suspect() {
      // A connection whose other end is gone without a word would stay until TCP gives up, many minutes later.
      if (closed || performance.now() - alive < deadline * 1000) return
      if (client.isOpen) client.destroy()
      const next = connect()
      next.opened.catch(() => undefined)
      client = next.client
      alive = performance.now()
    },
    async close() {
      closed = true
      if (client.isOpen) client.destroy()
    },
  }
}
