import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { generateSigningKey, signRequest } from '@countersign/httpsig'
import type { BodiesOrder } from './bodies-process.js'
import { type MeasuredProcess, measuredProcess } from './measured-process.js'
import { type Bench, type Result, result } from './result.js'

const connections = 40
const kinds: ReadonlyArray<BodiesOrder['kind']> = [
  ...(['serve', 'node', 'http2', 'late', 'late http2', 'late hono', 'begun hono', 'late fetch'] as const),
]
/** Bytes of each body that have come when it is looked at; one chunk each. */
const sent = 60_000
/** What an unauthenticated connection may hold: twice its body, and 64 KiB. */
const budget = 2 * sent + 64 * 1024

type Line = readonly [name: string, value: string]

/** The head of a request whose signature covers a body that has not arrived yet. */
async function head(): Promise<readonly Line[]> {
  const key = await generateSigningKey()
  const headers: Line[] = [
    ['host', 'calendar.example'],
    ['content-type', 'text/plain'],
  ]
  const signatureKey = { scheme: 'hwk', jwk: key.publicJwk } as const
  const o = { method: 'POST', url: 'https://calendar.example/', headers, key, signatureKey, body: new Uint8Array(1) }
  return [...headers, ...(await signRequest(o))]
}

async function drained(write: (done: () => void) => void): Promise<void> {
  await new Promise<void>(resolve => write(resolve))
}

/** Opens a connection with an unfinished body. @returns closes it */
async function overHttp1(port: number): Promise<() => void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined).resume()
  const lines = (await head()).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  await drained(done => socket.write(`POST / HTTP/1.1\r\n${lines}transfer-encoding: chunked\r\n\r\n`, done))
  await drained(done => socket.write('1\r\nx\r\n'.repeat(sent), done))
  return () => socket.destroy()
}

async function overHttp2(port: number): Promise<() => void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  const lines = Object.fromEntries((await head()).filter(([name]) => name !== 'host'))
  const stream = session.request({
    ':method': 'POST',
    ':path': '/',
    ':authority': 'calendar.example',
    ...lines,
  })
  stream.on('error', () => undefined).resume()
  for (let at = 0; at < sent; at += 100)
    await Promise.all(Array.from({ length: 100 }, () => drained(done => stream.write('x', done))))
  return () => session.destroy()
}

/** Waits until the server has taken in what was sent. */
async function idle(server: MeasuredProcess): Promise<void> {
  for (let before = -1, now = await server.cpu(); now - before > 10_000; now = await server.cpu()) {
    before = now
    await pause(250)
  }
}

async function row(kind: BodiesOrder['kind']): Promise<Result> {
  const server = await measuredProcess<BodiesOrder>('./bodies-process.js', { kind })
  const open = kind.endsWith('http2') ? overHttp2 : overHttp1
  const closing: Array<() => void> = []
  try {
    for (let warm = 0; warm < 5; warm++) (await open(server.port))()
    await idle(server)
    const [held, cpu] = [await server.held(), await server.cpu()]
    for (let at = 0; at < connections; at++) closing.push(await open(server.port))
    await idle(server)
    const used = ((await server.cpu()) - cpu) / connections
    const each = ((await server.held()) - held) / connections
    return result({
      id: `bodies in one-byte chunks, ${kind}`,
      inFlight: connections,
      ratio: each / budget,
      budget: 1,
      detail: `${(each / 1024).toFixed(0)} KiB held for ${(sent / 1024).toFixed(0)} KiB sent, × (twice that and 64 KiB); ${(used / 1000).toFixed(1)} ms of CPU a body`,
    })
  } finally {
    for (const close of closing) close()
    await server.stop()
  }
}

/** What a connection costs whose body arrives in chunks of one byte and does not end. Its sender is anonymous. */
export const bodies: Bench = {
  name: 'bodies',
  async run() {
    const rows: Result[] = []
    for (const kind of kinds) rows.push(await row(kind))
    return rows
  },
}
