import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAgentServer } from '@countersign/agent-server'
import { createAuthServer, directGrants } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { createGateway } from '@countersign/gateway'
import { generateSigningKey, type ReceivedMessage, type SigningKey, thumbprint } from '@countersign/httpsig'
import { signKeyProof, signToken } from '@countersign/protocol'
import { longRuns, verifies } from '@countersign/requirements'
import { createResource } from '@countersign/resource'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { makeWeb, publishAgent, publishIssuer, publishResource } from '@countersign/testing/world/web'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bombard, type Target } from './mutated-requests.fixture.js'
import { isLong } from './tier.fixture.js'

// Valid requests with some bytes changed, at every endpoint, without sockets: 10⁶ in the whole long tier, of which a run tries a third.

const NOW = 1_750_000_000
const now = (): number => NOW
const count = isLong ? longRuns(200_000) : 1000
const seed = Math.trunc(Math.random() * 2 ** 32)

const agentId = 'https://agent.example'
const resourceId = 'https://calendar.example'
const authId = 'https://auth.example'
const web = makeWeb()
const discovery = createDiscovery({ now, fetcher: web.fetcher })

interface Request extends Signer {
  readonly url: string
  readonly body?: string
  readonly type?: string
}

let keys: { agent: SigningKey; auth: SigningKey; resource: SigningKey; own: SigningKey }
let agent: Signer
let delegate: Signer
let holder: Signer
let pseudonym: Signer
let upstream: Server

const token = (typ: 'agent+jwt' | 'auth+jwt' | 'resource+jwt', key: SigningKey, claims: object): Promise<string> =>
  signToken({
    typ,
    key,
    kid: 'k1',
    claims: { iat: NOW - 1, exp: NOW + 299, jti: crypto.randomUUID(), ...claims } as never,
  })

beforeAll(async () => {
  const [agentKey, authKey, resourceKey, own] = await Promise.all([
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey('ES256'),
  ])
  keys = { agent: agentKey, auth: authKey, resource: resourceKey, own }
  publishAgent(web, agentId, [{ kid: 'k1', key: keys.agent }])
  publishResource(web, resourceId, [{ kid: 'k1', key: keys.resource }])
  publishIssuer(web, authId, [{ kid: 'k1', key: keys.auth }])
  const cnf = { jwk: own.publicJwk }
  const agentToken = await token('agent+jwt', keys.agent, { iss: agentId, sub: 'phone', cnf })
  const grant = { iss: authId, aud: resourceId, agent: agentId, agent_delegate: 'phone', scope: 'read', cnf }
  agent = asAgent({ id: agentId, kid: 'k1', key: keys.agent })
  delegate = asHolder(own, agentToken)
  holder = asHolder(own, await token('auth+jwt', keys.auth, grant))
  pseudonym = asKey(own)
  upstream = createServer((_, response) => response.end('done'))
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  upstream.closeAllConnections()
  upstream.close()
})

async function signed({ key, signatureKey, url, body, type = 'application/json' }: Request): Promise<ReceivedMessage> {
  const { origin, pathname } = new URL(url)
  const method = body === undefined && !pathname.endsWith('token') ? 'GET' : 'POST'
  const contentType = body === undefined ? undefined : type
  const of = { as: { key, signatureKey }, origin, target: url.slice(origin.length), method, body, contentType }
  return { ...(await signedMessage({ ...of, now, nonce: 'bm9uY2Vub25jZQ' })), peer: '192.0.2.7' }
}

const plain = (target: string): ReceivedMessage => ({ method: 'GET', target, headers: [['host', 'x.example']] })

/** The valid requests pass. Their mutations do not, except changes of unsigned parts. */
async function expectHardened(target: Target): Promise<void> {
  for (const message of target.valid) {
    const response = await target.answer(message)
    expect(response.status, `${message.target}: ${await response.text()}`).toBe(200)
  }
  const { accepted, refused } = await bombard(target, count, seed)
  expect(accepted + refused).toBe(count)
  expect(refused).toBeGreaterThan(count / 2)
  expect(accepted).toBeGreaterThan(0)
}

const form = 'application/x-www-form-urlencoded'

test(verifies('DOS-14', 'an agent server fails for no mutated request'), async () => {
  const server = await createAgentServer({
    id: agentId,
    keys: [{ kid: 'k1', key: keys.agent }],
    database: 'sqlite::memory:',
    now,
    replay: startedReplaySet(now),
  })
  const { code, sub } = await server.invite()
  const url = `${agentId}/delegate/token`
  const enrolment = await signed({ ...pseudonym, url, body: JSON.stringify({ enrollment: { type: 'code', code } }) })
  const cnf = { jwk: keys.own.publicJwk }
  const jwt = await token('agent+jwt', keys.agent, { iss: agentId, sub, cnf })
  const renewal = await signed({ key: keys.own, signatureKey: { scheme: 'jwt', jwt }, url })
  const next = await generateSigningKey()
  const claims = { aud: url, sub, jkt: await thumbprint(keys.own.publicJwk), iat: NOW, jti: 'one' }
  const body = JSON.stringify({ jwk: next.publicJwk, proof: await signKeyProof(claims, next) })
  const rotation = await signed({ key: keys.own, signatureKey: { scheme: 'jwt', jwt }, url, body })
  const valid = [enrolment, renewal, rotation, plain('/.well-known/aauth-agent')]
  await expectHardened({ answer: message => server.handle(message), valid })
  await server.close()
})

test(verifies('DOS-14', 'an auth server fails for no mutated request'), async () => {
  const server = await createAuthServer({
    issuer: authId,
    keys: [{ kid: 'k1', key: keys.auth }],
    database: 'sqlite::memory:',
    policy: directGrants([{ agent: agentId, delegates: ['phone'], resource: resourceId, scopes: ['read'] }]),
    discovery,
    now,
    replay: startedReplaySet(now),
  })
  const claims = { iss: resourceId, aud: authId, agent: agentId, agent_delegate: 'phone', scope: 'read' }
  const agent_jkt = await thumbprint(keys.own.publicJwk)
  const resourceToken = await token('resource+jwt', keys.resource, { ...claims, agent_jkt })
  const body = new URLSearchParams({ request_type: 'auth', resource_token: resourceToken }).toString()
  const valid = [
    await signed({ ...delegate, url: `${authId}/agent/token`, body, type: form }),
    await signed({ ...agent, url: `${authId}/agent/revoke`, body: 'token=abcdef', type: form }),
    plain('/.well-known/aauth-issuer'),
  ]
  await expectHardened({ answer: message => server.handle(message), valid })
  await server.close()
})

const settings = () => ({
  id: resourceId,
  keys: [{ kid: 'k1', key: keys.resource }],
  authServers: [authId],
  scopes: { read: 'Read' },
  discovery,
  now,
  replay: startedReplaySet(now),
})

test.each([
  ['level', 'GET', () => pseudonym, { level: 'pseudonymous' }],
  ['scope', 'POST', () => holder, { scope: 'read' }],
] as const)(
  verifies('DOS-14', 'a guard that asks for a %s, of a %s, fails for no mutated request'),
  async (_, method, who, requirement) => {
    const resource = createResource(settings())
    const url = `${resourceId}/events?a=b%20c`
    const message = await signed({ ...who(), url, ...(method === 'POST' ? { body: '{"title":"lunch"}' } : {}) })
    const answer = async (received: ReceivedMessage): Promise<Response> => {
      const authorization = await resource.authorize(received, requirement)
      return authorization.ok ? new Response('ok') : authorization.response
    }
    await expectHardened({ answer, valid: [message] })
  },
)

test(verifies('DOS-14', 'a gateway with the resource token endpoint fails for no mutated request'), async () => {
  const { port } = upstream.address() as AddressInfo
  const gateway = createGateway({
    resource: createResource(settings()),
    upstream: `http://127.0.0.1:${port}`,
    routes: [{ path: '/*', requirement: { level: 'identified' } }],
  })
  const body = JSON.stringify({ title: 'lunch' })
  const valid = [
    await signed({ ...agent, url: `${resourceId}/events?a=b`, body }),
    await signed({ ...delegate, url: `${resourceId}/events`, body }),
    await signed({ ...delegate, url: `${resourceId}/aauth/resource-token`, body: 'scope=read', type: form }),
    plain('/.well-known/aauth-resource'),
  ]
  await expectHardened({ answer: message => gateway.handle(message), valid })
  await gateway.close?.()
})

test('the bombardment itself notices what must not happen', async () => {
  const message = await signed({ ...pseudonym, url: `${resourceId}/events`, body: '{"title":"lunch"}' })
  const always = (answer: Target['answer']) => bombard({ answer, valid: [message] }, 100, 1)
  await expect(always(async () => new Response('ok'))).rejects.toThrow('accepted: ')
  await expect(always(async () => Response.json({ error: 'replay_detected' }, { status: 401 }))).rejects.toThrow(
    'accepted: ',
  )
  await expect(always(async () => Response.json({ error: 'unavailable' }, { status: 503 }))).rejects.toThrow('503')
  await expect(always(() => Promise.reject(new TypeError('x')))).rejects.toThrow('500')
  const refusal = async (): Promise<Response> => Response.json({ error: 'invalid_signature' }, { status: 401 })
  expect(await always(refusal)).toEqual({ refused: 100, accepted: 0 })
})
