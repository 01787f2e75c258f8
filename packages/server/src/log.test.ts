import { verifies } from '@countersign/requirements'
import { afterEach, expect, test, vi } from 'vitest'
import { jsonLog } from './index.js'
import { closeAll, exchangeBytes, start } from './serve.test.fixture.js'

afterEach(closeAll)

interface Lines {
  readonly lines: string[]
  readonly log: ReturnType<typeof jsonLog>
}

function collected(): Lines {
  const lines: string[] = []
  return { lines, log: jsonLog({ name: 'room', level: 'debug', write: line => lines.push(line) }) }
}

const recordOf = (line: string | undefined): Record<string, unknown> => JSON.parse(line ?? 'null')

test('a request is one line', async () => {
  const { lines, log } = collected()
  const { url } = await start(async () => new Response(null, { status: 204 }), { log })
  await fetch(`${url}/a/b?code=1`, { headers: { 'x-request-id': 'proxy-id-12345' } })
  await closeAll()
  expect(lines).toHaveLength(1)
  const record = recordOf(lines[0])
  expect(record).toMatchObject({
    level: 'info',
    name: 'room',
    method: 'GET',
    path: '/a/b',
    status: 204,
    peer: '127.0.0.1',
    request_id: 'proxy-id-12345',
    msg: 'request',
  })
  expect(record['ms']).toBeTypeOf('number')
})

test(verifies('LOG-02', 'nothing secret of a request is logged, whatever becomes of it'), async () => {
  const { lines, log } = collected()
  const secret = 'eyJhbGciOiJFZERTQSJ9.SECRET-TOKEN.c2lnbmF0dXJl'
  const { url } = await start(
    async message => {
      if (message.target.startsWith('/json')) JSON.parse(`"token":"${secret}"`)
      if (message.target.startsWith('/parse')) JSON.parse(secret)
      if (message.target.startsWith('/throw')) throw new Error(`could not use ${secret}`)
      return new Response(secret, { headers: { 'set-cookie': secret } })
    },
    { log },
  )
  for (const path of ['/fine', '/json', '/parse', '/throw']) {
    await fetch(`${url}${path}?token=${secret}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${secret}`,
        'signature-key': `sig=jwt;jwt="${secret}"`,
        cookie: `s=${secret}`,
        'x-request-id': `${secret}-${secret}`,
      },
      body: `refresh_token=${secret}`,
    })
  }
  await closeAll()
  expect(lines).toHaveLength(4)
  expect(lines.map(line => recordOf(line)['status'])).toEqual([200, 500, 500, 500])
  expect(lines.join('')).not.toMatch(/SECRET|eyJ/)
  // Enough is left to find the fault.
  expect(recordOf(lines[3])).toMatchObject({ level: 'error', cause: { type: 'Error', message: 'could not use …' } })
})

test(verifies('LOG-01', 'hostile text stays one escaped line'), async () => {
  const { lines, log } = collected()
  const { port } = await start(async () => new Response('ok'), { log })
  const path = '/a%0d%0a{"level":"error"}\u0085\u009b31m"'
  await exchangeBytes(port, `GET ${path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`)
  const hostile = 'line\r\n{"level":"error"}\u001b[31m\u2028\u2029\u0000\u007f\u009b\u202e"\\'
  log.warn({ agent: hostile }, hostile)
  await closeAll()
  expect(lines).toHaveLength(2)
  for (const line of lines) {
    expect(line.endsWith('\n')).toBe(true)
    expect(line.slice(0, -1)).toMatch(/^[^\p{Cc}\u2028\u2029\u202e]*$/u)
  }
  expect(recordOf(lines[0])['status']).toBe(400)
  expect(recordOf(lines[1])).toMatchObject({ level: 'warn', agent: hostile, msg: hostile })
})

test(verifies('LOG-06', 'a request id that is not a short plain word is replaced'), async () => {
  const { lines, log } = collected()
  const { port } = await start(async () => new Response('ok'), { log })
  const ids = ['good-id_1.2', 'x'.repeat(10_000), 'short', 'has space in it', '{"a":1}xxxx', 'caf\u00e9-caf\u00e9', '']
  for (const id of ids) {
    await exchangeBytes(port, `GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx-request-id: ${id}\r\n\r\n`)
  }
  await exchangeBytes(
    port,
    'GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx-request-id: twice-given-1\r\nx-request-id: twice-given-2\r\n\r\n',
  )
  await closeAll()
  const logged = lines.map(line => recordOf(line)['request_id'])
  expect(logged[0]).toBe('good-id_1.2')
  expect(new Set(logged).size).toBe(8)
  for (const id of logged.slice(1)) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
})

test('malformed requests are logged without their bytes, health below the default level', async () => {
  const { lines, log } = collected()
  const { port, url } = await start(async () => new Response('ok'), { log })
  await exchangeBytes(port, 'SECRETS ARE HERE\r\n\r\n')
  await fetch(`${url}/healthz`)
  await closeAll()
  expect(lines.map(line => recordOf(line)['level'])).toEqual(['info', 'debug'])
  expect(recordOf(lines[0])).toMatchObject({
    status: 400,
    reason: 'http_malformed',
    peer: '127.0.0.1',
    msg: 'malformed request',
  })
  expect(lines.join('')).not.toContain('SECRETS')
})

test('without an access log only refusals and failures are logged', async () => {
  const { lines, log } = collected()
  const handle = async ({ target }: { readonly target: string }): Promise<Response> => {
    if (target === '/broken') throw new Error('broken')
    return new Response(null, { status: Number(target.slice(1)) })
  }
  const { url } = await start(handle, { log, accessLog: false })
  for (const path of ['/200', '/204', '/302', '/404', '/broken']) await fetch(`${url}${path}`, { redirect: 'manual' })
  await fetch(`${url}/healthz`)
  await closeAll()
  expect(lines.map(line => recordOf(line)['status'])).toEqual([404, 500, 200])
  expect(recordOf(lines[2])).toMatchObject({ level: 'debug', path: '/healthz' })
})

test('records of one turn are written together, in order; a warning at once, and all before the process ends', async () => {
  const written: unknown[] = []
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(text => written.push(text) > 0)
  try {
    const messages = (text: unknown) =>
      String(text)
        .trimEnd()
        .split('\n')
        .map(line => recordOf(line)['msg'])
    const log = jsonLog({ name: 'room', together: true })
    const before = process.listeners('exit')
    log.info({}, 'a')
    log.info({}, 'b')
    expect(written).toEqual([])
    await new Promise(resolve => setImmediate(resolve))
    expect(written.map(messages)).toEqual([['a', 'b']])
    expect(process.listeners('exit')).toEqual(before)
    log.info({}, 'last')
    const [atExit, ...more] = process.listeners('exit').filter(listener => !before.includes(listener))
    expect(more).toEqual([])
    atExit?.(0)
    expect(written.map(messages)).toEqual([['a', 'b'], ['last']])
    log.info({ text: 'x'.repeat(70_000) }, 'long')
    expect(written).toHaveLength(3)
    log.info({}, 'before')
    log.warn({}, 'now')
    expect(written.slice(3).map(messages)).toEqual([['before', 'now']])
    await new Promise(resolve => setImmediate(resolve))
    expect(written).toHaveLength(4)
    expect(process.listeners('exit')).toEqual(before)
  } finally {
    stderr.mockRestore()
  }
})

test(verifies('F-14', 'a log that takes no line ends no server'), () => {
  const before = process.stderr.listenerCount('error')
  jsonLog({ name: 'room' })
  jsonLog({ name: 'room' })
  expect(process.stderr.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }))).toBe(true)
  expect(process.stderr.listenerCount('error') - before).toBeLessThanOrEqual(1)
})
