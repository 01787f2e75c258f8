import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asKey } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { makeWorld, type World } from '../../resource/src/world.test.fixture.js'
import { initialize, makeTools, openSession, rpc, rules } from './tools.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

const page = 'https://app.example'
const open = { session: { level: 'anonymous' } } as const

test(
  verifies('mcp.origin', 'a page of another site cannot call the server, even at level anonymous (DNS rebinding)'),
  async () => {
    const statusOf = async (origin: string, tools: Awaited<ReturnType<typeof makeTools>>): Promise<number> => {
      const response = await tools.send(undefined, { body: initialize, headers: { origin } })
      await response.body?.cancel()
      return response.status
    }
    const closed = await makeTools(open, {}, world)
    for (const origin of [page, 'null', 'http://calendar.example', 'https://calendar.example:8443', ''])
      expect(await statusOf(origin, closed), origin).toBe(403)
    const refused = await closed.send(undefined, { method: 'GET', headers: { origin: page } })
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { error: 'invalid_request', reason: 'origin_not_allowed' },
    ])
    expect(await statusOf('https://calendar.example', closed)).toBe(200)
    await openSession(closed, undefined)
    const some = await makeTools(open, { cors: [page] }, world)
    expect([await statusOf(page, some), await statusOf('https://app.example.evil.example', some)]).toEqual([200, 403])
    expect(await statusOf('https://any.example', await makeTools(open, { cors: '*' }, world))).toBe(200)
  },
)

test('a page that CORS allows may send the headers of MCP and read its session id', async () => {
  const tools = await makeTools(open, { cors: [page] }, world)
  const preflight = (origin: string) =>
    tools.send(undefined, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
  const allowed = await preflight(page)
  expect([allowed.status, allowed.headers.get('access-control-allow-headers')]).toEqual([
    204,
    'Signature, Signature-Input, Signature-Key, Content-Digest, Content-Type, Agent-Interaction, Mcp-Method, Mcp-Name, Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID',
  ])
  const foreign = await preflight('https://evil.example')
  expect([foreign.status, foreign.headers.get('access-control-allow-headers')]).toEqual([204, null])
  const headers = { origin: page }
  const answer = await tools.send(undefined, { body: initialize, headers })
  await answer.body?.cancel()
  expect(answer.headers.get('access-control-allow-origin')).toBe(page)
  expect(answer.headers.get('access-control-expose-headers')).toMatch(/^Agent-Auth, .*, Mcp-Session-Id$/)
  // Refusals of the guard and of the reader can be read, too.
  const guarded = await makeTools(rules, { cors: [page] }, world)
  for (const [body, status] of [
    [initialize, 401],
    ['{', 400],
  ] as const) {
    const refused = await guarded.send(undefined, { body, headers })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([status, page])
  }
  const signed = asKey(await generateSigningKey())
  const own = await guarded.send(signed, { body: initialize, headers })
  expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, page])
  await own.body?.cancel()
  // Without CORS no header is exposed.
  const plain = await (await makeTools(open, {}, world)).send(undefined, { body: initialize })
  await plain.body?.cancel()
  expect(plain.headers.get('access-control-expose-headers')).toBeNull()
})

test('protected resource metadata answers GET and HEAD, also from pages that CORS allows, and no other method', async () => {
  const oauth = { authorizationServers: ['https://accounts.example'], verify: async () => undefined }
  const tools = await makeTools({ ...rules, oauth }, { cors: [page] }, world)
  const target = '/.well-known/oauth-protected-resource/mcp'
  const asked = async (method: string) => {
    const response = await tools.send(undefined, { method, target, headers: { origin: page } })
    return [response.status, response.headers.get('access-control-allow-origin'), (await response.text()).length > 0]
  }
  expect([await asked('GET'), await asked('HEAD')]).toEqual([
    [200, page, true],
    [200, page, false],
  ])
  for (const method of ['POST', 'DELETE', 'PUT']) expect((await asked(method)).slice(0, 2)).toEqual([405, page])
  const preflight = { origin: page, 'access-control-request-method': 'GET' }
  expect((await tools.send(undefined, { method: 'OPTIONS', target, headers: preflight })).status).toBe(204)
  const denied = await tools.send(undefined, { method: 'POST', target, body: rpc('ping') })
  expect(denied.headers.get('allow')).toBe('GET, HEAD')
})
