import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentError } from '@countersign/agent'
import { AAuthError } from '@countersign/protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { exitCodeOf } from './exit-of.js'
import { main } from './index.js'
import { UsageError } from './internal.js'
import { paintFor } from './paint.js'
import { observeRefusals, refusalNames } from './refusals.js'

// The command as a newcomer types it. Each mistake gets one sentence that says what to change.

let server: Server
let origin = ''
/** Where nothing listens. */
let closed = ''
let seen: IncomingMessage[] = []
const folder = mkdtempSync(join(tmpdir(), 'countersign-fetch-'))

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request)
    const { pathname, searchParams } = new URL(request.url ?? '', origin)
    response.statusCode = Number(searchParams.get('status') ?? 200)
    const length = Number(searchParams.get('length') ?? 0)
    response.end(length > 0 ? Buffer.alloc(length, 'x') : `hello from ${pathname}`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  closed = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`
  await new Promise(resolve => other.close(resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  seen = []
})

interface Ended {
  readonly code: unknown
  readonly out: string
  readonly err: string
}

/** Runs the command in this process. */
async function run(...args: readonly string[]): Promise<Ended> {
  const [out, err]: [string[], string[]] = [[], []]
  const take =
    (to: string[]) =>
    (text: unknown, ...more: readonly unknown[]) => {
      to.push(text instanceof Uint8Array ? Buffer.from(text).toString() : String(text))
      const done = more.at(-1)
      if (typeof done === 'function') done()
      return true
    }
  const line = (to: string[]) => (text: unknown) => void to.push(`${String(text)}\n`)
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(take(out) as typeof process.stdout.write),
    vi.spyOn(process.stderr, 'write').mockImplementation(take(err) as typeof process.stderr.write),
    vi.spyOn(console, 'log').mockImplementation(line(out)),
    vi.spyOn(console, 'error').mockImplementation(line(err)),
  ]
  const before = process.exitCode
  process.exitCode = undefined
  try {
    await main(['node', 'countersign-fetch', ...args])
    return { code: process.exitCode ?? 0, out: out.join(''), err: err.join('') }
  } finally {
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
  }
}

describe("curl's order of arguments", () => {
  test('a flag that may be repeated takes one value, and the URL may follow it', async () => {
    const { code, out } = await run('-H', 'x-one: 1', '--header', 'x-two: 2', `${origin}/a`, '--development')
    expect([code, out]).toEqual([0, 'hello from /a'])
    expect(seen.map(({ headers }) => [headers['x-one'], headers['x-two']])).toEqual([['1', '2']])
    const two = ['--auth-server', 'https://a.example', '--auth-server', 'https://b.example']
    expect((await run(...two, `${origin}/b`, '--development')).out).toBe('hello from /b')
  })
})

describe('what is shown', () => {
  test('-i shows status and headers before the body, -o writes the body to a file', async () => {
    const shown = await run('-i', '--as', 'anonymous', `${origin}/a`)
    expect(shown.out).toMatch(/^200 OK\n(?:[\w-]+: .*\n)+\nhello from \/a$/)
    const file = join(folder, 'body')
    const written = await run('--as', 'anonymous', '-o', file, `${origin}/b`)
    expect([written.code, written.out, readFileSync(file, 'utf8')]).toEqual([0, '', 'hello from /b'])
  })

  test('--dry-run shows what would be signed and sends nothing; neither token nor signature can be used', async () => {
    const { code, out } = await run('--dry-run', '-d', '{"a":1}', `${origin}/a?b=c`, '--development')
    expect([code, seen]).toEqual([0, []])
    expect(out).toMatch(/^POST \/a\?b=c HTTP\/1\.1\nhost: 127\.0\.0\.1:\d+\n/)
    expect(out).toContain('signature: sig=:…:')
    expect(out).toMatch(/\nthe signature covers\n(?: {2}\S.*\n)*nothing was sent\n$/)
    for (const component of ['@method', '@path', '@query', 'content-digest'])
      expect(out).toContain(`\n  ${component}: `)
    expect((await run('--dry-run', '--as', 'anonymous', `${origin}/a`)).out).toContain('\nnot signed\n')
    expect((await run('-d', '{"a":1}', `${origin}/a?b=c`, '--development')).code).toBe(0)
    expect(seen).toHaveLength(1)
  })

  test('colours for a terminal only, and not against NO_COLOR', () => {
    expect(paintFor({ isTTY: true }, {})('red', 'x')).toBe('\u001b[31mx\u001b[39m')
    for (const [isTTY, env] of [
      [false, {}],
      [true, { NO_COLOR: '1' }],
      [true, { TERM: 'dumb' }],
    ] as const)
      expect(paintFor({ isTTY }, env)('red', 'x')).toBe('x')
    expect(paintFor({ isTTY: true }, { NO_COLOR: '' })('red', 'x')).not.toBe('x')
  })
})

describe('exit codes, each with one sentence', () => {
  test('1: a status of 400 or more, with its meaning', async () => {
    for (const as of ['anonymous', 'pseudonym']) {
      const failed = await run('--as', as, '--development', `${origin}/a?status=500`)
      expect([failed.code, failed.err]).toEqual([1, 'countersign: 500: the server failed; its own log says why\n'])
      const missing = await run('--as', as, '--development', `${origin}/a?status=404`)
      expect([missing.code, missing.err]).toEqual([1, 'countersign: 404: there is nothing at this path\n'])
      expect((await run('--as', as, '--development', `${origin}/a`)).code).toBe(0)
    }
  })

  test.each([
    [
      'an unknown flag',
      ['--as', 'anonymous', '--heder', 'x: y', 'URL'],
      /^countersign: unknown option '--heder' \(did you mean --header\?\); countersign-fetch --help says what it takes\n$/,
    ],
    ['no URL', [], /missing required argument 'url'/],
    ['a URL without scheme', ['calendar.example/x'], /did you mean https:\/\/calendar\.example\/x\?/],
    ['a URL of another scheme', ['ftp://calendar.example'], /only http and https URLs/],
    ['a header without colon', ['-H', 'nothing', 'URL'], /a header line reads "Name: value"/],
    [
      'a file that is not there',
      ['-d', '@/nowhere/at/all', 'URL'],
      /cannot open \/nowhere\/at\/all: there is no such file/,
    ],
    [
      'a trailing slash',
      ['--as', 'agent', '--id', 'https://agent.example/', 'URL'],
      /--id must be .*did you mean https:\/\/agent\.example\?/,
    ],
    [
      'a missing --development',
      ['--as', 'agent', '--id', 'http://localhost:4100', 'URL'],
      /did you mean http:\/\/localhost:4100 with --development\?/,
    ],
    [
      'an auth server with a path',
      ['--as', 'agent', '--id', 'https://agent.example', '--auth-server', 'https://auth.example/x', 'URL'],
      /--auth-server must be .*did you mean https:\/\/auth\.example\?/,
    ],
    ['no --id', ['--as', 'agent', 'URL'], /--as agent needs --id/],
    ['a code for none', ['--code', 'c1', 'URL'], /--code enrols a delegate: it needs --as delegate/],
    [
      'a code from standard input',
      ['--as', 'delegate', '--id', 'https://agent.example', '--code', '-', 'URL'],
      /--code takes the code itself here; enroll reads it from standard input/,
    ],
    ['both ways to ask', ['--as', 'agent', '--device', '--no-browser', 'URL'], /use either --no-browser or --device/],
    ['a choice that is none', ['--as', 'robot', 'URL'], /Allowed choices are anonymous, pseudonym, agent, delegate/],
  ])('2: %s', async (_, args, told) => {
    const { code, err, out } = await run(...args.map(arg => (arg === 'URL' ? `${origin}/a` : arg)))
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(told)
    expect(seen).toEqual([])
  })

  test('3: no answer, with the host and the reason', async () => {
    for (const as of ['anonymous', 'pseudonym']) {
      const { code, err } = await run('--as', as, '--development', closed)
      expect(code).toBe(3)
      expect(err).toMatch(/^countersign: /)
    }
    expect((await run('--as', 'anonymous', closed)).err).toMatch(/127\.0\.0\.1:\d+ could not be reached: ECONNREFUSED/)
  })

  test('0: help and version', async () => {
    expect((await run('--help')).code).toBe(0)
    expect((await run('--help')).out).toContain('0 done   1 refused   2 started wrongly   3 no answer')
    expect((await run('--version')).code).toBe(0)
  })

  test.each([
    [new UsageError('x'), 2],
    [new TypeError("createAgent: unknown option 'x'"), 2],
    [new RangeError('out of range'), 2],
    [Object.assign(new Error('x'), { code: 'ENOENT', path: '/x' }), 2],
    [new AgentError('network', 'x'), 3],
    [new AgentError('unreachable', 'x'), 3],
    [new AAuthError('temporarily_unavailable', 'x', { reason: 'dependency_unavailable', status: 503 }), 3],
    [new AgentError('interaction_required', 'x'), 4],
    [new AgentError('denied', 'x'), 1],
    [new AgentError('not_allowed', 'x'), 2],
    [new AAuthError('access_denied', 'x', { reason: 'user_refused' }), 1],
    [new TypeError("Cannot read properties of undefined (reading 'x')"), 5],
    [new TypeError('x is not a function'), 5],
    [new ReferenceError('x is not defined'), 5],
    [new Error('the port is in use'), 1],
  ])('%s is %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code)
  })
})

test('completion prints the script of a known shell', async () => {
  const { code, err } = await run('completion', 'powershell')
  expect([code, err]).toEqual([2, 'countersign: there are completions for bash, zsh and fish; got "powershell"\n'])
  expect((await run('completion', 'bash')).out).toContain('complete -o default -F _countersign_fetch countersign-fetch')
})

test('the report of --json holds a body of at most 32 MiB, and says so of a longer one', async () => {
  const { code, err } = await run(`${origin}/?length=33554433`, '--development', '--json')
  expect([code, err]).toEqual([
    2,
    expect.stringContaining('the body has more than 33554432 bytes, too many for --json'),
  ])
  const fits = await run(`${origin}/?length=1000`, '--development', '--json')
  expect([fits.code, JSON.parse(fits.out).body.length]).toEqual([0, 1000])
})

test('the report of --json names code and reason of a refusal, and leaves out what is no name', () => {
  expect(refusalNames('{"error":"policy_denied","reason":"caller_denied","error_description":"no"}')).toEqual({
    error: 'policy_denied',
    reason: 'caller_denied',
  })
  expect(refusalNames('{"error":"policy_denied","reason":"Ask https://evil.example"}')).toEqual({
    error: 'policy_denied',
  })
  for (const body of ['', '<html>', '[]', '{"error":"<script>"}', '{"reason":"caller_denied"}'])
    expect(refusalNames(body), body).toBeUndefined()
})

test('refusals of an auth server are remembered, and whether a loopback callback was offered', async () => {
  const answers: Readonly<Record<string, () => Response>> = {
    'https://auth.example': () =>
      Response.json(
        { error: 'invalid_request', error_description: 'redirect_uri is none of this agent' },
        { status: 400 },
      ),
    'https://api.example': () =>
      Response.json({ error: 'x', error_description: 'of the resource itself' }, { status: 401 }),
  }
  const { fetch: send, all } = observeRefusals(new URL('https://api.example/x'), async input => {
    const { origin: of } = new URL((input as Request).url)
    return answers[of]?.() ?? new Response()
  })
  await send('https://api.example/x')
  expect(all()).toEqual([])
  const body = new URLSearchParams({ redirect_uri: 'http://127.0.0.1:4711/x' })
  const response = await send('https://auth.example/token', { method: 'POST', body })
  expect(all()).toEqual([
    {
      origin: 'https://auth.example',
      error: 'invalid_request',
      offeredLoopback: true,
      description: 'redirect_uri is none of this agent',
    },
  ])
  // The agent reads it as ever.
  expect(await response.json()).toMatchObject({ error: 'invalid_request' })
})
