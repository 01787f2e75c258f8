import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to PostgreSQL on which every message takes its time, as on a network. */
export interface SlowWay {
  /** The same database by the slow way. */
  through(url: string): string
  close(): Promise<void>
}

/**
 * Listens on loopback and passes everything on to 127.0.0.1:5432, each piece later by `delay` milliseconds, one way.
 * What a program checks, awaits and only then counts shows under it: all of a burst checks before any counts.
 */
export async function slowWay(delay: number): Promise<SlowWay> {
  const sockets = new Set<Socket>()
  const server = createServer(inbound => {
    const outbound = connect(5432, '127.0.0.1')
    sockets.add(inbound).add(outbound)
    passOn(inbound, outbound, delay)
    passOn(outbound, inbound, delay)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    through: url => url.replace(':5432/', `:${port}/`),
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

function passOn(from: Socket, to: Socket, delay: number): void {
  from.setNoDelay(true)
  from.on('data', bytes => void setTimeout(() => to.writable && to.write(bytes), delay))
  from.on('close', () => void setTimeout(() => to.destroy(), delay))
  from.on('error', () => to.destroy())
}
