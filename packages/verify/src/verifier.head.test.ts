import type { Discovery } from '@countersign/discovery'
import { generateSigningKey, type ReceivedMessage, signRequest, type VerifyKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import type { PerRequest, VerifierOptions } from './index.js'
import { agentToken, authToken, now } from './network.test.fixture.js'
import { api, scene } from './verifier.test.fixture.js'

const { net, agent, auth, key, verifierWith } = await scene()
const body = new TextEncoder().encode('{"a":1}')
const asAgent = { scheme: 'jwks_uri', id: agent.id, kid: 'k1', dwk: 'aauth-agent' } as const

type Sent = Partial<Parameters<typeof signRequest>[0]>

/** The head of a request; unless `sent` says otherwise, the agent has signed it for the body above. */
async function headOf(sent: Sent = {}): Promise<ReceivedMessage> {
  const { headers = [['content-type', 'application/json'] as const] } = sent
  const as = { key: agent.key, signatureKey: asAgent }
  const lines = await signRequest({ method: 'POST', url: `${api}/x`, body, now: () => now, ...as, ...sent, headers })
  return { method: 'POST', target: '/x', headers: [['host', 'api.example'], ...headers, ...lines] }
}

/** A head that was signed without a body. */
async function bareHead(): Promise<ReceivedMessage> {
  const lines = await signRequest({
    method: 'POST',
    url: `${api}/x`,
    now: () => now,
    key: agent.key,
    signatureKey: asAgent,
  })
  return { method: 'POST', target: '/x', headers: [['host', 'api.example'], ...lines] }
}

/** The request whose body comes when it is read, and how it was read. */
function arriving(head: ReceivedMessage, given: Uint8Array | undefined = body, atEnd: () => void = () => undefined) {
  const reads: string[] = []
  const message: ReceivedMessage = {
    ...head,
    unread: {
      async bytes() {
        reads.push('bytes')
        atEnd()
        return given?.length === 0 ? undefined : given
      },
      async hasByte() {
        reads.push('hasByte')
        return given !== undefined && given.length > 0
      },
    },
  }
  return { message, reads }
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

const wrongDigest = { code: 'invalid_signature', reason: 'digest_wrong', status: 401 }

describe(verifies('sig.body.head-first', 'DIG-21', 'a head is verified before its body, and once'), () => {
  test('its signature is verified once, with the head', async () => {
    const { discovery, verified } = counting(net.discovery)
    const verifier = verifierWith({ discovery })
    const { message, reads } = arriving(await headOf())
    const head = await verifier.verifyHead(message)
    expect(head.caller).toMatchObject({ level: 'identified', agent: agent.id })
    expect(head.message).toBe(message)
    expect([verified.length, reads]).toEqual([1, []])
    const whole = await verifier.verifyBody(head)
    expect([verified.length, reads]).toEqual([1, ['bytes']])
    expect(whole).toMatchObject({ caller: head.caller, message: { body }, opened: { message: { body } } })
    expect('unread' in whole.message).toBe(false)
    const inOne = await verifier.verify(arriving(await headOf()).message)
    expect(inOne.message.body).toEqual(body)
    expect(verified).toHaveLength(2)
    await verifier.verify({ ...(await headOf()), body })
    expect(verified).toHaveLength(3)
  })

  test(verifies('sig.digest.match', 'its digest is compared with the body, however that came'), async () => {
    const verifier = verifierWith()
    const other = new TextEncoder().encode('{"a":2}')
    const forged = arriving(await headOf(), other)
    const head = await verifier.verifyHead(forged.message)
    await expect(verifier.verifyBody(head)).rejects.toMatchObject(wrongDigest)
    await expect(verifier.verify(arriving(await headOf(), other).message)).rejects.toMatchObject(wrongDigest)
    const arrived = await verifier.verifyHead({ ...(await headOf()), body: other })
    await expect(verifier.verifyBody(arrived)).rejects.toMatchObject(wrongDigest)
    await expect(verifier.verify(arriving(await headOf(), new Uint8Array()).message)).rejects.toMatchObject({
      reason: 'body_missing',
    })
  })

  test.each<readonly [string, number, string]>([
    ['the signature', 60, 'identified'],
    ['the signature', 61, 'created_too_old'],
    ['an agent token', 29, 'identified'],
    ['an agent token', 30, 'invalid_agent_token token_expired'],
    ['an agent token with grace', 44, 'identified'],
    ['an agent token with grace', 45, 'invalid_agent_token token_expired'],
    ['an auth token', 29, 'authorized'],
    ['an auth token', 30, 'invalid_auth_token token_expired'],
  ])(
    verifies('sig.created.judged', 'token.times', '%s is judged at the last byte, after %i s: %s'),
    async (what, seconds, expected) => {
      let clock = now
      const verifier = verifierWith({ now: () => clock })
      const exp = now + 30
      const jwt = what.startsWith('an agent token')
        ? await agentToken(agent, key, { exp })
        : await authToken(auth, key, { exp })
      const as: Sent = what === 'the signature' ? {} : { key, signatureKey: { scheme: 'jwt', jwt } }
      const { message } = arriving(await headOf(as), body, () => {
        clock += seconds
      })
      const per: PerRequest = what.endsWith('grace') ? { expiredAgentTokenGrace: 15 } : {}
      const outcome = await verifier.verify(message, per).then(
        ({ caller }) => caller.level,
        ({ code, reason }) => (code === 'invalid_signature' ? reason : `${code} ${reason}`),
      )
      expect(outcome).toBe(expected)
    },
  )

  test('a head that is refused has no byte read', async () => {
    const stranger = await generateSigningKey()
    const jwt = await authToken(auth, key, { iat: now - 7200, exp: now - 3600 })
    const cases: ReadonlyArray<readonly [string, Sent, Partial<VerifierOptions>]> = [
      ['policy_denied', {}, { agents: ['https://other.example'] }],
      ['insufficient_level', {}, { accept: ['agent+jwt'] }],
      ['invalid_signature', { key: stranger }, {}],
      ['invalid_signature', { now: () => now - 61 }, {}],
      ['invalid_signature', { url: `${api}/y` }, {}],
      ['invalid_auth_token', { key, signatureKey: { scheme: 'jwt', jwt } }, {}],
      ['untrusted_issuer', { key, signatureKey: { scheme: 'jwt', jwt } }, { authServers: [] }],
    ]
    for (const [code, sent, options] of cases) {
      const { message, reads } = arriving(await headOf(sent))
      const verifier = verifierWith(options)
      await expect(verifier.verifyHead(message), code).rejects.toMatchObject({ code })
      await expect(verifier.verify(message), code).rejects.toMatchObject({ code })
      expect(reads, code).toEqual([])
    }
    const { message, reads } = arriving(await headOf())
    await verifierWith().verify(message)
    expect(reads).toEqual(['bytes'])
  })

  test('the components that a request must cover are those of its head', async () => {
    const verifier = verifierWith()
    const per = { requiredComponents: ['x-tool'] }
    const judged = async (additionalComponents: readonly string[]): Promise<unknown> => {
      const headers: Sent['headers'] = [
        ['content-type', 'application/json'],
        ['x-tool', 'pay'],
      ]
      const { message, reads } = arriving(await headOf({ headers, additionalComponents }))
      return verifier.verify(message, per).then(
        ({ caller }) => caller.level,
        ({ reason, required_components }) => ({ reason, required_components, reads }),
      )
    }
    expect(await judged(['x-tool'])).toBe('identified')
    expect(await judged([])).toEqual({
      reason: 'component_not_covered',
      required_components: [
        '@method',
        '@authority',
        '@path',
        'content-type',
        'content-digest',
        'signature-key',
        'x-tool',
      ],
      reads: [],
    })
  })

  test('lists that are functions and onToken are called once for each request', async () => {
    const asked: string[] = []
    const told: string[] = []
    const verifier = verifierWith({
      agents: async id => asked.push(id) > 0,
      authServers: async id => asked.push(id) > 0,
      onToken: seen => told.push(seen),
    })
    const jwt = await authToken(auth, key, {})
    const request = async () => arriving(await headOf({ key, signatureKey: { scheme: 'jwt', jwt } })).message
    for (const seen of ['miss', 'hit']) {
      const head = await verifier.verifyHead(await request())
      expect([asked.splice(0), told.splice(0)]).toEqual([[auth.id, agent.id], [seen]])
      await verifier.verifyBody(head)
      expect([asked, told]).toEqual([[], []])
    }
    await verifier.verify(await request())
    expect([asked, told]).toEqual([[auth.id, agent.id], ['hit']])
  })

  test('its caller has the address of the message', async () => {
    const verifier = verifierWith()
    const { message } = arriving({ ...(await headOf()), peer: '192.0.2.1' })
    const whole = await verifier.verifyBody(await verifier.verifyHead(message))
    expect(whole.caller).toMatchObject({ agent: agent.id, peer: '192.0.2.1' })
  })
})

describe(verifies('sig.body.uncovered', 'DIG-12', 'COV-46', 'a head without a covered digest'), () => {
  const uncovered = { code: 'invalid_signature', reason: 'component_not_covered', status: 401 }

  test('waits for the first byte, which refuses it', async () => {
    const verifier = verifierWith()
    const { message, reads } = arriving(await bareHead())
    const head = await verifier.verifyHead(message)
    expect([head.caller.level, reads]).toEqual(['identified', []])
    await expect(verifier.verifyBody(head)).rejects.toMatchObject(uncovered)
    await expect(verifier.verify(message)).rejects.toMatchObject(uncovered)
    expect(reads, 'no more than that byte').toEqual(['hasByte', 'hasByte'])
  })

  test('is accepted when there is none', async () => {
    const { message, reads } = arriving(await bareHead(), new Uint8Array())
    const { caller, message: whole } = await verifierWith().verify(message)
    expect([caller.level, 'body' in whole, 'unread' in whole]).toEqual(['identified', false, false])
    expect(reads).toEqual(['hasByte', 'bytes'])
  })

  test('is judged at its end, too', async () => {
    let clock = now
    const verifier = verifierWith({ now: () => clock })
    const { message } = arriving(await bareHead(), new Uint8Array(), () => {
      clock += 61
    })
    await expect(verifier.verify(message)).rejects.toMatchObject({ reason: 'created_too_old' })
  })
})

describe('an unsigned request', () => {
  const unsigned: ReceivedMessage = { method: 'POST', target: '/x', headers: [['host', 'api.example']] }

  test('is anonymous by its head; its body is read unverified', async () => {
    const verifier = verifierWith()
    const { message, reads } = arriving(unsigned)
    const head = await verifier.verifyHead({ ...message, peer: '192.0.2.1' })
    expect([head.caller, head.opened, reads]).toEqual([{ level: 'anonymous', peer: '192.0.2.1' }, undefined, []])
    const whole = await verifier.verifyBody(head)
    expect([whole.message.body, 'unread' in whole.message, reads]).toEqual([body, false, ['bytes']])
  })

  test('is refused by its target and authority before its body is read', async () => {
    for (const change of [
      { target: '/a/../b' },
      { headers: [] },
      { headers: [['host', 'a'] as const, ['host', 'b'] as const] },
    ]) {
      const { message, reads } = arriving({ ...unsigned, ...change })
      await expect(verifierWith({ authorities: ['api.example', 'b.example'] }).verify(message)).rejects.toMatchObject({
        code: 'invalid_request',
      })
      expect(reads).toEqual([])
    }
  })
})

test('a body that cannot be read is refused as its reader says', async () => {
  const { message } = arriving(await headOf(), body, () => {
    throw new Error('cut off')
  })
  await expect(verifierWith().verify(message)).rejects.toThrow('cut off')
})
