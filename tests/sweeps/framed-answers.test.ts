import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { isLong } from '../tier.fixture.js'
import { type Door, doors, type Kind } from './framed-answers.fixture.js'

// How every answer is framed: the answer to the next request on a connection must be the right one, for every status, method, body
// and length. A length without its body makes a caller take the next answer for that body; bytes that no length announces make it
// take them for the next answer (response splitting).

interface Answer {
  readonly status: number
  readonly length: string | undefined
  readonly coding: string | undefined
  readonly body: string
}

/** The answers on a connection as RFC 9112 §6.3 has a client read them; `rest` is what is left, of an answer that broke off. */
function answersIn(text: string, methods: readonly string[]): { answers: Answer[]; rest: string } {
  const answers: Answer[] = []
  let rest = text
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    const head = rest.slice(0, end + 2)
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1])
    if (end < 0 || Number.isNaN(status)) break
    const line = (name: string): string | undefined => new RegExp(`^${name}: *(.*)\\r$`, 'im').exec(head)?.[1]
    const [length, coding] = [line('content-length'), line('transfer-encoding')]
    const after = rest.slice(end + 4)
    const isBodiless = methods[answers.length] === 'HEAD' || status === 204 || status === 304
    const body = isBodiless ? { text: '', taken: 0 } : coding === undefined ? byLength(after, length) : byChunks(after)
    if (body === undefined) break
    answers.push({ status, length, coding, body: body.text })
    rest = after.slice(body.taken)
  }
  return { answers, rest }
}

function byLength(text: string, length: string | undefined): { text: string; taken: number } | undefined {
  const taken = length === undefined ? text.length : Number(length)
  return text.length < taken ? undefined : { text: text.slice(0, taken), taken }
}

function byChunks(text: string): { text: string; taken: number } | undefined {
  let at = 0
  let body = ''
  for (;;) {
    const line = text.indexOf('\r\n', at)
    const size = line < 0 ? Number.NaN : Number.parseInt(text.slice(at, line), 16)
    if (Number.isNaN(size) || text.length < line + 4 + size) return undefined
    body += text.slice(line + 2, line + 2 + size)
    at = line + 4 + size
    if (size === 0) return { text: body, taken: at }
  }
}

const plain = ['host: calendar.example', 'content-type: text/plain']

function request(method: string, path: string, plan: string, last = false): string {
  const lines = [...plain, `x-plan: ${plan}`, ...(last ? ['connection: close'] : [])]
  const [length, body] = method === 'POST' ? ['content-length: 6\r\n', 'a body'] : ['', '']
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n${length}\r\n${body}`
}

/** Sends both requests at once. @returns all that comes until the connection closes */
function pipelined(port: number, first: string, second: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(first + second))
    let text = ''
    const late = setTimeout(() => reject(new Error(`the connection stays open after ${JSON.stringify(text)}`)), 8000)
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(late)
      resolve(text)
    })
  })
}

interface Case {
  readonly method: string
  readonly status: number
  readonly kind: Kind
}

/** 201, 404 and 500 are framed as 200, and answers to POST as those to GET. */
const statuses = isLong ? [200, 201, 204, 205, 304, 404, 500] : [200, 204, 205, 304]

function casesOf({ methods, kinds, isNode }: Door): Case[] {
  return methods
    .filter(method => isLong || method !== 'POST')
    .flatMap(method =>
      statuses.flatMap(status =>
        kinds
          // A handler that sets a length of its own for no body: on Node that is its answer.
          .filter(kind => !(isNode && kind === 'length' && status !== 204 && status !== 304 && method !== 'HEAD'))
          .filter(kind => !(isNode && kind === 'body' && status === 205))
          .map(kind => ({ method, status, kind })),
      ),
    )
}

const nameOf = ({ method, status, kind }: Case): string => `${method} ${status} ${kind}`

/** What is wrong with the first answer, by the table. */
function faultOf({ method, status, kind }: Case, answer: Omit<Answer, 'status'>): string | undefined {
  const { length, coding, body } = answer
  if (status === 204)
    return length !== undefined || coding !== undefined || body !== '' ? 'more than a head' : undefined
  if (status === 205) return length !== '0' || coding !== undefined || body !== '' ? 'not empty' : undefined
  if (method === 'HEAD' || status === 304) {
    if (body !== '') return 'a body'
    if (kind === 'length' && length !== '5') return `the length ${length} and not that of the GET`
    return coding === undefined && (length === undefined || /^\d+$/.test(length)) ? undefined : 'no length of a GET'
  }
  // What a source sends beyond its length is no part of its answer.
  const whole = { none: '', length: '', long: length === undefined ? 'hello' : 'hel' }[kind as string] ?? 'hello'
  if (body !== whole) return `the body ${JSON.stringify(body)}`
  return undefined
}

/** Whether the answer may break off, since its source has sent another length than it said. */
const mayBreak = ({ kind }: Case): boolean => ['length', 'long', 'short', 'spoilt'].includes(kind)

async function over1(door: Door, port: number): Promise<string[]> {
  const faults: string[] = []
  for (const one of casesOf(door)) {
    const { method, status, kind } = one
    const first = request(method, door.path, `${status} ${kind}`)
    const text = await pipelined(port, first, request('GET', door.path, '201 body', true))
    const { answers, rest } = answersIn(text, [method, 'GET'])
    const [answer, next] = answers
    const broken = mayBreak(one) && answers.length < 2 && !text.includes('HTTP/1.1 201', 1)
    const is503 = door.name.startsWith('gateway') && mayBreak(one) && answer?.status === 503 && next?.status === 201
    if (broken || is503) continue
    if (answers.length !== 2 || rest !== '' || next?.status !== 201 || next.body !== 'hello' || answer === undefined)
      faults.push(`${nameOf(one)}: the next answer is not the right one: ${JSON.stringify(text.slice(-300))}`)
    else if (answer.status !== status) faults.push(`${nameOf(one)}: status ${answer.status}`)
    else {
      const fault = door.isNode && status === 205 ? undefined : faultOf(one, answer)
      if (fault !== undefined) faults.push(`${nameOf(one)}: ${fault}`)
    }
  }
  return faults
}

async function over2(door: Door, port: number): Promise<string[]> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  const faults: string[] = []
  const ask = (method: string, plan: string): Promise<Answer | string> =>
    new Promise(resolve => {
      const stream = session.request({
        ':method': method,
        ':path': door.path,
        'x-plan': plan,
        'content-type': 'text/plain',
      })
      let head: IncomingHttpHeaders & { ':status'?: number | undefined } = {}
      let body = ''
      stream.on('response', headers => {
        head = headers
      })
      stream.on('data', chunk => {
        body += chunk
      })
      stream.on('error', error => resolve(error.message))
      const told = (name: string): string | undefined => head[name] as string | undefined
      const parts = () => ({ length: told('content-length'), coding: told('transfer-encoding'), body })
      stream.on('end', () => resolve({ status: head[':status'] ?? 0, ...parts() }))
      stream.end(method === 'POST' ? 'a body' : undefined)
    })
  for (const one of casesOf(door)) {
    const { method, status, kind } = one
    const [answer, next] = await Promise.all([ask(method, `${status} ${kind}`), ask('GET', '201 body')])
    if (typeof next === 'string' || next.status !== 201 || next.body !== 'hello')
      faults.push(`${nameOf(one)}: the other answer is not the right one`)
    // HTTP/2 frames by itself: a length is only a claim there, which may be left out.
    const isEmpty =
      typeof answer !== 'string' && status === 205 && (answer.length === undefined || door.isNode) && answer.body === ''
    const fault = typeof answer === 'string' ? answer : isEmpty ? undefined : faultOf(one, answer)
    if (fault !== undefined) faults.push(`${nameOf(one)}: ${fault}`)
  }
  session.destroy()
  return faults
}

describe.each(doors)('$name', door => {
  test('every answer ends where the next one begins', { timeout: 120_000 }, async () => {
    const { port, stop } = await door.open()
    try {
      expect(await (door.http2 ? over2 : over1)(door, port)).toEqual([])
    } finally {
      await stop()
    }
  })

  test.runIf(door.refuses && !door.http2)('so does every refusal', async () => {
    const { port, stop } = await door.open()
    try {
      for (const method of ['GET', 'HEAD', 'POST']) {
        const refused = request(method, '/closed', '200 body')
        const text = await pipelined(port, refused, request('GET', '/feed', '201 body', true))
        const { answers, rest } = answersIn(text, [method, 'GET'])
        expect(rest).toBe('')
        expect(answers.map(({ status }) => status)).toEqual([401, 201])
        const [{ body = '' } = {}, { body: next } = {}] = answers
        expect(body === '').toBe(method === 'HEAD')
        expect(next).toBe('hello')
      }
    } finally {
      await stop()
    }
  })
})
