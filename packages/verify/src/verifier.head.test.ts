import type { Discovery } from '@countersign/discovery'
import { generateSigningKey, type ReceivedMessage, signRequest, type VerifyKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import type { VerifiedHead } from './index.js'
import { agentToken, authToken, now } from './network.test.fixture.js'
import { api, scene } from './verifier.test.fixture.js'

const { net, agent, auth, key, verifierWith } = await scene()
const body = new TextEncoder().encode('{"a":1}')
const asAgent = { scheme: 'jwks_uri', id: agent.id, kid: 'k1', dwk: 'aauth-agent' } as const

type As = Pick<Parameters<typeof signRequest>[0], 'key' | 'signatureKey'>

/** The head of a request, whose body is the one above. */
async function headOf(as: As = { key: agent.key, signatureKey: asAgent }): Promise<ReceivedMessage> {
  const headers: Array<readonly [string, string]> = [['content-type', 'application/json']]
  const lines = await signRequest({ method: 'POST', url: `${api}/x`, headers, body, ...as, now: () => now })
  return { method: 'POST', target: '/x', headers: [['host', 'api.example'], ...headers, ...lines] }
}

/** A discovery that counts what its keys verify. */
function counting(discovery: Discovery): { readonly discovery: Discovery; readonly verified: string[] } {
  const verified: string[] = []
  const counted = new WeakMap<VerifyKey, VerifyKey>()
  const keyOf = (known: VerifyKey): VerifyKey => {
    const one = counted.get(known) ?? {
      ...known,
      verify(data: Uint8Array, signature: Uint8Array) {
        verified.push(known.thumbprint)
        return known.verify(data, signature)
      },
    }
    counted.set(known, one)
    return one
  }
  const view = (of: Discovery): Discovery => ({
    ...of,
    limited: (...o) => view(of.limited(...o)),
    async key(...o) {
      const known = await of.key(...o)
      return known && keyOf(known)
    },
  })
  return { discovery: view(discovery), verified }
}

const pending = (judged: unknown): VerifiedHead => {
  expect(judged).toHaveProperty('proof')
  return judged as VerifiedHead
}

describe(verifies('sig.body.head-first', 'DIG-21', 'a head is verified before its body, and not a second time'), () => {
  test('its signature is verified once, with the head or with the whole request', async () => {
    const { discovery, verified } = counting(net.discovery)
    const verifier = verifierWith({ discovery })
    const head = await headOf()
    const { proof, refused } = pending(verifier.judgeHead(head))
    expect(await refused).toBe(undefined)
    expect(verified).toHaveLength(1)
    const { caller } = await verifier.verify({ ...head, body, headProof: proof })
    expect(caller).toMatchObject({ level: 'identified', agent: agent.id })
    // The address from a proxy's header may be in the whole message only.
    const behind = await verifier.verify({ ...head, body, headProof: proof, peer: '203.0.113.7' })
    expect(behind.caller).toMatchObject({ agent: agent.id, peer: '203.0.113.7' })
    expect(verified).toHaveLength(1)
    // A body that has already arrived does not wait for the head.
    const next = await headOf()
    const judged = pending(verifier.judgeHead(next))
    await verifier.verify({ ...next, body, headProof: judged.proof })
    expect(verified).toHaveLength(2)
    await verifier.verify({ ...(await headOf()), body })
    expect(verified).toHaveLength(3)
  })

  test('its digest, its time and its token’s time are checked with the body', async () => {
    const clock = { now }
    const verifier = verifierWith({ now: () => clock.now })
    const whole = async (as: As | undefined, then: { body?: Uint8Array; seconds?: number }): Promise<unknown> => {
      clock.now = now
      const head = await headOf(as)
      const { proof, refused } = pending(verifier.judgeHead(head))
      expect(await refused).toBe(undefined)
      clock.now = now + (then.seconds ?? 0)
      return verifier.verify({ ...head, body: then.body ?? body, headProof: proof }).then(
        ({ caller }) => caller.level,
        error => error.code,
      )
    }
    const other = new TextEncoder().encode('{"a":2}')
    expect(await whole(undefined, {})).toBe('identified')
    expect(await whole(undefined, { body: other })).toBe('invalid_signature')
    expect(await whole(undefined, { seconds: 59 })).toBe('identified')
    expect(await whole(undefined, { seconds: 61 })).toBe('invalid_signature')
    const jwt = await agentToken(agent, key, { exp: now + 30 })
    const holder = { key, signatureKey: { scheme: 'jwt', jwt } } as const
    expect(await whole(holder, { seconds: 29 })).toBe('identified')
    expect(await whole(holder, { seconds: 30 })).toBe('invalid_agent_token')
    // With an empty body the message differs from its head.
    expect(await whole(undefined, { body: new Uint8Array() })).toBe('invalid_signature')
  })

  test('only a message with the very same head skips the verification', async () => {
    const verifier = verifierWith()
    const head = await headOf()
    const { proof } = pending(verifier.judgeHead(head))
    const passes = (message: ReceivedMessage, by = verifier, per = {}): Promise<boolean> =>
      by.verify({ body, headProof: proof, ...message }, per).then(
        () => true,
        () => false,
      )
    const stranger = await generateSigningKey()
    const forged = await headOf({ key: stranger, signatureKey: asAgent })
    expect(await passes(head)).toBe(true)
    expect(await passes({ ...head, target: '/y' })).toBe(false)
    expect(await passes({ ...head, method: 'PUT' })).toBe(false)
    expect(await passes(forged)).toBe(false)
    expect(await passes({ ...forged, headProof: {} })).toBe(false)
    const swapped = head.headers.map((line): readonly [string, string] =>
      line[0] === 'signature' ? (forged.headers.find(([name]) => name === 'signature') ?? line) : line,
    )
    expect(await passes({ ...head, headers: swapped })).toBe(false)
    // The head may have been judged by stricter options: accepted credentials and the grace of a token.
    const strictly = pending(verifier.judgeHead(head, { accept: ['agent+jwt'] }))
    expect(await strictly.verified).toBe(undefined)
    expect(await passes({ ...head, headProof: strictly.proof })).toBe(true)
    const jwt = await agentToken(agent, key, { iat: now - 20, exp: now - 10 })
    const ended = await headOf({ key, signatureKey: { scheme: 'jwt', jwt } })
    const late = pending(verifier.judgeHead(ended))
    expect(await late.verified).toBe(undefined)
    expect(await passes({ ...ended, headProof: late.proof }, verifier, { expiredAgentTokenGrace: 60 })).toBe(true)
    // And the message may be judged by stricter options than its head.
    expect(await passes(head, verifier, { accept: ['agent+jwt'] })).toBe(false)
    expect(await passes({ ...head, headers: [...head.headers, ['x-a', '1']] })).toBe(true)
    const strict = { requiredComponents: ['host'] }
    expect(await passes(head, verifier, strict)).toBe(false)
    // Another verifier does not know the head.
    expect(await passes(head, verifierWith({ agents: [] }))).toBe(false)
  })

  test('a body may ask for more components than its head did, without a second verification', async () => {
    const { discovery, verified } = counting(net.discovery)
    const verifier = verifierWith({ discovery })
    const per = { requiredComponents: ['x-tool'] }
    const judged = async (additionalComponents: readonly string[]): Promise<unknown> => {
      const sent: Array<readonly [string, string]> = [
        ['content-type', 'application/json'],
        ['x-tool', 'pay'],
      ]
      const lines = await signRequest({
        ...{ method: 'POST', url: `${api}/x`, headers: sent, body, now: () => now, additionalComponents },
        ...{ key: agent.key, signatureKey: asAgent },
      })
      const head = { method: 'POST', target: '/x', headers: [['host', 'api.example'] as const, ...sent, ...lines] }
      const { proof } = pending(verifier.judgeHead(head))
      return verifier.verify({ ...head, body, headProof: proof }, per).then(
        ({ caller }) => caller.level,
        ({ reason, required_components }) => ({ reason, required_components }),
      )
    }
    expect(await judged(['x-tool'])).toBe('identified')
    expect(await judged([])).toEqual({
      reason: 'component_not_covered',
      required_components: [
        ...['@method', '@authority', '@path', 'content-type', 'content-digest', 'signature-key', 'x-tool'],
      ],
    })
    expect(verified).toHaveLength(2)
  })

  test('a request refused by its head is refused for the same reason with its body, early or late', async () => {
    const verifier = verifierWith({ agents: ['https://other.example'] })
    const head = await headOf()
    const judged = pending(verifier.judgeHead(head))
    const late = verifier.verify({ ...head, body, headProof: judged.proof })
    await expect(late).rejects.toMatchObject({ code: 'policy_denied' })
    const refused = await judged.refused
    expect(refused).toMatchObject({ dangerouslyUnseenBody: true, headFault: { code: 'policy_denied' } })
    expect(await judged.verified).toBe(undefined)
    await expect(verifier.verify(refused as ReceivedMessage)).rejects.toMatchObject({ code: 'policy_denied' })
  })

  test('lists that are functions and onToken are called once for each request', async () => {
    const asked: string[] = []
    const told: string[] = []
    const verifier = verifierWith({
      agents: async id => asked.push(id) > 0,
      authServers: async id => asked.push(id) > 0,
      onToken: seen => told.push(seen),
      // A cache too small for any token: the result of the head is used, not looked up again.
      tokenCache: 1,
    })
    const jwt = await authToken(auth, key, {})
    for (const seen of ['miss', 'hit']) {
      const head = await headOf({ key, signatureKey: { scheme: 'jwt', jwt } })
      const { proof } = pending(verifier.judgeHead(head))
      await verifier.verify({ ...head, body, headProof: proof })
      expect([asked.splice(0), told.splice(0)]).toEqual([[auth.id, agent.id], [seen]])
    }
  })

  test('a head without a covered digest waits for the first byte', async () => {
    const head = await headOf()
    const bare = await signRequest({
      method: 'POST',
      url: `${api}/x`,
      key: agent.key,
      signatureKey: asAgent,
      now: () => now,
    })
    const headers = [['host', 'api.example'] as const, ...bare]
    expect(verifierWith().judgeHead({ ...head, headers })).toBe('byte')
    expect(verifierWith().judgeHead({ ...head, headers: [['host', 'api.example']] })).toBe('whole')
  })
})
