import type { SigningKey } from '@countersign/httpsig'
import { base64urlDecode, base64urlEncode } from '@countersign/httpsig/internal'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { agentToken, authToken, now, type Origin } from './network.test.fixture.js'
import { type Scene, scene } from './verifier.test.fixture.js'

let agent: Scene['agent']
let auth: Scene['auth']
let key: Scene['key']
let verifier: Scene['verifier']
let verifierWith: Scene['verifierWith']
let withToken: Scene['withToken']

beforeEach(async () => {
  ;({ agent, auth, key, verifier, verifierWith, withToken } = await scene())
})

const until = { type: 'until', time: now + 100 }
const denied = { code: 'policy_denied', status: 403, reason: 'condition_malformed' }

/** A request under an auth token with constraints, and one under an agent token with a delegation. */
async function verifyBoth(list: unknown): Promise<Array<Promise<unknown>>> {
  const tokens = [await authToken(auth, key, { constraints: list }), await agentToken(agent, key, { delegation: list })]
  return tokens.map(async jwt => verifier.verify(await withToken(jwt)))
}

/** Each list is refused in both tokens, beside one that is accepted. */
async function expectDenied(lists: readonly unknown[]): Promise<void> {
  for (const list of lists)
    for (const verified of await verifyBoth(list))
      await expect(verified, JSON.stringify(list)).rejects.toMatchObject(denied)
  for (const verified of await verifyBoth([until])) await expect(verified).resolves.toBeDefined()
}

describe('conditions of a token', () => {
  test(verifies('DEL-01', 'no list and an empty list are accepted, and told apart'), async () => {
    const caller = async (jwt: string): Promise<object> => (await verifier.verify(await withToken(jwt))).caller
    expect(await caller(await authToken(auth, key, {}))).not.toHaveProperty('constraints')
    expect(await caller(await authToken(auth, key, { constraints: [] }))).toMatchObject({ constraints: [] })
    expect(await caller(await agentToken(agent, key))).not.toHaveProperty('delegation')
    expect(await caller(await agentToken(agent, key, { delegation: [] }))).toMatchObject({ delegation: [] })
  })

  test(verifies('DEL-02', 'that are no array of objects with a type are refused, null too'), async () => {
    await expectDenied([null, {}, 'x', [null], [[]], [{}], [{ type: null }]])
  })

  test(verifies('DEL-03', 'of an unknown type are refused, beside such that hold'), async () => {
    await expectDenied([[until, { type: 'moon' }], [{ type: 'moon' }]])
  })

  test(verifies('DEL-04', 'with a misspelt or foreign member are refused'), async () => {
    const hours = { type: 'hours', days: [1], from: '09:00', to: '18:00' }
    const chain = { type: 'chain', max: 1, thru: ['https://middle.example'] }
    await expectDenied([[{ type: 'calls', max: 5, pre: 'day' }], [{ ...until, zone: 'UTC' }], [hours], [chain]])
  })

  test(verifies('DEL-08', 'with an empty array are refused'), async () => {
    await expectDenied([
      [{ type: 'resources', any: [] }],
      [{ type: 'hours', zone: 'UTC', days: [], from: '09:00', to: '18:00' }],
      [{ type: 'chain', max: 1, through: [] }],
    ])
  })

  test(verifies('DEL-09', 'with a member out of range are refused'), async () => {
    await expectDenied([
      [{ type: 'until', time: '1' }],
      [{ type: 'calls', max: 2 ** 53, per: 'day' }],
      [{ type: 'chain', max: 6 }],
      [{ type: 'hours', zone: 'UTC', days: [8], from: '09:00', to: '24:00' }],
    ])
  })

  test('are what the caller has, frozen, beside the purposes of the grant', async () => {
    const jwt = await authToken(auth, key, { constraints: [until], purposes: 'support billing' })
    const { caller } = await verifier.verify(await withToken(jwt))
    expect(caller).toMatchObject({ constraints: [until], purposes: ['support', 'billing'] })
    if (caller.level !== 'authorized') throw new Error('not authorized')
    expect(() => Object.assign(caller.constraints?.[0] ?? {}, { time: now * 2 })).toThrow(TypeError)
    expect(() => (caller.purposes as string[]).push('marketing')).toThrow(TypeError)
    expect(caller.user?.claims ?? {}).toEqual({})
  })

  test(verifies('token.policy', 'of another type of token are refused'), async () => {
    const foreign = { code: 'policy_denied', status: 403, reason: 'token_conditions_unknown' }
    for (const jwt of [
      await authToken(auth, key, { delegation: [] }),
      await agentToken(agent, key, { constraints: [] } as object),
    ])
      await expect(withToken(jwt).then(message => verifier.verify(message))).rejects.toMatchObject(foreign)
    const own = await authToken(auth, key, { constraints: [] })
    await expect(withToken(own).then(message => verifier.verify(message))).resolves.toBeDefined()
  })

  test('name loopback identifiers in development only', async () => {
    const local = [{ type: 'resources', any: ['http://localhost:4110'] }]
    for (const verified of await verifyBoth(local)) await expect(verified).rejects.toMatchObject(denied)
    const message = await withToken(await authToken(auth, key, { constraints: local }))
    const { caller } = await verifierWith({ development: true }).verify(message)
    expect(caller).toMatchObject({ constraints: local })
  })
})

/** A signed token whose payload is this text. */
async function tokenOf({ id: _, key: own }: Origin, typ: string, payload: string): Promise<string> {
  const part = (text: string): string => base64urlEncode(new TextEncoder().encode(text))
  const input = `${part(JSON.stringify({ typ, alg: own.algorithm, kid: 'k1' }))}.${part(payload)}`
  return `${input}.${base64urlEncode(await own.sign(new TextEncoder().encode(input)))}`
}

function payloadOf(jwt: string): string {
  return new TextDecoder().decode(base64urlDecode(jwt.split('.')[1] ?? ''))
}

test(verifies('DEL-06', 'a member that stands twice is refused with its token'), async () => {
  const conditions = '[{"type":"until","time":1800000100}]'
  const twice = '[{"type":"until","time":1,"time":9999999999}]'
  const kinds: ReadonlyArray<readonly [Origin, string, string, string, (by: SigningKey) => Promise<string>]> = [
    [auth, 'auth+jwt', 'constraints', 'invalid_auth_token', by => authToken(auth, by, {})],
    [agent, 'agent+jwt', 'delegation', 'invalid_agent_token', by => agentToken(agent, by)],
  ]
  for (const [issuer, typ, claim, code, token] of kinds) {
    const payload = payloadOf(await token(key))
    const withClaims = (claims: string): Promise<string> => tokenOf(issuer, typ, `${payload.slice(0, -1)},${claims}}`)
    for (const claims of [
      `"${claim}":${twice}`,
      `"${claim}":[],"${claim}":${conditions}`,
      `"${claim}":${conditions},"${claim}":[]`,
      `"${claim}":[],"\\u0${claim.charCodeAt(0).toString(16).padStart(3, '0')}${claim.slice(1)}":${conditions}`,
    ]) {
      const message = await withToken(await withClaims(claims))
      await expect(verifier.verify(message), claims).rejects.toMatchObject({ code, status: 401 })
    }
    await expect(verifier.verify(await withToken(await withClaims(`"${claim}":${conditions}`)))).resolves.toBeDefined()
  }
})
