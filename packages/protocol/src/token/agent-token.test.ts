import { verifies } from '@countersign/requirements'
import { beforeAll, describe, expect, test } from 'vitest'
import { type AgentTokenClaims, checkAgentToken, parseToken } from '../index.js'
import { good, type JoseIssuer, joseIssuer, now, rfc8037 } from './jose-issuer.test.fixture.js'
import { type Change, changesOf } from './token-changes.test.fixture.js'

let issuer: JoseIssuer
beforeAll(async () => {
  issuer = await joseIssuer()
})
const { payload, without, unchanged } = changesOf(() => issuer)
const refusal = { code: 'invalid_agent_token', status: 401 }
const receiver = 'https://resource.example'

async function check(change: Change, o: { now?: number; expiredGrace?: number } = {}): Promise<AgentTokenClaims> {
  return checkAgentToken(parseToken(await change('agent+jwt'), ['agent+jwt']), { now, receiver, ...o })
}

const { jwk } = rfc8037
const p256 = { kty: 'EC', crv: 'P-256', alg: 'ES256', x: 'A'.repeat(43), y: 'A'.repeat(43) }
const badAudiences = ['', null, [], {}, 7, [receiver, 7], [[receiver]], ['https://resource.example.evil.example']]
const badSubjects = [
  '',
  ' ',
  7,
  null,
  ['delegate-1'],
  'x'.repeat(10_240),
  'a\u0007b',
  'a\u007fb',
  'a\u202eb',
  'a\u2067b',
]
const badKeys: ReadonlyArray<readonly [string, unknown]> = [
  ['null', null],
  ['a string', 'x'],
  ['an array', [jwk]],
  ['a private key', { ...jwk, d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' }],
  ['a symmetric key', { kty: 'oct', k: 'AAAA', alg: 'HS256' }],
  ['no alg', { kty: 'OKP', crv: 'Ed25519', x: jwk.x }],
  ['another alg', { ...jwk, alg: 'ES256' }],
  ['an encryption key', { ...jwk, crv: 'X25519' }],
  ['use enc', { ...jwk, use: 'enc' }],
  ['x of 31 bytes', { ...jwk, x: jwk.x.slice(0, 42) }],
  ['x of 33 bytes', { ...jwk, x: `${jwk.x}A` }],
  ['a point of small order', { ...jwk, x: 'A'.repeat(43) }],
  ['P-256 without y', { ...p256, y: undefined }],
]

describe('refused, although the unchanged token is accepted', () => {
  test.each<readonly [string, Change]>([
    [verifies('AGT-04', 'token.agent.claims', 'sub missing'), without('payload', 'sub')],
    ...badSubjects.map((sub): [string, Change] => [
      verifies('AGT-04', 'JWT-21', 'limits.ids', `sub ${JSON.stringify(sub).slice(0, 14)}`),
      payload({ sub }),
    ]),
    [verifies('AGT-05', 'token.agent.aud', 'aud of another'), payload({ aud: 'https://other.example' })],
    [verifies('AGT-05', 'aud with a trailing slash'), payload({ aud: `${receiver}/` })],
    [verifies('AGT-05', 'aud a list of others'), payload({ aud: ['https://a.example', 'https://b.example'] })],
    ...badAudiences.map((aud): [string, Change] => [
      verifies('JWT-11', 'token.agent.aud', `aud ${JSON.stringify(aud)}`),
      payload({ aud }),
    ]),
    [verifies('SCH-18', 'token.agent.claims', 'cnf missing'), without('payload', 'cnf')],
    [verifies('JWT-21', 'cnf a string'), payload({ cnf: 'x' })],
    [verifies('token.agent.claims', 'cnf empty'), payload({ cnf: {} })],
    [verifies('SCH-18', 'token.binding', 'cnf with a second key'), payload({ cnf: { jwk, jkt: 'A'.repeat(43) } })],
    [verifies('SCH-18', 'token.binding', 'cnf by thumbprint only'), payload({ cnf: { jkt: rfc8037.thumbprint } })],
    [verifies('SCH-18', 'cnf an array'), payload({ cnf: [{ jwk }] })],
    [verifies('SCH-18', 'cnf by jku'), payload({ cnf: { jku: 'https://evil.example/jwks' } })],
    ...badKeys.map(([what, key]): [string, Change] => [
      verifies('KEY-14', 'id.jwk-alg', `cnf.jwk: ${what}`),
      payload({ cnf: { jwk: key } }),
    ]),
    [verifies('JWT-14', 'token.agent.life', 'life of 24 h and a second'), payload({ exp: now + 86_401 })],
  ])('%s', async (_, change) => {
    await expect(check(change)).rejects.toMatchObject(refusal)
    await expect(check(unchanged)).resolves.toEqual(good['agent+jwt'])
  })
})

describe('accepted', () => {
  test.each<readonly [string, Partial<AgentTokenClaims>]>([
    [verifies('token.agent.life', 'life of 24 h'), { exp: now + 86_400 }],
    [verifies('token.agent.aud', 'aud the receiver'), { aud: receiver }],
    [verifies('token.agent.aud', 'aud a list with the receiver'), { aud: ['https://a.example', receiver] }],
    [verifies('JWT-22', 'sub in another alphabet'), { sub: 'Zoës Gerät 機' }],
    [verifies('limits.ids', 'sub of 512 bytes'), { sub: 'x'.repeat(512) }],
  ])('%s', async (_, changed) => {
    expect(await check(payload(changed))).toEqual({ ...good['agent+jwt'], ...changed })
  })

  test(verifies('RST-06', 'cnf.jwk is reduced to its canonical members'), async () => {
    const members = { use: 'sig', kid: 'k9', ...jwk, note: 'x' }
    expect((await check(payload({ cnf: { jwk: members } }))).cnf).toEqual({ jwk })
  })
})

test(verifies('delegate.renew.grace', 'an expired token is accepted within the grace, and not after it'), async () => {
  const month = 30 * 86_400
  const { exp } = good['agent+jwt']
  await expect(check(unchanged, { now: exp, expiredGrace: month })).resolves.toEqual(good['agent+jwt'])
  await expect(check(unchanged, { now: exp + month - 1, expiredGrace: month })).resolves.toEqual(good['agent+jwt'])
  await expect(check(unchanged, { now: exp + month, expiredGrace: month })).rejects.toMatchObject(refusal)
  await expect(check(unchanged, { now: exp })).rejects.toMatchObject(refusal)
})
