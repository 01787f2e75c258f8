import { readdirSync, readFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { generateSigningKey, signRequest } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { root } from '../processes.fixture.js'
import { type Door, doors, id, type Running } from './body-bytes.fixture.js'

// Every decision about a body looks at its bytes, never at headers: a captured request without a body, given one.

const key = await generateSigningKey()
const now = (): number => Date.now() / 1000 + 2

type Line = readonly [name: string, value: string]

/** A signed request, by default without a body. */
async function captured(target: string, method: string, body = ''): Promise<Line[]> {
  const type: Line = ['content-type', 'application/json']
  const host: Line = ['host', new URL(id).host]
  // What a check is asked about is at its own path.
  const url = `${id}${target.replace(/^\/check/, '')}`
  const signatureKey = { scheme: 'hwk', jwk: key.publicJwk } as const
  const o = { method, url, headers: [host, type], key, signatureKey, now, body: Buffer.from(body) }
  return [host, type, ...(await signRequest(o))]
}

/** Sends pieces one after the other. @returns the final statuses of the answers on the connection */
async function statuses(port: number, ...pieces: readonly string[]): Promise<number[]> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  const closed = new Promise(resolve => socket.once('close', resolve))
  for (const piece of pieces) {
    socket.write(Buffer.from(piece, 'latin1'))
    await pause(20)
  }
  await Promise.race([closed, pause(20_000)])
  socket.destroy()
  return [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status)).filter(status => status !== 100)
}

const evil = '{"evil":1}'
const fillers: readonly Line[] = Array.from({ length: 1030 }, () => ['a', ''] as const)
const byLength: Line = ['content-length', String(evil.length)]
const chunked: Line = ['transfer-encoding', 'chunked']
const chunks = `${evil.length.toString(16)}\r\n${evil}\r\n0\r\n\r\n`

function head(method: string, target: string, lines: readonly Line[]): string {
  const all = [...lines, ['connection', 'close'] as const].map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${all.join('')}\r\n`
}

interface Attack {
  readonly name: string
  readonly method?: string
  readonly lines: readonly Line[]
  readonly body: string
  /** The body comes when the head has been read. */
  readonly later?: true
  readonly status: number
}

const attacks: readonly Attack[] = [
  { name: 'hidden Content-Length', lines: [...fillers, byLength], body: evil, status: 431 },
  { name: 'hidden Content-Length, body later', lines: [...fillers, byLength], body: evil, later: true, status: 431 },
  { name: 'hidden chunks', lines: [...fillers, chunked], body: chunks, status: 431 },
  { name: 'hidden, on a GET', method: 'GET', lines: [...fillers, byLength], body: evil, status: 431 },
  { name: 'a length', lines: [byLength], body: evil, later: true, status: 401 },
  { name: 'chunks', lines: [chunked], body: chunks, later: true, status: 401 },
  { name: 'Expect', lines: [byLength, ['expect', '100-continue']], body: evil, later: true, status: 401 },
]

async function withDoor(door: Door, run: (at: Running, bodies: readonly string[]) => Promise<void>): Promise<void> {
  const seen = { bodies: [] as string[] }
  const running = await door.open(seen)
  try {
    await run(running, seen.bodies)
  } finally {
    await running.stop()
  }
}

const named = doors.map((door, at) => [`${door.of[0] ?? ''} ${door.target} (${at})`, door] as const)

describe.concurrent.each(named)('%s', (_, door) => {
  test(verifies('DIG-19', 'COV-46', 'COV-47', 'sig.body.uncovered', 'takes no unsigned body'), () =>
    withDoor(door, async (at, bodies) => {
      if (at.http2) await expectBytesDecideInHttp2(door, at, bodies)
      else await expectBytesDecide(door, at, bodies)
    }),
  )
})

async function expectBytesDecide(door: Door, { port }: Running, bodies: readonly string[]): Promise<void> {
  const isRoute = door.twin === 200
  for (const { name, method = 'POST', lines, body, later, status } of attacks) {
    const signed = await captured(door.target, method)
    const text = head(method, door.target, [...signed, ...lines])
    const before = bodies.length
    const answered = await statuses(port, ...(later ? [text, body] : [text + body]))
    if (!isRoute && status === 401) expect(answered[0], name).toBeGreaterThanOrEqual(400)
    else expect(answered, name).toEqual([status])
    expect(bodies.slice(before), name).toEqual([])
    if (method === 'GET' && !isRoute) continue
    expect(await statuses(port, head(method, door.target, signed)), `the twin of ${name}`).toEqual([door.twin])
    expect(bodies.slice(before).join(''), 'it has no body').toBe('')
    expect(bodies.length - before).toBe(isRoute ? 1 : 0)
  }
}

const accessToken = Buffer.from('{"typ":"at+jwt","alg":"Ed25519","kid":"k1"}').toString('base64url')

function flipped(signature: string): string {
  return signature.replace(/:(.)/, (_, first) => `:${first === 'A' ? 'B' : 'A'}`)
}

/** Heads that are refused, whatever comes after them. */
const heads: ReadonlyArray<readonly [name: string, change: (lines: Line[]) => readonly Line[]]> = [
  ['no signature', lines => lines.filter(([name]) => !/^(signature|content-digest)/.test(name))],
  ['a malformed signature', lines => lines.map(([name, value]) => [name, name === 'signature' ? 'x' : value])],
  ['an old signature', lines => lines.map(([name, value]) => [name, value.replace(/created=\d+/, 'created=1')])],
  ['a flipped signature', lines => lines.map(([name, value]) => [name, name === 'signature' ? flipped(value) : value])],
  // Refused for it before anything is fetched or verified (JWT-24).
  [
    'a JWT that is no identity',
    lines =>
      lines.map(([name, value]) => [name, name === 'signature-key' ? `sig=jwt;jwt="${accessToken}.e30.AA"` : value]),
  ],
  [
    'a digest that is not covered',
    lines => lines.map(([name, value]) => [name, value.replace(' "content-digest"', '')]),
  ],
]

/** Whether the answer comes while the body does not. */
async function answersUnread(port: number, text: string): Promise<number | undefined> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  const answered = new Promise<number>(resolve => {
    socket.on('data', chunk => {
      const status = /^HTTP\/1\.1 (\d+)/.exec(chunk.toString('latin1'))?.[1]
      if (status !== undefined && status !== '100') resolve(Number(status))
    })
  })
  socket.write(text)
  const first = await Promise.race([answered, pause(20_000)])
  socket.destroy()
  return first ?? undefined
}

describe.concurrent.each(named.filter(([, { hidesHead }]) => hidesHead === undefined))('%s', (_, door) => {
  test(verifies('DIG-21', 'JWT-24', 'sig.body.head-first', 'refuses by the head before it reads the body'), () =>
    withDoor(door, async ({ port, http2 }, bodies) => {
      if (http2) return
      const before = bodies.length
      const refuse = async ([name, change]: (typeof heads)[number]): Promise<void> => {
        if (name === 'no signature' && door.bodyNamesRule) return
        const lines = change(await captured(door.target, 'POST', 'x'.repeat(1000)))
        // Where no digest is covered there may be no body at all: the first byte of one refuses.
        const first = name === 'a digest that is not covered' ? '1\r\nx\r\n' : ''
        const status = await answersUnread(port, head('POST', door.target, [...lines, chunked]) + first)
        expect([400, 401, 403], name).toContain(status)
      }
      // At once: a refusal waits a second for the body.
      await Promise.all(heads.map(refuse))
      expect(bodies.length).toBe(before)
      // The twin: what its head does not refuse is waited for.
      const lines = await captured(door.target, 'POST', evil)
      expect((await statuses(port, head('POST', door.target, [...lines, chunked]), chunks)).length).toBe(1)
      if (door.twin === 200) expect(bodies.slice(before)).toEqual([evil])
    }),
  )
})

async function expectBytesDecideInHttp2(door: Door, { port }: Running, bodies: readonly string[]): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const call = async (o: { method?: string; sent?: string; body?: string; more?: number }): Promise<unknown> => {
    const { method = 'POST', sent = method, body, more = 0 } = o
    const lines = (await captured(door.target, method)).filter(([name]) => name !== 'host')
    const fill = Array.from({ length: more }, (_, at) => [`a${at}`, ''] as const)
    const stream = session.request(
      {
        ':method': sent,
        ':path': door.target,
        ':authority': new URL(id).host,
        ...Object.fromEntries([...lines, ...fill]),
      },
      { endStream: body === undefined },
    )
    let status: unknown
    stream.on('response', answer => {
      status = answer[':status']
    })
    stream.on('error', () => undefined).resume()
    const closed = new Promise(resolve => stream.on('close', resolve))
    await pause(10)
    if (body !== undefined) stream.end(body)
    await closed
    return status
  }
  const twin = async (): Promise<void> => {
    const before = bodies.length
    expect([await call({}), await call({ body: '' })]).toEqual([door.twin, door.twin])
    expect(bodies.slice(before)).toEqual(['', ''])
  }
  const before = bodies.length
  expect(await call({ body: evil }), 'END_STREAM that comes later').toBe(401)
  // Fetch does not show the body of a GET.
  if (!door.hidesBodyOfGet) expect(await call({ method: 'GET', body: evil }), 'a GET with a body').toBe(401)
  for (const sent of ['post', 'Post']) {
    // Signed as it is sent; and signed as the platform runs it.
    const refused = door.lowerCase ?? 400
    expect(await call({ method: sent, sent }), 'a method in lower case').toBe(refused)
    // If the platform has turned it into POST already, POST was signed.
    if (refused !== 401) expect(await call({ sent }), 'a method in lower case').toBe(refused)
  }
  expect(await call({ more: 200, body: evil }), 'too many lines reset the stream').toBe(undefined)
  expect(bodies.slice(before)).toEqual([])
  await twin()
  session.close()
}

/** Exports that take requests from a network. */
const takesRequests =
  /^(guard(?!edFetch)\w*|wellKnown|mount\w+|serve|(from|peek|receive)Node|create\w*(Gateway|Check|Server))$/

async function exported(): Promise<string[]> {
  const names: string[] = []
  for (const room of readdirSync(join(root, 'packages'))) {
    const manifest = JSON.parse(readFileSync(join(root, 'packages', room, 'package.json'), 'utf8'))
    for (const subpath of Object.keys(manifest.exports ?? {}).filter(name => !name.includes('*'))) {
      if (subpath === './package.json') continue
      const module: Record<string, unknown> = await import(`@countersign/${room}${subpath.slice(1)}`)
      const taking = Object.keys(module).filter(name => typeof module[name] === 'function' && takesRequests.test(name))
      names.push(...taking.map(name => `${room}${subpath.slice(1)}:${name}`))
    }
  }
  return names
}

test('every export that takes requests is among the doors', async () => {
  const attacked = new Set(doors.flatMap(door => door.of))
  expect((await exported()).filter(name => !attacked.has(name))).toEqual([])
})

/** Sources that look at the headers which frame a body, and what for. */
const framing: Readonly<Record<string, string>> = {
  'agent/src/interact/loopback.ts': 'sets the length of its page',
  'playground/src/analysis/received.ts':
    'tells whether a recorded body is whole, before its digest is computed again; nothing runs',
  'httpsig/src/message/raw-request.ts': 'parses a request that a user gives it as text; nothing runs',
  'conformance/src/resource/content-cases.ts': 'compares the length that an answer claims with its bytes',
  'conformance/src/resource/shown-answer.ts': 'compares the length that an answer claims with its bytes',
  'conformance/src/resource/digest-cases.ts': 'sends framings that the resource it judges must refuse',
  'conformance/src/wire/message.ts': 'writes the requests of the suite, with a framing of choice',
  'conformance/src/wire/read-response.ts': 'reads answers of the resource it judges; decides nothing about a request',
  'discovery/src/guarded-fetch.ts': 'sets the length of what it sends; refuses an answer early, and counts its bytes',
  'discovery/src/guarded-fetcher.ts': 'refuses an answer early; its bytes are counted all the same',
  'gateway/src/check.ts':
    'asks a proxy that has the body what it knows of it; what is signed is refused unless seen or told unseen',
  'gateway/src/mcp-names.ts': 'sets the length of a question that it asks itself',
  'gateway/src/forwarded-headers.ts': 'sets the length of the body that was verified',
  'gateway/src/header-rules.ts': 'says that those of a caller do not go upstream',
  'gateway/src/upstream.ts':
    'reads the head of an answer of the API: a connection with bytes that no 204 has is not used again',
  'protocol/src/message/framing.ts': 'the one table of how answers are framed; says nothing of a request',
  'httpsig/src/message/framing-node.ts':
    'refuses framings early; of a body read before the guard, once the head is known to be whole',
  'httpsig/src/received-request-node.ts': 'refuses a body early that is announced to be over the limit',
  'httpsig/src/message/received-request.ts': 'refuses what announces a body that the platform does not show',
  'httpsig/src/reason/message-reasons.ts': 'tells a sender what to change',
  'mcp/src/answer/show-message.ts': 'sets the length of an answer',
  'playground/src/attacks/captured.ts': 'leaves them out of a request that it sends anew',
  'playground/src/attacks/wire.ts': 'sets the length of what it sends',
  'resource/src/adapter/held-answer-node.ts': 'sets the length of an answer',
  'resource/src/adapter/outgoing-node.ts': 'sets the length of an answer',
  'resource/src/answer/project-response.ts': 'sets the length of an answer',
  'server/src/serve.ts': 'does not ask for a body that is over the limit',
  'server/src/malformed.ts': 'sets the length of an answer',
  'server/src/upgrade.ts': 'refuses early; what follows the head of an upgrade is never a body',
  'playground/src/sequence/curl.ts': 'leaves it to curl, in a command that is shown',
  'server/src/write-relayed.ts': 'sets the length of an answer that is here as a whole',
  'server/src/write-response.ts': 'sets the length of an answer',
}

test('no other source looks at the headers that frame a body', () => {
  const mentions = /content[-_]?length|transfer[-_]?encoding|endAfterHeaders/i
  const files = ['packages', 'apps'].flatMap(top =>
    readdirSync(join(root, top)).flatMap(room =>
      readdirSync(join(root, top, room, 'src'), { recursive: true })
        .map(file => `${room}/src/${String(file)}`)
        // The suite's peers stand for other people's programs.
        .filter(file => /\.tsx?$/.test(file) && !/\.test\.|fixture|^conformance\/src\/peer\//.test(file))
        .map(file => ({ file, text: readFileSync(join(root, top, file), 'utf8') })),
    ),
  )
  const looking = files.filter(({ text }) => mentions.test(text.replace(/^\s*(?:\/?\*|\/\/).*$/gm, '')))
  expect(looking.map(({ file }) => file).filter(file => framing[file] === undefined)).toEqual([])
})
