import { InMemoryTransport } from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { type BridgeOptions, bridge } from './bridge.js'
import type { RemoteTransport } from './transport.js'

// Servers that do not answer what they are: the bridge waits for a limited time, by a clock that the test sets forward.

type Message = Readonly<Record<string, unknown>> & { readonly id?: string | number; readonly method?: string }

const greeting = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } }
const unknown = { error: { code: -32_601, message: 'unknown' } }
const hello = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
}

/** A clock that stands still until the test sets it forward. */
function testClock() {
  const waiting = new Set<() => void>()
  return {
    sleep: (_: number, signal: AbortSignal): Promise<void> =>
      new Promise(resolve => {
        const end = (): void => {
          signal.removeEventListener('abort', end)
          resolve()
        }
        waiting.add(end)
        signal.addEventListener('abort', end)
      }),
    /** Lets this many waits pass, one after the other. */
    async pass(waits: number): Promise<void> {
      for (let at = 0; at < waits; at++) {
        await expect.poll(() => waiting.size, { interval: 1 }).toBeGreaterThan(0)
        const [first] = waiting
        waiting.clear()
        first?.()
        await Promise.resolve()
      }
    },
  }
}

interface Silent {
  readonly received: Message[]
  /** What the connections to the server were used for: `discover`, `aborted`, `closed`. */
  readonly seen: string[]
  readonly clock: ReturnType<typeof testClock>
  say(message: object): void
}

/** A client, and a server that answers from the given connection on. */
async function silent(answersFrom: number, options: Partial<BridgeOptions> = {}): Promise<Silent> {
  const [near, local] = InMemoryTransport.createLinkedPair()
  const [received, seen]: [Message[], string[]] = [[], []]
  const clock = testClock()
  let connections = 0
  const remote = (): RemoteTransport => {
    connections += 1
    const answers = connections >= answersFrom
    const transport: RemoteTransport = {
      start: async () => undefined,
      close: () => {
        seen.push('closed')
        // Nor does it end.
        return new Promise(() => undefined)
      },
      async send(raw, { requestSignal } = {}) {
        const { id, method } = raw as unknown as Message
        if (method === 'server/discover') seen.push('discover')
        requestSignal?.addEventListener('abort', () => void (answers || seen.push('aborted')), { once: true })
        if (!answers || id === undefined) return
        const answer = method === 'initialize' ? { result: greeting } : unknown
        setTimeout(() => transport.onmessage?.({ jsonrpc: '2.0', id, ...answer } as never))
      },
    }
    return transport
  }
  near.onmessage = message => void received.push(message as Message)
  await bridge({ local, remote, sleep: clock.sleep, ...options }).start()
  await near.start()
  return {
    received,
    seen,
    clock,
    say: message => void near.send({ jsonrpc: '2.0', ...message } as never).catch(() => undefined),
  }
}

test('a server that never answers: the request fails after a minute and says what was tried, and the next one tries again', async () => {
  const { received, seen, clock, say } = await silent(2)
  say({ id: 1, ...hello })
  await clock.pass(59)
  expect([received, seen]).toEqual([[], ['discover']])
  await clock.pass(1)
  const message =
    'the server did not answer in 60 s: the bridge sent it server/discover, to find out which revision of MCP it speaks. The next request tries again'
  await expect.poll(() => received).toEqual([{ jsonrpc: '2.0', id: 1, error: { code: -32603, message } }])
  expect(seen).toEqual(['discover', 'closed', 'aborted'])
  say({ id: 2, ...hello })
  await expect.poll(() => received[1]).toEqual({ jsonrpc: '2.0', id: 2, result: greeting })
})

test('every request that waits gets the error', async () => {
  const { received, clock, say } = await silent(2, { discoverySeconds: 1.5 })
  say({ id: 1, ...hello })
  say({ id: 2, method: 'ping' })
  await clock.pass(2)
  await expect.poll(() => received.map(({ id }) => id)).toEqual([1, 2])
  expect(received[1]).toMatchObject({ error: { message: expect.stringContaining('did not answer in 1.5 s') } })
})

test('the time in which the agent asks its user does not count', async () => {
  let isAsking = true
  const options = { discoverySeconds: 2, isAskingUser: () => isAsking }
  const { received, clock, say } = await silent(2, options)
  say({ id: 1, ...hello })
  await clock.pass(700)
  isAsking = false
  await clock.pass(1)
  expect(received).toEqual([])
  await clock.pass(1)
  await expect.poll(() => received).toMatchObject([{ id: 1, error: { code: -32603 } }])
})

test('a server that answers in time is not given up', async () => {
  const { received, seen, say } = await silent(1)
  say({ id: 1, ...hello })
  await expect.poll(() => received).toEqual([{ jsonrpc: '2.0', id: 1, result: greeting }])
  expect(seen).toEqual(['discover'])
})

test('a time limit of nothing, of no number or of more than an hour is refused', () => {
  const [, local] = InMemoryTransport.createLinkedPair()
  const remote = (): never => {
    throw new Error('not used')
  }
  for (const discoverySeconds of [0, -1, Number.NaN, 3601])
    expect(() => bridge({ local, remote, discoverySeconds })).toThrow('discoverySeconds')
  expect(() => bridge({ local, remote, discoverySeconds: 3600 })).not.toThrow()
})
