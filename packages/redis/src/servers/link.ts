import { createClient } from 'redis'

/** The members that are used of a connected client of the npm package `redis`. */
export interface RedisConnection {
  sendCommand(args: readonly string[]): Promise<unknown>
  on(event: 'ready', listener: () => void): unknown
}

/** A connection to Redis that reconnects by itself. */
export interface RedisLink {
  /** Resolves with the first connection of the client in use; rejects when that client is replaced before. */
  readonly opened: Promise<void>
  send(args: readonly string[]): Promise<unknown>
  /** Reports that a command failed or is overdue; a link that owns its connection may replace it. */
  suspect(): void
  close(): Promise<void>
}

/** A link over a client of the caller. */
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
 * A link over a client of its own. Commands that cannot be sent at once are refused: queued ones would be answered after the deadline.
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
    // Pending commands are rejected with the error. Without a listener it would end the process.
    client.on('error', () => undefined)
    client.on('ready', ready)
    const opened = client.connect().then(() => undefined)
    opened.catch(() => undefined)
    return { client, opened }
  }
  let { client, opened } = connect()
  let alive = performance.now()
  let closed = false
  return {
    get opened() {
      return opened
    },
    async send(args) {
      const answer = await client.sendCommand(args)
      alive = performance.now()
      return answer
    },
    suspect() {
      // A connection whose peer vanished without closing it would stay until TCP gives up, many minutes later.
      if (closed || performance.now() - alive < deadline * 1000) return
      if (client.isOpen) client.destroy()
      ;({ client, opened } = connect())
      alive = performance.now()
    },
    async close() {
      closed = true
      if (client.isOpen) client.destroy()
    },
  }
}
