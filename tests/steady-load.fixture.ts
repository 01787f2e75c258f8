import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReceivedMessage } from '@countersign/httpsig'

/** Requests that are sent when they are due, whether or not earlier ones were answered. */
export interface SteadyLoad {
  readonly port: number
  /** Requests per second. */
  readonly rate: number
  /** Makes and signs a request; each is sent once. */
  make(index: number): Promise<ReceivedMessage>
}

/** Requests under way at once: on a machine that cannot keep up, the next one waits. */
const mostUnderWay = 200

/** What became of the requests of a load. */
export interface LoadResult {
  readonly sent: number
  /** How many requests ended so: by status, as `200`, or by the code of the error, as `ECONNRESET`. */
  readonly ends: Readonly<Record<string, number>>
  /** How many connections the requests used. */
  readonly connections: number
  /** Requests per second that were sent. */
  readonly rate: number
  /** Milliseconds that one in a hundred requests took longer than. */
  readonly p99: number
}

/**
 * Sends requests until `work` has ended: every other one over connections that stay open, the rest over new connections.
 * @returns once every request has ended
 */
export async function loadDuring(load: SteadyLoad, work: Promise<unknown>): Promise<LoadResult> {
  const open = new Agent({ keepAlive: true, maxSockets: mostUnderWay / 4 })
  const sockets = new Set<unknown>()
  const ends: Record<string, number> = {}
  const waits: number[] = []
  const underWay = new Set<Promise<void>>()
  let isOver = false
  const over = work.finally(() => {
    isOver = true
  })
  // Reported by the last line, once every request has ended.
  over.catch(() => undefined)
  const send = async (index: number): Promise<void> => {
    const message = await load.make(index)
    const sent = performance.now()
    const end = await ended(load.port, message, { agent: index % 2 === 0 ? open : false, sockets })
    waits.push(performance.now() - sent)
    ends[end] = (ends[end] ?? 0) + 1
  }
  const started = performance.now()
  let sent = 0
  for (; !isOver; sent++) {
    const early = started + (sent / load.rate) * 1000 - performance.now()
    if (early > 0) await sleep(early)
    while (underWay.size >= mostUnderWay) await Promise.race(underWay)
    const sending: Promise<void> = send(sent).finally(() => underWay.delete(sending))
    underWay.add(sending)
  }
  const rate = sent / ((performance.now() - started) / 1000)
  await Promise.all(underWay)
  open.destroy()
  await over
  const p99 = waits.toSorted((one, other) => one - other)[Math.floor(waits.length * 0.99)] ?? 0
  return { sent, ends, connections: sockets.size, rate, p99 }
}

/** Sends one request. An answer counts once its last byte is there. */
function ended(
  port: number,
  { method, target, headers, body }: ReceivedMessage,
  { agent, sockets }: { readonly agent: Agent | false; readonly sockets: Set<unknown> },
): Promise<string> {
  return new Promise(resolve => {
    const length = body === undefined ? [] : [['content-length', String(body.length)]]
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      path: target,
      agent,
      setHost: false,
      headers: Object.fromEntries([...headers, ...length]),
    })
    const fail = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message)
    request.on('socket', socket => sockets.add(socket)).on('error', fail)
    request.on('response', response => {
      response.on('error', fail).on('end', () => resolve(String(response.statusCode)))
      response.resume()
    })
    request.end(body)
  })
}
