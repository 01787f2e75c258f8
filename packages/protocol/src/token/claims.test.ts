import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  AAuthError,
  checkAgentToken,
  checkAuthToken,
  checkResourceToken,
  parseToken,
  type TokenType,
} from '../index.js'
import { good, type JoseIssuer, joseIssuer, now } from './jose-issuer.test.fixture.js'
import { type Change, changesOf, refusal, twice } from './token-changes.test.fixture.js'

let issuer: JoseIssuer
beforeAll(async () => {
  issuer = await joseIssuer()
})

const all: readonly TokenType[] = ['agent+jwt', 'resource+jwt', 'auth+jwt']
const { unchanged, payload, without, text } = changesOf(() => issuer)

function check(token: string, typ: TokenType, at: number = now): unknown {
  const parsed = parseToken(token, [typ])
  if (typ === 'agent+jwt') return checkAgentToken(parsed, { now: at, receiver: 'https://resource.example' })
  if (typ === 'resource+jwt') return checkResourceToken(parsed, { now: at, audience: 'https://auth.example' })
  return checkAuthToken(parsed, { now: at, audience: 'https://resource.example' })
}

type Case = readonly [title: string, change: Change]

const badTimes = ['1800000300', -1, 1.5, true, null, [1_800_000_300], {}]
const badIds = [
  '',
  ' ',
  '\t',
  7,
  null,
  [],
  {},
  'x'.repeat(513),
  'é'.repeat(257),
  'a\u0000b',
  'a\u0085b',
  'a\u202eb',
  'a\u2066b',
  'a\u2028b',
  'a\nb',
]

const refused: readonly Case[] = [
  ...['exp', 'iat', 'nbf'].flatMap(claim =>
    badTimes.map(
      (value): Case => [
        verifies('JWT-12', 'JWT-15', 'JWT-21', 'token.times', `${claim} ${JSON.stringify(value)}`),
        payload({ [claim]: value }),
      ],
    ),
  ),
  [verifies('JWT-12', 'exp missing'), without('payload', 'exp')],
  [verifies('JWT-12', 'iat missing'), without('payload', 'iat')],
  [verifies('JWT-12', 'exp 0'), payload({ exp: 0 })],
  ...['1e400', '-1e400', '1800000300.5', '9007199254740993'].map(
    (number): Case => [
      verifies('JWT-12', `exp ${number}`),
      text(o => [o.header, o.payload.replace(/"exp":\d+/, `"exp":${number}`)]),
    ],
  ),
  [verifies('JWT-12', 'JWT-14', 'exp in milliseconds'), payload({ exp: (now + 300) * 1000 })],
  [verifies('JWT-12', 'iat and exp in milliseconds'), payload({ iat: now * 1000, exp: now * 1000 + 300 })],
  [verifies('JWT-13', 'RST-08', 'AUT-06', 'exp is now'), payload({ exp: now, iat: now - 300 })],
  [verifies('JWT-13', 'RST-08', 'AUT-06', 'exp was a second ago'), payload({ exp: now - 1, iat: now - 300 })],
  [verifies('JWT-14', 'token.life', 'exp ten years ahead'), payload({ exp: now + 315_360_000 })],
  [verifies('JWT-15', 'iat ten minutes ahead'), payload({ iat: now + 600, exp: now + 660 })],
  [verifies('JWT-15', 'iat 61 seconds ahead'), payload({ iat: now + 61, exp: now + 100 })],
  [verifies('JWT-15', 'AUT-06', 'nbf 61 seconds ahead'), payload({ nbf: now + 61 })],
  [verifies('JWT-15', 'exp before iat'), payload({ iat: now + 50, exp: now + 40 })],
  [verifies('JWT-15', 'exp at iat'), payload({ iat: now + 50, exp: now + 50 })],
  [verifies('token.claims', 'jti missing'), without('payload', 'jti')],
  ...badIds.map(
    (jti): Case => [verifies('JWT-21', 'token.claims', `jti ${JSON.stringify(jti).slice(0, 12)}`), payload({ jti })],
  ),
]

const accepted: ReadonlyArray<readonly [title: string, changed: Record<string, unknown>]> = [
  [verifies('JWT-13', 'exp a second ahead'), { exp: now + 1 }],
  [verifies('JWT-15', 'iat 60 seconds ahead'), { iat: now + 60 }],
  [verifies('limits.ids', 'jti of 512 bytes'), { jti: 'é'.repeat(256) }],
]

describe.each(all)('%s', typ => {
  test('the unchanged token is accepted', async () => {
    expect(check(await unchanged(typ), typ)).toEqual(good[typ])
  })

  test.each(refused)('refused: %s', async (_, change) => {
    const token = await change(typ)
    expect(() => check(token, typ)).toThrow(expect.objectContaining(refusal[typ]))
    expect(check(await unchanged(typ), typ)).toEqual(good[typ])
  })

  test.each(accepted)('accepted: %s', async (_, changed) => {
    expect(check(await payload(changed)(typ), typ)).toEqual({ ...good[typ], ...changed })
  })

  test(verifies('JWT-15', 'nbf 60 seconds ahead is accepted'), async () => {
    expect(check(await payload({ nbf: now + 60 })(typ), typ)).toMatchObject(good[typ])
  })

  test(verifies('JWT-12', 'a clock that is NaN refuses'), async () => {
    const token = await unchanged(typ)
    expect(() => check(token, typ, Number.NaN)).toThrow(expect.objectContaining(refusal[typ]))
    expect(check(token, typ, now + 0.5)).toEqual(good[typ])
  })

  test.each(['delegation', 'constraints'])(
    verifies('token.policy', 'a token with %s that its type does not have is refused with policy_denied'),
    async claim => {
      const own = typ === 'agent+jwt' ? 'delegation' : typ === 'auth+jwt' ? 'constraints' : undefined
      for (const value of [[{ type: 'scopes', any: ['a'] }], [], null]) {
        const token = await payload({ [claim]: value })(typ)
        if (claim === own) expect(check(token, typ)).toEqual({ ...good[typ], [claim]: value })
        else
          expect(() => check(token, typ)).toThrow(
            expect.objectContaining({ code: 'policy_denied', status: 403, reason: 'token_conditions_unknown' }),
          )
      }
      expect(check(await unchanged(typ), typ)).toEqual(good[typ])
    },
  )

  test(verifies('token.duplicates', 'a __proto__ member adds no claims'), async () => {
    const token = await text(o => [o.header, o.payload.replace(/"jti":"[^"]*"/, '"__proto__":{"jti":"x"}')])(typ)
    expect(() => check(token, typ)).toThrow(expect.objectContaining(refusal[typ]))
    const whole = await text(o => [o.header, twice(o.payload, '"__proto__":{"jti":"x"}')])(typ)
    expect(check(whole, typ)).toEqual(good[typ])
  })
})

test(
  verifies('AGT-07', 'token.typ', 'each check accepts tokens of its own type only, whatever their claims'),
  async () => {
    const claims = { ...good['agent+jwt'], ...good['resource+jwt'], ...good['auth+jwt'], exp: now + 300 }
    const of = async (typ: TokenType, aud: string): Promise<ReturnType<typeof parseToken>> =>
      parseToken(await issuer.issue({ typ, alg: 'Ed25519', kid: 'k1' }, { ...claims, aud }), [typ])
    const audience = 'https://resource.example'
    const [agent, resource, auth] = await Promise.all(all.map(typ => of(typ, audience)))
    if (!agent || !resource || !auth) throw new Error('three tokens')
    for (const wrong of [agent, resource]) expect(() => checkAuthToken(wrong, { now, audience })).toThrow(AAuthError)
    for (const wrong of [agent, auth]) expect(() => checkResourceToken(wrong, { now, audience })).toThrow(AAuthError)
    for (const wrong of [resource, auth])
      expect(() => checkAgentToken(wrong, { now, receiver: audience })).toThrow(AAuthError)
    expect(checkAuthToken(auth, { now, audience }).jti).toBe('jti-3')
    expect(checkResourceToken(resource, { now, audience }).jti).toBe('jti-3')
    expect(checkAgentToken(agent, { now, receiver: audience }).jti).toBe('jti-3')
  },
)

test(verifies('JWT-21', 'arbitrary claims throw only AAuthError'), () => {
  const claims = [
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'nbf',
    'jti',
    'cnf',
    'agent',
    'agent_delegate',
    'agent_jkt',
    'scope',
    'act',
    'txn',
    'purpose',
    'purposes',
    'delegation',
    'constraints',
    'operation',
    'operation_digest',
  ]
  const base = { alg: 'Ed25519', kid: 'k1', iss: 'https://a.example', token: '', development: false } as const
  const noBytes = { signingInput: new Uint8Array(), signature: new Uint8Array(64) }
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0))
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.constantFrom(...claims), anything, (typ, claim, value) => {
      const parsed = { ...base, ...noBytes, typ, payload: { ...good[typ], [claim]: value } }
      try {
        if (typ === 'agent+jwt') checkAgentToken(parsed, { now, receiver: 'https://resource.example' })
        else if (typ === 'auth+jwt') checkAuthToken(parsed, { now, audience: 'https://resource.example' })
        else checkResourceToken(parsed, { now, audience: 'https://auth.example' })
      } catch (error) {
        expect(error).toBeInstanceOf(AAuthError)
      }
    }),
    { numRuns: 1000 },
  )
})
