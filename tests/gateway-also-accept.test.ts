import { createServer, type IncomingHttpHeaders } from 'node:http'
import { agentServer, createAgent, pseudonym } from '@countersign/agent'
import { webBotAuth } from '@countersign/agent/web-bot-auth'
import { createAgentServer } from '@countersign/agent-server'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { mountNode } from '@countersign/server'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, stand } from './processes.fixture.js'

// `alsoAccept` in the file of a gateway: a process, an API behind it, an OAuth issuer, a bot and an agent, over HTTP.

const place = stand()
const closing: Array<() => Promise<void>> = []
const seen: IncomingHttpHeaders[] = []
const botKey = await generateSigningKey()
const own = { kid: 'k1', key: await generateSigningKey() }
const oauthKey = await generateKeyPair('RS256')
let api = ''
let issuer = ''
let home = ''

beforeAll(async () => {
  const upstream = createServer((request, response) => {
    seen.push(request.headers)
    response.end('from the API')
  })
  const jwks = createServer(async (_, response) => {
    const keys = [{ ...(await exportJWK(oauthKey.publicKey)), kid: 'o1', alg: 'RS256', use: 'sig' }]
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
  })
  const [behind, issuerPort, port, homePort] = [
    await listenOn(upstream),
    await listenOn(jwks),
    await freePort(),
    await freePort(),
  ]
  api = `http://localhost:${port}`
  issuer = `http://localhost:${issuerPort}`
  home = `http://localhost:${homePort}`
  const keys = [{ kid: 'b1', key: botKey }]
  const server = await createAgentServer({ id: home, keys: [own], webBotAuth: { keys }, development: true })
  const published = createServer(mountNode(server)).listen(homePort, '127.0.0.1')
  for (const one of [upstream, jwks, published]) closing.push(() => closeServer(one))
  const oauth = {
    issuers: [{ issuer, audience: api, jwksUri: `${issuer}/jwks` }],
    realm: 'orders',
    resourceMetadata: `${api}/.well-known/oauth-protected-resource`,
  }
  const settings = {
    id: api,
    port,
    upstream: `http://127.0.0.1:${behind}`,
    authServer: ['http://localhost:1'],
    alsoAccept: { oauth, bots: [home] },
    routes: [
      { path: '/feed' },
      { path: '/orders', scope: 'orders.read' },
      { path: '/agents', alsoAccept: 'none' },
      { path: '/mcp', mcp: { tools: { '*': {} } } },
    ],
  }
  await place.start('gateway', place.config('gateway', settings))
}, 60_000)
afterAll(async () => {
  await place.stop()
  await Promise.all(closing.map(close => close()))
})

const tokenOf = (claims: object = {}): Promise<string> =>
  new SignJWT({ iss: issuer, aud: api, sub: 'alice', scope: 'orders.read', ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'o1', typ: 'at+jwt' })
    .setExpirationTime('5 min')
    .sign(oauthKey.privateKey)

interface Answered {
  readonly status: number
  readonly challenge: string | null
  readonly agentAuth: string | null
}

async function call(path: string, token?: string, init: RequestInit = {}): Promise<Answered> {
  const headers = { ...init.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  const { status, headers: answered } = await fetch(api + path, { ...init, headers })
  return { status, challenge: answered.get('www-authenticate'), agentAuth: answered.get('agent-auth') }
}

/** What the API was told of the last caller. */
function factsOfLast(): object {
  return Object.fromEntries(Object.entries(seen.at(-1) ?? {}).filter(([name]) => name.startsWith('aauth-')))
}

test('an OAuth token passes where the route takes it, and tells the API of no agent and no AAuth user', async () => {
  const token = await tokenOf()
  const metadata = `${api}/.well-known/oauth-protected-resource`
  expect(await call('/feed', token)).toMatchObject({ status: 200 })
  expect(factsOfLast()).toEqual({ 'aauth-level': 'anonymous' })
  expect(seen.at(-1)?.authorization).toBe(`Bearer ${token}`)
  expect(await call('/orders', token)).toMatchObject({ status: 200 })
  const passed = seen.length
  const challenge = `Bearer realm="orders", resource_metadata="${metadata}"`
  expect(await call('/feed')).toEqual({ status: 401, challenge, agentAuth: 'httpsig; identity=?1' })
  expect(await call('/feed', await tokenOf({ aud: 'http://localhost:2' }))).toMatchObject({
    status: 401,
    challenge: `${challenge}, error="invalid_token"`,
  })
  expect(await call('/orders', await tokenOf({ scope: 'orders.list' }))).toMatchObject({
    status: 403,
    challenge: `${challenge}, scope="orders.read", error="insufficient_scope"`,
  })
  expect(await call('/agents', token)).toMatchObject({ status: 401, challenge: null })
  expect(seen).toHaveLength(passed)
})

test('a tool of an MCP server takes the token, too', async () => {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'look' } }
  const init = {
    method: 'POST',
    body: JSON.stringify(message),
    headers: { 'content-type': 'application/json' },
  }
  expect(await call('/mcp', await tokenOf(), init)).toMatchObject({ status: 200 })
  expect(await call('/mcp', await tokenOf({ aud: 'http://localhost:2' }), init)).toMatchObject({ status: 401 })
})

test(verifies('bot.beside', 'bot.facts', 'a listed bot passes as a bot, never as an agent'), async () => {
  const botOf = (key = botKey) =>
    createAgent({
      identity: pseudonym(),
      webBotAuth: webBotAuth({ signatureAgent: home, key, to: [api], development: true }),
      development: true,
    })
  expect((await botOf().fetch(`${api}/feed`)).status).toBe(200)
  expect(factsOfLast()).toEqual({ 'aauth-level': 'anonymous', 'aauth-bot': home })
  const passed = seen.length
  expect((await botOf(await generateSigningKey()).fetch(`${api}/feed`)).status).toBe(401)
  for (const path of ['/orders', '/agents']) expect((await botOf().fetch(api + path)).status, path).toBe(401)
  expect(seen).toHaveLength(passed)
})

test('an agent passes as before, also with a token beside its signature', async () => {
  const agent = createAgent({ identity: agentServer({ id: home, ...own }), identifyTo: 'any', development: true })
  for (const headers of [{}, { authorization: `Bearer ${await tokenOf()}` }]) {
    expect((await agent.fetch(`${api}/feed`, { headers })).status).toBe(200)
    expect(factsOfLast()).toMatchObject({ 'aauth-level': 'identified', 'aauth-agent': home })
  }
})

test('settings that say nothing, or too much, are refused when the gateway starts', async () => {
  const settings = { id: 'http://localhost:1', port: 1, upstream: 'http://127.0.0.1:1' }
  const accounts = { issuer, audience: api, jwksUri: `${issuer}/jwks` }
  const wrong: ReadonlyArray<readonly [alsoAccept: unknown, said: RegExp]> = [
    [{ oauth: { issuers: [] } }, /"alsoAccept".*/],
    [{ oauth: { issuers: [{ issuer }] } }, /alsoAccept/],
    [{ oauth: { issuers: [{ ...accounts, jwks: { keys: [] } }] } }, /needs either jwksUri or jwks/],
    [{ oauth: { issuers: [{ ...accounts, audiance: api }] } }, /audiance/],
    [{ bot: [home] }, /unknown option bot \(did you mean bots\?\)/],
    [{ bots: ['bot.example'] }, /bot\.example|identifier/],
  ]
  for (const [alsoAccept, said] of wrong) {
    const { code, stderr } = await run(place.config('gateway', { ...settings, alsoAccept }))
    expect([code, stderr]).toEqual([2, expect.stringMatching(said)])
  }
})
