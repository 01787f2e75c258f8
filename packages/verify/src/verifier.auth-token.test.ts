import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { authToken, now } from './network.test.fixture.js'
import { createVerifier } from './verifier.js'
import { all, api, type Scene, scene } from './verifier.test.fixture.js'

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

describe('auth tokens', () => {
  test(verifies('AUT-01', 'token.signature', 'a token signed by another key is refused'), async () => {
    expect(await refused(await withToken(await authToken(auth, key, {}, agent.key)))).toEqual({
      code: 'invalid_auth_token',
      status: 401,
    })
    await verifier.verify(await withToken(await authToken(auth, key, {})))
  })

  test(
    verifies(
      'AUT-02',
      'token.issuer',
      'an auth server that is not listed is refused without a fetch, even with perfect tokens',
    ),
    async () => {
      const evil = await net.publish('aauth-issuer', 'https://evil.example')
      expect(await refused(await withToken(await authToken(evil, key, {})))).toEqual({
        code: 'untrusted_issuer',
        status: 401,
      })
      expect(net.fetched).toEqual([])
      expect(
        await refused(
          await withToken(await authToken(auth, key, {})),
          createVerifier({ receiver: api, discovery: net.discovery, accept: all, now: () => now }),
        ),
      ).toEqual({
        code: 'untrusted_issuer',
        status: 401,
      })
    },
  )

  test(verifies('AUT-03', 'token.auth.aud', 'a token for another resource is refused'), async () => {
    for (const aud of ['https://other.example', 'https://api.example.evil.example']) {
      expect(await refused(await withToken(await authToken(auth, key, { aud })))).toEqual({
        code: 'invalid_auth_token',
        status: 401,
      })
    }
  })

  test(verifies('AUT-04', 'a stolen auth token with the thief’s key is refused'), async () => {
    const token = await authToken(auth, key, {})
    expect(await refused(await withToken(token, await generateSigningKey()))).toEqual({
      code: 'invalid_signature',
      status: 401,
    })
  })

  test(
    verifies('AUT-06', 'token.times', 'a token is refused from the second of its `exp` on, cached or not'),
    async () => {
      const token = await authToken(auth, key, { exp: now + 30 })
      await verifier.verify(await withToken(token))
      net.time = now + 29
      await verifier.verify(await withToken(token))
      net.time = now + 30
      expect(await refused(await withToken(token))).toEqual({ code: 'invalid_auth_token', status: 401 })
      expect(await refused(await withToken(token), verifierWith())).toEqual({ code: 'invalid_auth_token', status: 401 })
    },
  )

  test(verifies('DSC-29', 'a cached token ends with its issuer’s key'), async () => {
    const token = await authToken(auth, key, {})
    await verifier.verify(await withToken(token))
    await net.publish('aauth-issuer', 'https://auth.example')
    net.discovery.purge('https://auth.example')
    expect(await refused(await withToken(token))).toEqual({ code: 'invalid_auth_token', status: 401 })
  })

  test(
    verifies('AUT-07', 'token.auth.agent-absent', 'an auth token without `agent` names its audience as the agent'),
    async () => {
      const own = { aud: api, agent: undefined, scope: 'events.read' } as never
      const { caller } = await verifier.verify(await withToken(await authToken(auth, key, own)))
      expect(caller).toMatchObject({ level: 'authorized', agent: api })
    },
  )
})
