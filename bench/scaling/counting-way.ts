import { createConnection, createServer, type Socket } from 'node:net'
import { listenOn } from '@countersign/testing/listening'

/** What went over a way to PostgreSQL. */
export interface Wire {
  /** Statements that ran: Execute, and simple queries. */
  readonly statements: number
  /** Times that the client waited for the server: Sync, and simple queries. */
  readonly roundTrips: number
  /** Bytes to the server, and back. */
  readonly sent: number
  readonly received: number
}

/** A way to a PostgreSQL server that counts what goes over it. */
export interface CountingWay {
  readonly port: number
  read(): Wire
  close(): void
}

/** Opens a way to a port of this machine. */
export async function countingWay(to: number): Promise<CountingWay> {
  const wire = { statements: 0, roundTrips: 0, sent: 0, received: 0 }
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const upstream = createConnection({ port: to, host: '127.0.0.1', noDelay: true })
    const count = messageTypes(type => {
      if (type === 'E' || type === 'Q') wire.statements += 1
      if (type === 'S' || type === 'Q') wire.roundTrips += 1
    })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    }
    client.setNoDelay(true)
    client.on('data', chunk => {
      wire.sent += chunk.length
      count(chunk)
    })
    upstream.on('data', chunk => {
      wire.received += chunk.length
    })
    client.pipe(upstream).pipe(client)
  })
  const port = await listenOn(server)
  return {
    port,
    read: () => ({ ...wire }),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/**
 * Reads the types of a client's messages: the first has none, and each later one is a type, the length of the rest, and the rest.
 * @see https://www.postgresql.org/docs/current/protocol-overview.html
 */
export function messageTypes(onMessage: (type: string) => void): (chunk: Uint8Array) => void {
  let rest = Buffer.alloc(0)
  let isFirst = true
  return chunk => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const head = isFirst ? 0 : 1
      if (rest.length < head + 4) return
      const whole = head + rest.readUInt32BE(head)
      if (rest.length < whole) return
      if (!isFirst) onMessage(String.fromCharCode(rest[0] ?? 0))
      isFirst = false
      rest = rest.subarray(whole)
    }
  }
}
