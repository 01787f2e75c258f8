import { createServer, type Socket } from 'node:net'
import { closeServer, listenOn } from '@countersign/testing/listening'

/** An API that answers in bytes. */
export interface BytesUpstream {
  readonly origin: string
  /** Connections on which a request came. */
  connections(): number
  stop(): Promise<void>
}

/** Starts an API that gets each head that has come, and writes what it likes to the connection. */
export async function bytesUpstream(answer: (socket: Socket, head: string) => void): Promise<BytesUpstream> {
  const open = new Set<Socket>()
  let connections = 0
  const server = createServer(socket => {
    open.add(socket)
    socket.once('data', () => {
      connections += 1
    })
    socket.on('close', () => open.delete(socket)).on('error', () => undefined)
    let received = ''
    socket.setEncoding('latin1').on('data', chunk => {
      received += chunk
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = received.slice(0, end + 4)
      received = ''
      answer(socket, head)
    })
  })
  const port = await listenOn(server)
  return {
    origin: `http://127.0.0.1:${port}`,
    connections: () => connections,
    async stop() {
      for (const socket of open) socket.destroy()
      await closeServer(server)
    },
  }
}
