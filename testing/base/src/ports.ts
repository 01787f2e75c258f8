import { createServer } from 'node:net'

/** Which of the workers that run tests at once this one is: each draws from ports of its own. */
const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % 8

/** Ports that this worker has handed out: a server that has stopped for a while must find its own free again. */
const taken = new Set<number>()

/** Ports of the range that the guarded fetcher never fetches from: those of a kubelet and of MongoDB. */
const refused: ReadonlySet<number> = new Set([10_250, 27_017])

/** A port of this machine that is free, and that no other test gets. */
export function freePort(): Promise<number> {
  return freeAt(() => 27_000 + worker * 700 + Math.floor(Math.random() * 700), [0])
}

/** The first of some ports that follow each other, as {@link freePort}. */
export function freePorts(count: number): Promise<number> {
  const offsets = Array.from({ length: count }, (_, offset) => offset)
  return freeAt(() => 27_000 + worker * 700 + Math.floor(Math.random() * (700 - count)), offsets)
}

/** A first port for a playground, all of whose ports are free. */
export function freeBase(): Promise<number> {
  return freeAt(
    () => 10_000 + 100 * (worker * 20 + Math.floor(Math.random() * 20)),
    [0, 10, 20, 21, 30, 31, 40, 50, 60, 70, 71, 72, 73, 74],
  )
}

/** Gives the ports that were handed out during some work to the next test: nothing that it started may run any more. */
export async function returningPorts<T>(work: () => Promise<T>): Promise<T> {
  const before = new Set(taken)
  try {
    return await work()
  } finally {
    for (const port of taken) if (!before.has(port)) taken.delete(port)
  }
}

/** A first port with others at offsets. `draw` stays below the ports that systems hand out to connections. */
async function freeAt(draw: () => number, offsets: readonly number[]): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const first = draw()
    const ports = offsets.map(offset => first + offset)
    if (ports.some(port => taken.has(port) || refused.has(port))) continue
    for (const port of ports) taken.add(port)
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first
  }
  throw new Error('there are no free ports')
}

/** Whether nothing listens there on either loopback address: a browser may ask `localhost` at both. */
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '::1'))
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRNOTAVAIL'))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}
