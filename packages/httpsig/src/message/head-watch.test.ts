import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Writable } from 'node:stream'
import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromRequest, type JudgeHead, type ReceivedMessage } from '../index.js'
import { fromNode, peekNode } from '../node.js'

type Incoming = Parameters<typeof fromNode>[0]

/** What the server does with a request. */
let act: (request: Incoming) => Promise<unknown>
const came: Incoming[] = []
const received = (request: Incoming, response: { end(text: string): unknown }): void => {
  came.push(request)
  act(request).then(
    () => response.end('read'),
    (error: Error) => response.end(error.message),
  )
}
const server = createServer(received)
const h2 = http2.createServer(received)
beforeAll(async () => {
  for (const one of [server, h2]) await once(one.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  h2.close()
})

const portOf = (one: { address(): unknown }): number => (one.address() as AddressInfo).port

/** A request whose body is written by hand. */
interface Upload {
  readonly body: Writable
  readonly answered: Promise<unknown>
  end(): void
}

const uploads: Readonly<Record<string, () => Upload>> = {
  'HTTP/1.1': () => {
    const body = send({ port: portOf(server), method: 'POST' })
    body.on('error', () => undefined)
    return { body, answered: once(body, 'response'), end: () => body.destroy() }
  },
  'HTTP/2': () => {
    const session = http2.connect(`http://127.0.0.1:${portOf(h2)}`)
    const body = session.request({ ':method': 'POST', ':path': '/' })
    body.on('error', () => undefined)
    return { body, answered: once(body, 'response'), end: () => session.destroy() }
  },
}

const readers = { fromNode, peekNode }
const cases = Object.keys(uploads).flatMap(wire =>
  Object.entries(readers).map(([name, read]) => [wire, name, read] as const),
)

/** A verdict that is given by hand. */
function verdict() {
  let say: (message: ReceivedMessage | undefined) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const refused = new Promise<ReceivedMessage | undefined>((resolve, fail) => {
    say = resolve
    reject = fail
  })
  const proof = {}
  const judgeHead: JudgeHead = () => ({ refused, proof })
  return { judgeHead, proof, say, reject }
}

const no: ReceivedMessage = { method: 'POST', target: '/', headers: [], headFault: 'refused' }

describe.each(cases)('%s, %s', (wire, _, read) => {
  const begin = (judgeHead: JudgeHead) => {
    let outcome: ReceivedMessage | undefined
    act = async request => {
      outcome = await read(request, { bodyLimit: 100, judgeHead })
    }
    const upload = (uploads[wire] as () => Upload)()
    return { ...upload, outcome: () => outcome }
  }
  const text = (message: ReceivedMessage | undefined): string => Buffer.from(message?.body ?? []).toString()

  test(
    verifies('DIG-21', 'sig.body.head-first', 'a refusal of the head ends the reading, wherever that is'),
    async () => {
      for (const part of ['', 'half of it']) {
        const { judgeHead, say } = verdict()
        const before = came.length
        const { body, answered, outcome, end } = begin(judgeHead)
        if (part === '') (body as Partial<{ flushHeaders(): void }>).flushHeaders?.()
        else body.write(part)
        await expect.poll(() => came.length).toBe(before + 1)
        await new Promise(resolve => setTimeout(resolve, 20))
        expect(outcome()).toBe(undefined)
        say(no)
        await answered
        expect(outcome()).toBe(no)
        const request = came.at(-1)
        expect([request?.listenerCount('data'), request?.listenerCount('readable')]).toEqual([0, 0])
        end()
      }
    },
  )

  test('a head that is not refused waits for its body, early or late', async () => {
    for (const judge of ['undefined', 'rejected', 'never'] as const) {
      const { judgeHead, proof, say, reject } = verdict()
      const { body, answered, outcome, end } = begin(judgeHead)
      const before = came.length
      body.write('ab')
      await expect.poll(() => came.length).toBe(before + 1)
      if (judge === 'undefined') say(undefined)
      if (judge === 'rejected') reject(new Error('not known'))
      await new Promise(resolve => setTimeout(resolve, 20))
      expect(outcome()).toBe(undefined)
      body.end('c')
      await answered
      expect([text(outcome()), outcome()?.headProof === proof]).toEqual(['abc', true])
      // Too late: the body has been passed on already.
      say(no)
      await new Promise(resolve => setTimeout(resolve, 5))
      expect(text(outcome())).toBe('abc')
      end()
    }
  })
})

describe('fromRequest', () => {
  const upload = () => {
    const cancelled: unknown[] = []
    let write: ReadableStreamDefaultController<Uint8Array> | undefined
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        write = controller
      },
      cancel(reason) {
        cancelled.push(reason)
      },
    })
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, duplex: 'half' }
    return { request: new Request('https://calendar.example/', init), cancelled, write: () => write }
  }

  test(verifies('DIG-21', 'a refusal of the head ends the reading'), async () => {
    const { judgeHead, say } = verdict()
    const { request, cancelled, write } = upload()
    const reading = fromRequest(request, { bodyLimit: 10, judgeHead })
    write()?.enqueue(new Uint8Array([97]))
    say(no)
    expect(await reading).toBe(no)
    expect(cancelled).toHaveLength(1)
  })

  test('a head that is not refused waits for its body', async () => {
    const { judgeHead, proof, say } = verdict()
    const { request, cancelled, write } = upload()
    const reading = fromRequest(request, { bodyLimit: 10, judgeHead })
    say(undefined)
    write()?.enqueue(new Uint8Array([97]))
    expect(await Promise.race([reading, new Promise(resolve => setTimeout(() => resolve('waits'), 20))])).toBe('waits')
    write()?.close()
    const message = await reading
    expect([Buffer.from(message.body ?? []).toString(), message.headProof === proof]).toEqual(['a', true])
    expect(cancelled).toEqual([])
  })
})
