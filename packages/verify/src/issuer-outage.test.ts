import { generateSigningKey, type ReceivedMessage, type SigningKey } from '@countersign/httpsig'
import type { IdentifierList } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { agentToken, authToken, type Network, network, now, type Origin, signed } from './network.test.fixture.js'
import { createVerifier, type Verifier } from './verifier.js'

const api = 'https://api.example'
const away = { code: 'discovery_failed', status: 503 }

let net: Network
let agent: Origin
let auth: Origin
let key: SigningKey
let verifier: Verifier

beforeEach(async () => {
  net = network()
  agent = await net.publish('aauth-agent', 'https://agent.example')
  auth = await net.publish('aauth-issuer', 'https://auth.example')
  key = await generateSigningKey()
  verifier = createVerifier({
    receiver: api,
    discovery: net.discovery,
    accept: ['agent+jwt', 'auth+jwt', 'jwks_uri'],
    authServers: ['https://auth.example'],
    now: () => net.time,
  })
})

const withToken = async (jwt: string): Promise<ReceivedMessage> =>
  signed(`${api}/x`, key, { scheme: 'jwt', jwt }, { at: net.time })
const at = (time: number) => ({ iat: time - 10, exp: time + 590 })
const freshAuthToken = (from: Origin = auth) => authToken(from, key, at(net.time))
const freshAgentToken = (from: Origin = agent) => agentToken(from, key, at(net.time))
const level = async (token: string) => (await verifier.verify(await withToken(token))).caller.level
const refusal = async (token: string) => {
  const { code, status, retryAfter } = await verifier.verify(await withToken(token)).then(
    () => ({ code: 'accepted', status: 200, retryAfter: undefined }),
    (error: { code: string; status: number; retryAfter?: number }) => error,
  )
  return { code, status, ...(retryAfter !== undefined && { retryAfter }) }
}

test(
  verifies(
    'F-44',
    'discovery.stale',
    'an agent whose JWKS is unreachable while it rotates: the old key goes on working, the new one is refused with 503',
  ),
  async () => {
    expect(await level(await freshAgentToken())).toBe('identified')
    const next = { ...agent, key: await generateSigningKey(), kid: 'k2' }
    net.publishKeys(agent.id, [
      { kid: 'k1', key: agent.key },
      { kid: 'k2', key: next.key },
    ])
    net.down.add(agent.id)
    net.time += 400
    expect(await level(await freshAgentToken())).toBe('identified')
    expect(await refusal(await freshAgentToken(next))).toMatchObject(away)

    net.down.delete(agent.id)
    net.time += 30
    expect(await level(await freshAgentToken(next))).toBe('identified')
    expect(await level(await freshAgentToken())).toBe('identified')
  },
)

test(
  verifies('F-46', 'discovery.cache', 'a key that an auth server withdraws is accepted for 10 minutes at most'),
  async () => {
    const leaked = await authToken(auth, key, { iat: now - 10, exp: now + 3590 })
    expect(await level(leaked)).toBe('authorized')
    const next = { ...auth, key: await generateSigningKey(), kid: 'k2' }
    net.publishKeys(auth.id, [{ kid: 'k2', key: next.key }])
    net.time += 600
    expect(await refusal(leaked)).toEqual({ code: 'invalid_auth_token', status: 401 })
    expect(await level(await freshAuthToken(next))).toBe('authorized')
  },
)

test(
  verifies(
    'F-54',
    'discovery.stale',
    'a resource that cannot reach the auth server verifies for 1 h, then answers 503, and recovers by itself',
  ),
  async () => {
    expect(await level(await freshAuthToken())).toBe('authorized')
    net.down.add(auth.id)
    let remembered = ''
    for (const minutes of [4, 10, 30, 59]) {
      net.time = now + minutes * 60
      remembered = await freshAuthToken()
      expect([minutes, await level(remembered)]).toEqual([minutes, 'authorized'])
    }
    net.time = now + 3600
    expect(await refusal(await freshAuthToken())).toEqual({ ...away, retryAfter: 5 })
    // A cached token is refused, too: its issuer may have withdrawn the key since.
    expect(await refusal(remembered)).toMatchObject(away)
    net.down.delete(auth.id)
    net.time += 5
    expect(await level(remembered)).toBe('authorized')
  },
)

describe('issuers that are refused without a fetch', () => {
  const accepts = (over: Partial<Parameters<typeof createVerifier>[0]>) =>
    createVerifier({
      receiver: api,
      discovery: net.discovery,
      accept: ['agent+jwt', 'auth+jwt', 'jwks_uri', 'hwk'],
      now: () => net.time,
      ...over,
    })
  const published = (id: string, by: SigningKey) =>
    signed(`${api}/x`, by, { scheme: 'jwks_uri', id, kid: 'k1', dwk: 'aauth-agent' })

  test(
    verifies(
      'trust.resource.auth-servers',
      'trust.resource.agents',
      'all but those that the list or the function names',
    ),
    async () => {
      const evil = await net.publish('aauth-issuer', 'https://evil.example')
      const lists: IdentifierList[] = [['https://auth.example'], id => id === 'https://auth.example']
      for (const list of lists) {
        const byIssuer = accepts({ authServers: list })
        await expect(byIssuer.verify(await withToken(await freshAuthToken(evil)))).rejects.toMatchObject({
          code: 'untrusted_issuer',
        })
        const byAgent = accepts({ agents: ['https://friend.example'], authServers: [] })
        for (const message of [await withToken(await freshAgentToken()), await published(agent.id, agent.key)])
          await expect(byAgent.verify(message)).rejects.toMatchObject({ code: 'policy_denied' })
        expect(net.fetched).toEqual([])
      }
      await accepts({ authServers: ['https://auth.example'] }).verify(await withToken(await freshAuthToken()))
      await accepts({ agents: ['https://agent.example'] }).verify(await published(agent.id, agent.key))
      expect(net.fetched.map(url => new URL(url).origin)).toEqual([auth.id, auth.id, agent.id, agent.id])
    },
  )

  test(
    verifies('DSC-32', 'discovery.budget', 'an accepted issuer costs two documents, however often it calls'),
    async () => {
      const any = accepts({ authServers: 'any' })
      for (let i = 0; i < 20; i++) await any.verify(await withToken(await freshAuthToken()))
      expect(net.fetched).toEqual(['https://auth.example/.well-known/aauth-issuer', 'https://auth.example/jwks'])
    },
  )
})

test(
  verifies(
    'DSC-25',
    'DSC-21',
    'discovery.failures',
    'an unreachable issuer costs one fetch, and no caller of another issuer',
  ),
  async () => {
    const other = await net.publish('aauth-agent', 'https://other.example')
    net.down.add(agent.id)
    const failing = await Promise.all(Array.from({ length: 50 }, async () => refusal(await freshAgentToken())))
    for (const each of failing) expect(each).toEqual({ ...away, retryAfter: 5 })
    expect(await level(await freshAgentToken(other))).toBe('identified')
    expect(net.fetched.filter(url => url.startsWith(agent.id)).length).toBe(1)
  },
)
