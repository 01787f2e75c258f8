import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { describe, expect, test, vi } from 'vitest'
import { isLong } from '../tier.fixture.js'
import { type Door, doors, ofSdk, type Run } from './closed-connections.fixture.js'

// A caller who closes the connection aborts the handler of its request; one who gets the whole answer never does.

interface Seen {
  readonly target: string
  readonly signals: Readonly<Record<string, AbortSignal>>
}

const never = new Promise<void>(() => undefined)

/** `/wait` and `/stream` go on until they are aborted, `/parts` ends in a moment. */
function watching(): { readonly seen: Seen[]; readonly run: Run } {
  const seen: Seen[] = []
  const run: Run = (target, signals) => {
    seen.push({ target, signals })
    const [signal] = Object.values(signals)
    const aborted = new Promise<void>(resolve => signal?.addEventListener('abort', () => resolve()))
    const ends = { '/done': Promise.resolve(), '/parts': pause(30) }[target] ?? Promise.race([aborted, never])
    return { first: target === '/done' || target === '/wait' ? undefined : 'first', ends }
  }
  return { seen, run }
}

interface Asked {
  /** What has come of the answer. */
  readonly text: () => string
  readonly close: () => void
}

function bytesOf({ at, body }: Door, target: string, method: string): string {
  const sent = body?.(target) ?? 'a body'
  const ofMcp = [
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    'mcp-protocol-version: 2026-07-28',
    'mcp-method: tools/call',
    `mcp-name: ${target.slice(1)}`,
  ]
  const lines = body === undefined ? ['content-type: text/plain'] : ofMcp
  const rest = method === 'GET' ? '\r\n' : `content-length: ${sent.length}\r\n\r\n${sent}`
  return [`${method} ${at ?? target} HTTP/1.1`, 'host: calendar.example', ...lines, rest].join('\r\n')
}

function over1(port: number): { ask(bytes: string): void } & Asked & { readonly socket: Socket } {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  return { socket, ask: bytes => void socket.write(bytes), text: () => text, close: () => socket.destroy() }
}

function over2(port: number, target: string, method: string): Asked & { readonly end: () => void } {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  const stream = session.request({ ':path': target, ':method': method, 'content-type': 'text/plain' })
  stream.on('error', () => undefined)
  let text = ''
  stream.on('response', () => {
    text += 'HTTP/1.1 200'
  })
  stream.on('data', chunk => {
    text += chunk
  })
  if (method === 'GET') stream.end()
  else stream.end('a body')
  // The stream is reset, and the connection stays.
  return { text: () => text, close: () => stream.close(8), end: () => session.destroy() }
}

function ask(door: Door, port: number, { target, method }: { target: string; method: string }): Asked {
  if (door.http2) return over2(port, target, method)
  const asked = over1(port)
  asked.ask(bytesOf(door, target, method))
  return asked
}

const shortly = { timeout: 5000, interval: 10 }
const states = ({ signals }: Seen): boolean[] => Object.values(signals).map(({ aborted }) => aborted)

describe.each(doors)('$name', door => {
  const methods = door.body === undefined && isLong ? ['GET', 'POST'] : ['POST']

  const title = 'a caller who leaves before or within the answer aborts the handler; one who has it whole does not'
  test(door.body === undefined ? title : verifies('mcp.caller-gone', title), async () => {
    const { seen, run } = watching()
    const { port, stop } = await door.open(run)
    try {
      for (const method of methods) {
        for (const target of ['/done', '/parts']) {
          const whole = ask(door, port, { target, method })
          await vi.waitFor(() => expect(whole.text()).toMatch(/end/), shortly)
          await pause(20)
          whole.close()
        }
        for (const target of ['/wait', '/stream']) {
          const asked = ask(door, port, { target, method })
          const own = (): Seen[] => seen.filter(one => one.target === target)
          const before = method === 'POST' && methods.length > 1 ? 1 : 0
          await vi.waitFor(() => expect(own()).toHaveLength(before + 1), shortly)
          if (target === '/stream') await vi.waitFor(() => expect(asked.text()).toMatch(/first/), shortly)
          const [latest] = own().slice(-1)
          if (latest === undefined) throw new Error('the handler did not run')
          expect(new Set(states(latest))).toEqual(new Set([false]))
          asked.close()
          await vi.waitFor(() => expect(new Set(states(latest))).toEqual(new Set([true])), shortly)
        }
      }
      await pause(50)
      const done = seen.filter(({ target }) => target === '/done' || target === '/parts')
      expect(done).toHaveLength(2 * methods.length)
      for (const { signals } of done)
        for (const [name, { aborted }] of Object.entries(signals)) if (name !== ofSdk) expect(aborted).toBe(false)
    } finally {
      await stop()
    }
  })
})
