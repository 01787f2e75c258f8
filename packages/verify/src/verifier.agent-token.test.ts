import { generateSigningKey, importSigningKey, type SigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { readVectors } from '@countersign/vectors'
import { beforeEach, describe, expect, test } from 'vitest'
import { agentToken, signed } from './network.test.fixture.js'
import { api, type Scene, scene } from './verifier.test.fixture.js'

let net: Scene['net']
let agent: Scene['agent']
let auth: Scene['auth']
let key: Scene['key']
let verifier: Scene['verifier']
let verifierWith: Scene['verifierWith']
let withToken: Scene['withToken']
let refused: Scene['refused']

beforeEach(async () => {
  ;({ net, agent, auth, key, verifier, verifierWith, withToken, refused } = await scene())
})

describe('agent tokens', () => {
  test(verifies('AGT-01', 'AGT-08', 'a token signed by the delegate itself is refused'), async () => {
    expect(await refused(await withToken(await agentToken(agent, key, {}, key)))).toEqual({
      code: 'invalid_agent_token',
      status: 401,
    })
    await verifier.verify(await withToken(await agentToken(agent, key)))
  })

  test(verifies('AGT-02', 'a token signed by another participant is refused'), async () => {
    expect(await refused(await withToken(await agentToken(agent, key, {}, auth.key)))).toEqual({
      code: 'invalid_agent_token',
      status: 401,
    })
  })

  test(verifies('AGT-03', 'an issuer that publishes only aauth-resource is refused as an agent'), async () => {
    const resource = await net.publish('aauth-resource', 'https://resource.example')
    expect(await refused(await withToken(await agentToken(resource, key)))).toEqual({
      code: 'discovery_failed',
      status: 401,
    })
  })

  test(
    verifies(
      'AGT-05',
      'token.agent.aud',
      'a token for other receivers is refused, one that names this receiver among others is accepted',
    ),
    async () => {
      for (const aud of ['https://other.example', [], ['https://api.example/']]) {
        expect(await refused(await withToken(await agentToken(agent, key, { aud }).catch(() => 'x')))).toMatchObject({
          status: 401,
        })
      }
      await verifier.verify(await withToken(await agentToken(agent, key, { aud: ['https://other.example', api] })))
    },
  )

  test(
    verifies('AGT-06', 'token.binding', 'a stolen agent token with the thief’s key is refused, also when it is cached'),
    async () => {
      const token = await agentToken(agent, key)
      const thief = await generateSigningKey()
      expect(await refused(await withToken(token, thief))).toEqual({ code: 'invalid_signature', status: 401 })
      await verifier.verify(await withToken(token))
      expect(await refused(await withToken(token, thief))).toEqual({ code: 'invalid_signature', status: 401 })
    },
  )

  test(verifies('AGT-13', 'one sub of two agents is two principals'), async () => {
    const other = await net.publish('aauth-agent', 'https://other.example')
    const first = await verifier.verify(await withToken(await agentToken(agent, key)))
    const second = await verifier.verify(await withToken(await agentToken(other, key)))
    expect([first.caller, second.caller]).toMatchObject([
      { agent: 'https://agent.example' },
      { agent: 'https://other.example' },
    ])
  })

  test('an unknown kid is refused as a fault of the agent token', async () => {
    const message = await signed(`${api}/x`, agent.key, {
      scheme: 'jwks_uri',
      id: agent.id,
      kid: 'k2',
      dwk: 'aauth-agent',
    })
    expect(await refused(message)).toEqual({ code: 'invalid_agent_token', status: 401 })
  })

  test(verifies('SCH-08', 'any other document name is refused before a fetch'), async () => {
    const message = await signed(`${api}/x`, agent.key, {
      scheme: 'jwks_uri',
      id: agent.id,
      kid: 'k1',
      dwk: 'openid-configuration',
    })
    expect(await refused(message)).toEqual({ code: 'invalid_signature', status: 401 })
    expect(net.fetched).toEqual([])
  })

  test(
    verifies('SCH-05', 'SCH-06', 'SCH-09', 'an id that is not a canonical https origin is refused before a fetch'),
    async () => {
      // What is no ASCII cannot be written into Signature-Key.
      const ids = readVectors('identifiers', 'refuse').filter(
        ({ input: { value, development } }) => !development && /^[ -~]+$/.test(value),
      )
      expect(ids.length).toBeGreaterThan(20)
      for (const {
        input: { value: id },
      } of ids) {
        const message = await signed(`${api}/x`, agent.key, { scheme: 'jwks_uri', id, kid: 'k1', dwk: 'aauth-agent' })
        expect([id, await refused(message)]).toEqual([id, { code: 'invalid_signature', status: 401 }])
      }
      expect(net.fetched).toEqual([])
    },
  )
})

describe('a key that a specification prints', () => {
  /** RFC 9421 B.1.4. */
  const printed = importSigningKey({
    kty: 'OKP',
    crv: 'Ed25519',
    alg: 'Ed25519',
    x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
    d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
  })

  test(verifies('discovery.test-keys', 'is no pseudonym and binds no token, but in development'), async () => {
    const anyone = await printed
    const development = verifierWith({ development: true })
    const inline = (by: SigningKey) => signed(`${api}/x`, by, { scheme: 'hwk', jwk: by.publicJwk })
    await expect(verifier.verify(await inline(anyone))).rejects.toMatchObject({
      code: 'invalid_signature',
      reason: 'key_public',
      status: 401,
    })
    await verifier.verify(await inline(key))
    await development.verify(await inline(anyone))

    const bound = await withToken(await agentToken(agent, anyone), anyone)
    expect(await refused(bound)).toEqual({ code: 'invalid_agent_token', status: 401 })
    await verifier.verify(await withToken(await agentToken(agent, key)))
    await development.verify(bound)
  })
})
