import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MeasuredProcess } from './measured-process.js'

/** One request, ready to be sent. */
export interface Ready {
  /** Default POST. */
  readonly method?: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** What a round of requests cost. */
export interface Load {
  /** Microseconds of the server's CPU per request. */
  readonly cpu: number
  /** Requests per second. */
  readonly rate: number
  /** Milliseconds that one in a hundred waited longer for its answer. */
  readonly p99: number
  /** Milliseconds that each waited, in the order of the answers. */
  readonly waits: readonly number[]
}

/** The bytes of a request: made before the clock runs, so that the client takes as little of the machine as it can. */
function bytesOf({ method = 'POST', path, headers, body }: Ready): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `${method} ${path} HTTP/1.1\r\n${lines.join('')}connection: keep-alive\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])
}

/** A connection that stays open and has one request under way at a time. */
interface Lane {
  send(request: Buffer): Promise<string>
  close(): void
}

async function lane(port: number): Promise<Lane> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let received = ''
  let settle: { resolve(body: string): void; reject(error: Error): void } | undefined
  const fail = (error: Error): void => settle?.reject(error)
  socket.setEncoding('latin1')
  socket.on('error', fail).on('close', () => fail(new Error('the server closed a connection')))
  socket.on('data', (chunk: string) => {
    received += chunk
    const body = wholeBody(received)
    if (body === undefined) return
    const head = received
    received = ''
    if (head.startsWith('HTTP/1.1 200 ')) settle?.resolve(body)
    else fail(new Error(head.slice(0, 800)))
  })
  return {
    send: request =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error('the server closed a connection'))
        settle = { resolve, reject }
        socket.write(request)
      }),
    close: () => {
      settle = undefined
      socket.destroy()
    },
  }
}

/** The body once all of it is there; what is measured here always says how long it is. */
function wholeBody(received: string): string | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, end))?.[1]
  if (length === undefined) throw new Error('an answer without Content-Length')
  const body = received.slice(end + 4)
  return body.length >= Number(length) ? body : undefined
}

/** Keeps this process from sleeping, until the function that it returns is called. */
export function stayAwake(): () => void {
  let next: NodeJS.Immediate
  const turn = (): void => {
    next = setImmediate(turn)
  }
  turn()
  return () => clearImmediate(next)
}

/** How requests are sent. */
export interface Sending {
  /** Requests per second; default as many as are answered. */
  readonly rate?: number | undefined
  /**
   * Whether the client stays awake between answers, on a processor of its own. Where it sleeps, to wake it costs the server up to 12 µs an
   * answer on a virtual machine, and the more, the longer it slept: a slow server pays more for the client than a fast one. Default false.
   */
  readonly awake?: boolean
}

/** Sends requests that were made before, over so many connections that stay open. */
export async function load(
  server: MeasuredProcess,
  ready: readonly Ready[],
  connections: number,
  { rate = Number.POSITIVE_INFINITY, awake = false }: Sending = {},
): Promise<Load & { readonly answers: ReadonlyArray<Record<string, unknown>> }> {
  const requests = ready.map(bytesOf)
  const bodies: string[] = []
  const waited: number[] = []
  const lanes = await Promise.all(Array.from({ length: connections }, () => lane(server.port)))
  const cpu = await server.cpu()
  const start = performance.now()
  let next = 0
  const run = async ({ send }: Lane): Promise<void> => {
    for (let at = next++; at < requests.length; at = next++) {
      const early = start + (at / rate) * 1000 - performance.now()
      if (early > 0) await sleep(early)
      const sent = performance.now()
      bodies.push(await send(requests[at] ?? Buffer.of()))
      waited.push(performance.now() - sent)
    }
  }
  const sleepAgain = awake ? stayAwake() : () => undefined
  try {
    await Promise.all(lanes.map(run))
  } finally {
    sleepAgain()
  }
  const seconds = (performance.now() - start) / 1000
  const used = (await server.cpu()) - cpu
  for (const one of lanes) one.close()
  const answers = bodies.map(body => JSON.parse(body) as Record<string, unknown>)
  const p99 = waited.toSorted((a: number, b: number) => a - b)[Math.floor(waited.length * 0.99)] ?? 0
  return { cpu: used / ready.length, rate: ready.length / seconds, p99, waits: waited, answers }
}
