import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { signToken } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { verifyResourceToken } from './index.js'
import { agentToken, authToken, type Network, network, type Origin, signed } from './network.test.fixture.js'
import { createVerifier, type Verifier } from './verifier.js'

// A participant that restarts with a new key under its old kid.

const api = 'https://api.example'

let net: Network
let holder: SigningKey
let verifier: Verifier
let agent: Origin
let auth: Origin
let resource: Origin

beforeEach(async () => {
  net = network()
  holder = await generateSigningKey()
  agent = await net.publish('aauth-agent', 'https://agent.example')
  auth = await net.publish('aauth-issuer', 'https://auth.example')
  resource = await net.publish('aauth-resource', 'https://far.example')
  verifier = createVerifier({
    receiver: api,
    discovery: net.discovery,
    accept: ['agent+jwt', 'auth+jwt', 'jwks_uri'],
    authServers: [auth.id],
    now: () => net.time,
  })
})

const times = () => ({ iat: net.time - 10, exp: net.time + 590 })
const fetchesOf = ({ id }: Origin) => net.fetched.filter(url => url === `${id}/jwks`).length

async function callerWith(jwt: string) {
  const message = await signed(`${api}/x`, holder, { scheme: 'jwt', jwt }, { at: net.time })
  return (await verifier.verify(message)).caller.level
}

/** Each kind of credential, signed by a key under the kid `k1` of its issuer. */
const credentials = {
  'agent token': {
    issuer: () => agent,
    refusal: 'invalid_agent_token',
    show: async (by: SigningKey) => callerWith(await agentToken(agent, holder, times(), by)),
    accepted: 'identified',
  },
  'auth token': {
    issuer: () => auth,
    refusal: 'invalid_auth_token',
    show: async (by: SigningKey) => callerWith(await authToken(auth, holder, times(), by)),
    accepted: 'authorized',
  },
  'request under jwks_uri': {
    issuer: () => agent,
    refusal: 'invalid_signature',
    show: async (by: SigningKey) => {
      const signatureKey = { scheme: 'jwks_uri', id: agent.id, kid: 'k1', dwk: 'aauth-agent' } as const
      return (await verifier.verify(await signed(`${api}/x`, by, signatureKey, { at: net.time }))).caller.level
    },
    accepted: 'identified',
  },
  'resource token': {
    issuer: () => resource,
    refusal: 'invalid_resource_token',
    show: async (by: SigningKey) => {
      const { iat } = times()
      const claims = { iss: resource.id, aud: auth.id, agent: agent.id, agent_jkt: 'A'.repeat(43), scope: 'read' }
      const token = await signToken({
        typ: 'resource+jwt',
        key: by,
        kid: 'k1',
        claims: { ...claims, iat, exp: iat + 300, jti: 'r1' },
      })
      const verified = await verifyResourceToken({ token, audience: auth.id, discovery: net.discovery, now: net.time })
      return verified.iss
    },
    accepted: 'https://far.example',
  },
}

describe.each(Object.entries(credentials))('%s', (_, { issuer, refusal, show, accepted }) => {
  test(
    verifies('DSC-39', 'discovery.replaced-key', 'a key replaced under its kid is accepted within 30 s'),
    async () => {
      const { id, key: old } = issuer()
      expect(await show(old)).toBe(accepted)
      for (const algorithm of ['Ed25519', 'ES256'] as const) {
        const replaced = await generateSigningKey(algorithm)
        net.publishKeys(id, [{ kid: 'k1', key: replaced }])
        net.time += 29
        await expect(show(replaced)).rejects.toMatchObject({ code: refusal })
        net.time += 1
        expect(await show(replaced)).toBe(accepted)
        expect(await show(replaced)).toBe(accepted)
        await expect(show(old)).rejects.toMatchObject({ code: refusal })
      }
      expect(fetchesOf(issuer())).toBe(3)
    },
  )

  test(verifies('DSC-39', 'discovery.replaced-key', 'wrong signatures cause one fetch in 30 s'), async () => {
    const { key } = issuer()
    const stranger = await generateSigningKey()
    expect(await show(key)).toBe(accepted)
    net.time += 31
    for (let second = 0; second < 29; second++) {
      const wrong = await Promise.allSettled([show(stranger), show(stranger), show(stranger)])
      expect(wrong).toMatchObject(Array(3).fill({ status: 'rejected', reason: { code: refusal } }))
      expect(await show(key)).toBe(accepted)
      net.time += 1
    }
    expect(fetchesOf(issuer())).toBe(2)
  })

  test('a wrong signature gets the same error while the issuer is unreachable', async () => {
    const { id, key } = issuer()
    const stranger = await generateSigningKey()
    expect(await show(key)).toBe(accepted)
    net.time += 31
    net.down.add(id)
    await expect(show(stranger)).rejects.toMatchObject({ code: refusal })
    expect(fetchesOf(issuer())).toBe(2)
    expect(await show(key)).toBe(accepted)
  })
})

test('a request that is wrong with any key is refused with the new key as well', async () => {
  const replaced = await generateSigningKey()
  expect(await credentials['agent token'].show(agent.key)).toBe('identified')
  net.publishKeys(agent.id, [{ kid: 'k1', key: replaced }])
  net.time += 31
  const jwt = await agentToken(agent, holder, times(), replaced)
  const thief = await generateSigningKey()
  const stolen = await signed(`${api}/x`, thief, { scheme: 'jwt', jwt }, { at: net.time })
  await expect(verifier.verify(stolen)).rejects.toMatchObject({ code: 'invalid_signature' })
  expect(await callerWith(jwt)).toBe('identified')
})
