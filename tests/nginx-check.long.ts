import type { ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect } from 'vitest'
import { requireNginx, startNginx, there, when, why } from './nginx.fixture.js'
import { end, root, type Stand, stand } from './processes.fixture.js'
import { siteAgent } from './site-agent.fixture.js'

// nginx passes requests on, and asks `countersign gateway --check nginx` first, as docs/gateway.md says.

let place: Stand
let proxy: ChildProcess | undefined
let api: string
const seen: Array<{ readonly request: IncomingMessage; readonly body: string }> = []

beforeAll(async () => {
  if (!there) return
  place = stand()
  const [apiPort, checkPort, upstreamPort] = [await freePort(), await freePort(), await freePort()]
  api = `http://localhost:${apiPort}`
  createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ request, body })
    const isAway = request.url === '/away'
    if (isAway) response.writeHead(503, { 'Agent-Auth': 'httpsig', 'Retry-After': '1', 'Cache-Control': 'no-store' })
    response.end('from the API')
  })
    .listen(upstreamPort, '127.0.0.1')
    .unref()
  const routes = [
    { path: '/*', level: 'identified' },
    { path: '/limited', level: 'anonymous', limits: { anonymous: '1/hour', pseudonymous: '2/hour' } },
    { path: '/read', methods: ['GET'], level: 'anonymous' },
  ]
  const config = join(place.folder, 'config.json')
  writeFileSync(
    config,
    JSON.stringify({
      id: api,
      check: 'nginx',
      identity: 'jwt',
      trustedProxies: 1,
      routes,
      authServer: ['http://localhost:1'],
      development: true,
    }),
  )
  const data = join(place.folder, 'gateway')
  await place.start('check', ['gateway', '--config', config, '--port', String(checkPort), '--data', data])
  const [, sample = ''] = /^```nginx\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, 'docs/gateway.md'), 'utf8')) ?? []
  const lines = sample.replaceAll(':8090', `:${checkPort}`).replaceAll(':8080', `:${upstreamPort}`)
  proxy = await startNginx(
    join(place.folder, 'nginx'),
    apiPort,
    `server { listen 127.0.0.1:${apiPort}; server_name localhost; ${lines} }`,
  )
})

afterAll(async () => {
  if (proxy !== undefined) await end(proxy, 'SIGTERM')
  if (there) await place.stop()
})

requireNginx()

when(
  verifies('SIG-01', 'SIG-21', `nginx lets in whom the check lets in, and tells the API who it is${why}`),
  async () => {
    const agent = await siteAgent()
    const headers = { 'aauth-identity': 'forged' }
    const response = await agent.fetch(`${api}/mine?a=b%20c`, { headers })
    expect([response.status, await response.text()]).toEqual([200, 'from the API'])
    expect([response.headers.get('cache-control'), response.headers.get('vary')]).toEqual(['private', 'Signature-Key'])
    const [passed] = seen.splice(0)
    const keys = createRemoteJWKSet(new URL(`${api}/.well-known/jwks.json`))
    const expected = { issuer: api, audience: api, typ: 'aauth-identity+jwt' }
    const { payload } = await jwtVerify(String(passed?.request.headers['aauth-identity']), keys, expected)
    expect(payload).toMatchObject({
      level: 'identified',
      agent: expect.stringMatching(/^http:/),
      htm: 'GET',
      htu: `${api}/mine`,
    })
    expect(passed?.request.url).toBe('/mine?a=b%20c')

    const unsigned = await fetch(`${api}/mine`, { headers })
    expect([unsigned.status, unsigned.headers.get('agent-auth')]).toEqual([401, 'httpsig; identity=?1'])
    expect(unsigned.headers.get('content-type')).toBe('application/json')
    expect(await unsigned.json()).toMatchObject({ error: 'invalid_signature' })
    expect(seen).toEqual([])
    const open = await fetch(`${api}/read`, { headers })
    expect(open.status).toBe(200)
    const anonymous = await jwtVerify(String(seen[0]?.request.headers['aauth-identity']), keys, expected)
    expect(anonymous.payload['level']).toBe('anonymous')
    expect((await fetch(`${api}/.well-known/aauth-resource`)).status).toBe(200)
    const asking = await fetch(`${api}/aauth/resource-token`, {
      method: 'POST',
      body: new URLSearchParams({ scope: 'a' }),
    })
    expect([asking.status, (await asking.json()).error]).toEqual([401, 'invalid_signature'])
    expect((await fetch(`${api}/aauth-check`)).status).toBe(404)
  },
)

when(verifies('SIG-21', 'SIG-36', `what only a proxy may tell the API no caller tells it${why}`), async () => {
  seen.length = 0
  const names = [
    'Proxy',
    'Forwarded',
    'X-Forwarded',
    'X-Original-Forwarded-For',
    'X-Real-IP',
    'X-Client-IP',
    'Client-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
    'WL-Proxy-Client-IP',
    'X-Remote-User',
    'Remote-User',
    'X-WEBAUTH-USER',
    'X-Remote_User',
    'X_Remote_User',
    'X-Forwarded-User',
    'X-Client-Cert',
    'Signature-Agent',
  ]
  const headers = Object.fromEntries(names.map(name => [name, 'forged']))
  const open = await fetch(`${api}/read`, { headers: { ...headers, 'x-kept': 'kept' } })
  expect(open.status).toBe(200)
  const agent = await siteAgent()
  expect((await agent.fetch(`${api}/mine`)).status).toBe(200)
  const [anonymous, signed] = seen.splice(0).map(({ request }) => request.headers)
  expect(JSON.stringify(anonymous)).not.toContain('forged')
  expect(anonymous?.['x-kept']).toBe('kept')
  expect(Object.keys(signed ?? {}).filter(name => name.startsWith('signature'))).toEqual([])
})

when(
  verifies('NON-17', 'sig.replay.handed-on', `a 503 of the API is not taken for the check's, which passes${why}`),
  async () => {
    seen.length = 0
    const agent = await siteAgent()
    const answer = await agent.fetch(`${api}/away`, { method: 'POST' })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect([answer.headers.get('agent-auth'), seen.length]).toEqual([null, 1])
    // Signed before the check was started: nothing was asked of the API.
    const late = await siteAgent({ now: () => Date.now() / 1000 - 45 })
    const early = await late.fetch(`${api}/away`, { method: 'POST' })
    expect([early.status, early.headers.get('agent-auth'), seen.length]).toEqual([503, 'httpsig', 1])
  },
)

when(verifies('DIG-02', 'DIG-12', `no signed body passes unverified${why}`), async () => {
  seen.length = 0
  const agent = await siteAgent()
  const body = await agent.fetch(`${api}/mine`, { method: 'POST', body: 'hello' })
  expect(body.status).toBe(403)
  // In the second of its start the check cannot tell earlier requests from replays.
  await expect.poll(async () => (await agent.fetch(`${api}/mine`, { method: 'POST' })).status).toBe(200)
  expect(seen.splice(0).map(({ request }) => request.method)).toEqual(['POST'])

  // The same request, with a body that an intermediary has added.
  let signed: Headers | undefined
  const send = async (request: Request): Promise<Response> => {
    signed = new Headers(request.headers)
    const challenge = { headers: { 'agent-auth': 'httpsig; identity=?1' }, status: 401 }
    return signed.get('signature-key')?.includes('jwks_uri') ? new Response(null) : new Response(null, challenge)
  }
  const spying = await siteAgent({ send })
  for (const framing of [
    'content-length: 5\r\n\r\nhello',
    'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ]) {
    await spying.fetch(`${api}/mine`, { method: 'POST' })
    const lines = [...(signed ?? [])].map(([name, value]) => `${name}: ${value}\r\n`)
    const host = `host: ${new URL(api).host}\r\nconnection: close\r\n`
    expect(await raw(`POST /mine HTTP/1.1\r\n${host}${lines.join('')}${framing}`)).toMatch(/^HTTP\/1\.1 403 /)
  }
  expect(seen).toEqual([])
})

when(`other refusals arrive as they were meant${why}`, async () => {
  seen.length = 0
  const from = (address: string) => fetch(`${api}/limited`, { headers: { 'x-forwarded-for': address } })
  const first = await from('192.0.2.1')
  const statuses = [first.status]
  expect(first.headers.get('ratelimit')).toMatch(/^"anonymous";r=0;t=\d+$/)
  // What a caller says of its address does not count, and does not reach the API (RAT-02).
  const over = await from('192.0.2.2')
  statuses.push(over.status)
  expect(statuses).toEqual([200, 429])
  expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(over.headers.get('agent-auth')).toBe('httpsig')
  expect(over.headers.get('ratelimit-policy')).toBe('"anonymous";q=1;w=3600')
  expect(await over.json()).toMatchObject({ error: 'rate_limited' })
  expect((await fetch(`${api}/%72ead`)).status).toBe(400)
  const override = { 'x-http-method-override': 'DELETE' }
  expect((await fetch(`${api}/read`, { headers: override })).status).toBe(400)
  const wrong = await fetch(`${api}/read`, { method: 'DELETE' })
  expect([wrong.status, (await wrong.json()).error]).toEqual([403, 'invalid_request'])
  expect(seen.map(({ request }) => request.headers['x-forwarded-for'])).toEqual(['127.0.0.1'])
})

function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(new URL(api).port), '127.0.0.1', () => socket.write(text))
    socket
      .on('data', chunk => {
        answer += chunk
      })
      .on('close', () => resolve(answer))
      .on('error', reject)
  })
}
