import { connect, createServer, type Socket } from 'node:net'
import { afterAll } from 'vitest'
import { closeServer, listenOn } from './listening.js'

/** A way to PostgreSQL on which every message takes its time, as on a network. */
export interface SlowWay {
  /** The same database by the slow way. */
  through(url: string): string
}

/**
 * Listens on loopback and passes everything on to 127.0.0.1:5432, each piece later by `delay` milliseconds, one way.
 * What a program checks, awaits and only then counts shows under it: all of a burst checks before any counts.
 * Ends after the tests of the file.
 */
export async function slowWay(delay: number): Promise<SlowWay> {
  const sockets = new Set<Socket>()
  const server = createServer(inbound => {
    const outbound = connect(5432, '127.0.0.1')
    sockets.add(inbound).add(outbound)
    passOn(inbound, outbound, delay)
    passOn(outbound, inbound, delay)
  })
  const port = await listenOn(server)
  afterAll(async () => {
    for (const socket of sockets) socket.destroy()
    await closeServer(server)
  })
  return { through: url => url.replace(':5432/', `:${port}/`) }
}

function passOn(from: Socket, to: Socket, delay: number): void {
  from.setNoDelay(true)
  from.on('data', bytes => void setTimeout(() => to.writable && to.write(bytes), delay))
  from.on('close', () => void setTimeout(() => to.destroy(), delay))
  from.on('error', () => to.destroy())
}
