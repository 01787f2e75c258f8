import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { connectionOfNode } from '../internal-node.js'

// Who closes a connection aborts the requests that have no whole answer yet: each of them, and no other.

const closing: Array<() => void> = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listening(answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  closing.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: h\r\n\r\n`

/** A server that answers at `/done` and nowhere else, and the signals of its requests by path. */
async function watching(): Promise<{ port: number; signals: Map<string, AbortSignal> }> {
  const signals = new Map<string, AbortSignal>()
  const port = await listening((request, response) => {
    signals.set(request.url ?? '', connectionOfNode(request, response).signal)
    if (request.url === '/done') response.end('done')
  })
  return { port, signals }
}

const abortedAt = (signals: Map<string, AbortSignal>): string[] =>
  [...signals].filter(([, { aborted }]) => aborted).map(([path]) => path)

test('of pipelined requests all that wait are aborted, also those whose turn has not come, and not the answered one', async () => {
  const { port, signals } = await watching()
  const socket = await connected(port)
  socket.write(get('/done'))
  await once(socket, 'data')
  socket.write(get('/first') + get('/second') + get('/third'))
  await vi.waitFor(() => expect(signals.size).toBe(4))
  expect(abortedAt(signals)).toEqual([])
  socket.destroy()
  await vi.waitFor(() => expect(abortedAt(signals)).toEqual(['/first', '/second', '/third']))
})

test('a peer that closes only its side gets no answer from Node, so its request is aborted, too', async () => {
  const { port, signals } = await watching()
  const socket = await connected(port)
  socket.write(get('/done'))
  await once(socket, 'data')
  socket.write(get('/waits'))
  await vi.waitFor(() => expect(signals.size).toBe(2))
  socket.end()
  await vi.waitFor(() => expect(abortedAt(signals)).toEqual(['/waits']))
})

test('a signal that is read after the end is aborted at once, or never', async () => {
  const late = new Map<string, () => AbortSignal>()
  const port = await listening((request, response) => {
    const connection = connectionOfNode(request, response)
    late.set(request.url ?? '', () => connection.signal)
    response.once('close', () => late.set(`${request.url} closed`, () => connection.signal))
    if (request.url === '/done') response.end('done')
  })
  const socket = await connected(port)
  socket.write(get('/done'))
  await once(socket, 'data')
  socket.write(get('/waits'))
  await vi.waitFor(() => expect(late.has('/waits')).toBe(true))
  socket.destroy()
  await vi.waitFor(() => expect([...late.keys()]).toContain('/waits closed'))
  expect(late.get('/waits')?.().aborted).toBe(true)
  expect(late.get('/done')?.().aborted).toBe(false)
})

test('a request whose signal nobody reads has no listener, and 10 000 on one connection leave none', async () => {
  const counts: number[] = []
  const listeners = ({ socket }: IncomingMessage, response: ServerResponse): number =>
    socket.listenerCount('close') + response.listenerCount('close')
  const aborted: AbortSignal[] = []
  let server: Socket | undefined
  const port = await listening((request, response) => {
    server = request.socket
    const before = listeners(request, response)
    const connection = connectionOfNode(request, response)
    expect(listeners(request, response)).toBe(before)
    aborted.push(connection.signal)
    counts.push(request.socket.listenerCount('close'))
    response.end()
  })
  const warnings = vi.fn()
  process.on('warning', warnings)
  closing.push(() => process.off('warning', warnings))
  const socket = await connected(port)
  let answers = 0
  socket.on('data', chunk => {
    answers += chunk.toString('latin1').split('HTTP/1.1 200').length - 1
  })
  // Fifty at a time: all but the first wait for their turn.
  for (let sent = 50; sent <= 10_000; sent += 50) {
    socket.write(get('/').repeat(50))
    await vi.waitFor(() => expect(answers).toBe(sent), { interval: 1, timeout: 10_000 })
  }
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2)
  expect(counts.at(-1)).toBeLessThanOrEqual((counts[60] ?? 0) + 1)
  // Nor does anything of them stay with the connection.
  const left = Object.getOwnPropertySymbols(server ?? {}).map(name => Reflect.get(server ?? {}, name))
  const waiting = left.filter(one => one instanceof Set)
  expect(waiting.map(({ size }) => size)).toEqual([0])
  socket.destroy()
  await new Promise(resolve => setTimeout(resolve, 30))
  expect(aborted).toHaveLength(10_000)
  expect(aborted.some(signal => signal.aborted)).toBe(false)
  expect(warnings).not.toHaveBeenCalled()
}, 60_000)
