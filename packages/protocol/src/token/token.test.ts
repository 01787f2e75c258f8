import { verifies } from '@countersign/requirements'
import { readVectors } from '@countersign/vectors'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { AAuthError, parseToken, type TokenType, verifyTokenSignature } from '../index.js'
import { good, type JoseIssuer, joseIssuer } from './jose-issuer.test.fixture.js'
import { bytes, type Change, changesOf, refusal, twice } from './token-changes.test.fixture.js'

let issuer: JoseIssuer
let other: JoseIssuer
const others = ['ES256', 'ES384', 'PS512'] as const
const byAlgorithm = new Map<string, JoseIssuer>()
beforeAll(async () => {
  issuer = await joseIssuer('Ed25519')
  other = await joseIssuer('Ed25519')
  for (const alg of others) byAlgorithm.set(alg, await joseIssuer(alg))
})

const all: readonly TokenType[] = ['agent+jwt', 'resource+jwt', 'auth+jwt']
const { unchanged, header, payload, without, text, signature } = changesOf(() => issuer)

async function read(token: string, typ: TokenType, key = issuer.key): Promise<unknown> {
  const parsed = parseToken(token, [typ])
  await verifyTokenSignature(parsed, key)
  return parsed.payload
}

const badAlgorithms = ['none', 'None', 'NONE', 'nOnE', '', ['Ed25519'], null, 1, 'RS256', 'PS256', 'ed25519', undefined]
const badKids = ['', 7, null, ['k1'], {}, 'k'.repeat(10_000), 'k'.repeat(257)]
const badTypes = ['JWT', 'application/agent+jwt', 'at+jwt', 'id+jwt', 'logout+jwt', '', null, 1, ['agent+jwt']]
const notObjects = [
  '[]',
  '"x"',
  '7',
  'null',
  'true',
  '',
  ' ',
  '{',
  '{}{}',
  '{"a":NaN}',
  '{/**/}',
  '{"a":1,}',
  "{'a':1}",
]
const badIssuers = [
  ['https://agent.example'],
  7,
  null,
  {},
  true,
  ...readVectors('identifiers', 'refuse').flatMap(({ input }) => (input.development ? [] : [input.value])),
]

type Case = readonly [title: string, change: Change]

const signatures: readonly Case[] = [
  [verifies('JWT-01', 'token.signature', 'signature all zero'), signature('A'.repeat(86))],
  [
    verifies('JWT-01', 'AGT-02', 'RST-01', 'AUT-01', 'signed by another key'),
    typ => other.issue({ typ, alg: 'Ed25519', kid: 'k1' }, good[typ]),
  ],
  [
    verifies('JWT-01', 'signature copied from another token'),
    async typ => signature((await payload({ jti: 'another' })(typ)).split('.')[2] ?? '')(typ),
  ],
  [
    verifies('JWT-01', 'payload changed after signing'),
    async typ => {
      const [first, , last] = (await unchanged(typ)).split('.')
      const [, changed] = (await payload({ jti: 'changed' })(typ)).split('.')
      return `${first}.${changed}.${last}`
    },
  ],
  [verifies('KEY-17', 'token.alg', 'alg of another kind of key'), header({ alg: 'ES256' })],
]

const headers: readonly Case[] = [
  ...badAlgorithms.map((alg): Case => [verifies('KEY-01', 'token.alg', `alg ${JSON.stringify(alg)}`), header({ alg })]),
  [verifies('KEY-01', 'no alg, no signature'), async typ => (await header({ alg: 'none' })(typ)).replace(/[^.]*$/, '')],
  ...['HS256', 'HS384', 'HS512'].map((alg): Case => [verifies('KEY-02', `alg ${alg}`), header({ alg })]),
  [verifies('KEY-19', 'token.kid', 'kid missing'), without('header', 'kid')],
  ...badKids.map((kid): Case => [verifies('KEY-20', `kid ${JSON.stringify(kid).slice(0, 12)}`), header({ kid })]),
  ...[['x'], [], 'x', ['alg'], null].map(
    (crit): Case => [verifies('JWT-02', 'token.crit', `crit ${JSON.stringify(crit)}`), header({ crit })],
  ),
  [verifies('JWT-03', 'b64 false'), header({ b64: false })],
  [verifies('JWT-03', 'b64 true'), header({ b64: true })],
  [verifies('JWT-03', 'b64 false with crit'), header({ b64: false, crit: ['b64'] })],
  ...badTypes.map((typ): Case => [verifies('JWT-16', 'AUT-12', `typ ${JSON.stringify(typ)}`), header({ typ })]),
  [verifies('JWT-16', 'token.typ', 'typ in capitals'), typ => header({ typ: typ.toUpperCase() })(typ)],
  [verifies('JWT-16', 'token.typ', 'typ with a parameter'), typ => header({ typ: `${typ}; v=1` })(typ)],
  [verifies('JWT-16', 'token.typ', 'typ behind a space'), typ => header({ typ: ` ${typ}` })(typ)],
  [verifies('JWT-16', 'token.typ', 'typ missing'), without('header', 'typ')],
]

const texts: readonly Case[] = [
  ...['"typ":"agent+jwt"', '"alg":"none"', '"kid":"k2"', '"x":1,"x":1', '"\\u0061lg":"Ed25519"'].map(
    (member): Case => [
      verifies('JWT-04', 'token.duplicates', `header with ${member} twice`),
      text(o => [twice(o.header, member), o.payload]),
    ],
  ),
  ...['"aud":"https://evil.example"', '"iss":"https://evil.example"', '"exp":1', '"cnf":{"jwk":1,"jwk":2}'].map(
    (member): Case => [
      verifies('JWT-04', 'token.duplicates', `payload with ${member} twice`),
      text(o => [o.header, twice(twice(o.payload, member), member)]),
    ],
  ),
  ...notObjects.flatMap((json): Case[] => [
    [verifies('JWT-06', 'token.shape', `payload ${json}`), text(o => [o.header, json])],
    [verifies('JWT-06', 'token.shape', `header ${json}`), text(o => [json, o.payload])],
  ]),
  [verifies('JWT-06', 'bytes after the payload'), text(o => [o.header, `${o.payload}x`])],
  [verifies('JWT-06', 'bytes after the header'), text(o => [`${o.header}\0`, o.payload])],
  [verifies('JWT-06', 'payload with a BOM'), text(o => [o.header, `\ufeff${o.payload}`])],
  [verifies('JWT-06', 'header with a BOM'), text(o => [`\ufeff${o.header}`, o.payload])],
  [verifies('JWT-06', 'a comment in the payload'), text(o => [o.header, `${o.payload}//`])],
  [verifies('JWT-06', 'a lone surrogate, escaped'), text(o => [o.header, twice(o.payload, '"n":"\\ud800"')])],
  [verifies('JWT-06', 'invalid UTF-8'), text(o => [o.header, bytes(o.payload, 0xff)])],
  [
    verifies('JWT-06', 'a surrogate in UTF-8'),
    text(o => [o.header, bytes(`${o.payload.slice(0, -1)},"n":"`, 0xed, 0xa0, 0x80, 0x22, 0x7d)]),
  ],
  [
    verifies('JWT-19', 'nested 1000 deep'),
    text(o => [o.header, twice(o.payload, `"n":${'['.repeat(1000)}${']'.repeat(1000)}`)]),
  ],
  ...badIssuers.map(
    (iss): Case => [verifies('JWT-08', 'JWT-09', 'token.issuer', `iss ${JSON.stringify(iss)}`), payload({ iss })],
  ),
  [verifies('JWT-08', 'iss missing'), without('payload', 'iss')],
]

const shapes: readonly Case[] = [
  [verifies('JWT-18', 'token.size', 'limits.before-parsing', '64 KiB'), payload({ filler: 'x'.repeat(65_536) })],
  [verifies('JWT-18', 'token.size', '6145 bytes'), async typ => (await unchanged(typ)).padEnd(6145, 'A')],
  [
    verifies('DOS-10', 'an aud of 1000 receivers'),
    payload({ aud: Array.from({ length: 1000 }, (_, n) => `https://r${n}.example`) }),
  ],
  [verifies('DOS-10', 'a scope of 64 KiB'), payload({ scope: 'a '.repeat(32_768) })],
  [verifies('DOS-10', 'an act of 64 KiB'), payload({ act: { iss: 'https://a.example', agent: 'x'.repeat(65_536) } })],
  [verifies('JWT-18', '5000 dots'), async () => '.'.repeat(5000)],
  [verifies('AUT-20', 'token.shape', 'five segments'), async typ => `${await unchanged(typ)}.a.a`],
  [verifies('token.shape', 'two segments'), async typ => (await unchanged(typ)).replace(/\.[^.]*$/, '')],
  [verifies('token.shape', 'padding'), async typ => `${await unchanged(typ)}==`],
  [verifies('token.shape', 'a space before'), async typ => ` ${await unchanged(typ)}`],
  [verifies('token.shape', 'a line break after'), async typ => `${await unchanged(typ)}\n`],
  [verifies('token.shape', 'a signature of 63 bytes'), signature('A'.repeat(84))],
  [verifies('token.shape', 'a signature in a second spelling'), signature(`${'A'.repeat(85)}B`)],
  [verifies('AUT-13', 'an opaque string'), async () => 'bm90IGEgdG9rZW4'],
]

const accepted: readonly Case[] = [
  [verifies('JWT-17', 'token.headers', 'zip, cty, enc'), header({ zip: 'DEF', cty: 'JWT', enc: 'A256GCM' })],
  [verifies('JWT-22', 'claims of other alphabets'), payload({ name: 'Zoë Ångström 李', nested: { a: [{}] } })],
  [verifies('JWT-22', 'white space'), text(o => [` ${o.header}\n`, o.payload.replaceAll(',', ' ,\r\n\t')])],
  [
    verifies('JWT-22', 'another order'),
    text(o => [o.header, JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(o.payload)).reverse()))]),
  ],
  [verifies('token.alg', 'EdDSA, read as Ed25519'), header({ alg: 'EdDSA' })],
  [verifies('token.kid', 'a kid of 256 characters'), header({ kid: 'k'.repeat(256) })],
  [verifies('KEY-20', 'a kid that is no path here'), header({ kid: '../../__proto__' })],
  [verifies('token.size', 'almost 6 KiB'), payload({ filler: 'x'.repeat(3900) })],
  [
    verifies('token.duplicates', 'a __proto__ member'),
    text(o => [o.header, twice(o.payload, '"__proto__":{"exp":1}')]),
  ],
]

describe.each(all)('%s', typ => {
  test('the unchanged token is accepted', async () => {
    expect(await read(await unchanged(typ), typ)).toEqual(good[typ])
  })

  const refused = [...signatures, ...headers, ...texts, ...shapes]
  test.each(refused)('refused: %s', async (_, change) => {
    await expect(read(await change(typ), typ)).rejects.toMatchObject(refusal[typ])
    await expect(read(await unchanged(typ), typ)).resolves.toEqual(good[typ])
  })

  test.each(accepted)('accepted: %s', async (_, change) => {
    expect(await read(await change(typ), typ)).toMatchObject(good[typ])
  })

  test(verifies('KEY-23', 'a key in the header is not used'), async () => {
    const attack = { jwk: other.jwk, jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x', x5c: ['AA=='] }
    const head = { typ, alg: 'Ed25519', kid: 'k1', ...attack }
    await expect(read(await other.issue(head, good[typ]), typ)).rejects.toMatchObject(refusal[typ])
    await expect(read(await issuer.issue(head, good[typ]), typ)).resolves.toEqual(good[typ])
  })

  test.each(others)(
    verifies('token.alg', 'sig.alg.optional', '%s is accepted, and not under a key of another kind or a wrong length'),
    async alg => {
      const issued = byAlgorithm.get(alg) ?? issuer
      const token = await issued.issue({ typ, alg, kid: 'k1' }, good[typ])
      expect(await read(token, typ, issued.key)).toEqual(good[typ])
      await expect(read(token, typ)).rejects.toMatchObject(refusal[typ])
      for (const wrong of [token.slice(0, -4), `${token}AAAA`, token.slice(0, token.lastIndexOf('.') + 1)])
        await expect(read(wrong, typ, issued.key)).rejects.toMatchObject(refusal[typ])
    },
  )

  test(verifies('error.description', 'refusals quote nothing of the token'), async () => {
    for (const [, change] of refused) {
      const token = await change(typ)
      const error = await read(token, typ).catch((thrown: unknown) => thrown)
      if (!(error instanceof AAuthError)) throw new Error('accepted')
      const said = `${error.message} ${String(error.cause)}`
      for (const part of token.split('.').filter(piece => piece.length > 8)) expect(said).not.toContain(part)
      expect(said).not.toContain('evil')
    }
  })
})

describe('the expected types', () => {
  test.each(all.flatMap(typ => all.filter(wrong => wrong !== typ).map(wrong => [typ, wrong] as const)))(
    verifies('AGT-07', 'RST-02', 'AUT-12', 'token.typ', '%s is not taken for %s'),
    async (typ, wrong) => {
      const token = await unchanged(typ)
      expect(() => parseToken(token, [wrong])).toThrow(expect.objectContaining(refusal[wrong]))
      expect(parseToken(token, [typ]).typ).toBe(typ)
    },
  )

  test("an error has the code of the token's type when it is expected, else of the first expected type", async () => {
    const expected: TokenType[] = ['agent+jwt', 'auth+jwt']
    const broken = await header({ alg: 'none' })('auth+jwt')
    expect(() => parseToken(broken, expected)).toThrow(expect.objectContaining({ code: 'invalid_auth_token' }))
    expect(() => parseToken('x', expected)).toThrow(expect.objectContaining({ code: 'invalid_agent_token' }))
    expect(parseToken(await unchanged('auth+jwt'), expected).typ).toBe('auth+jwt')
  })

  test(verifies('token.shape', 'a value that is not a string is refused like a malformed token'), () => {
    for (const value of ['null', '7', '{}', '["a.b.c"]'])
      expect(() => parseToken(JSON.parse(value), ['auth+jwt'])).toThrow(
        expect.objectContaining({ code: 'invalid_auth_token' }),
      )
  })

  test('an empty list of expected types is a TypeError', () => {
    expect(() => parseToken('x', [])).toThrow(TypeError)
  })
})

test(verifies('id.development.loopback', 'loopback http issuers only in development'), async () => {
  const token = await payload({ iss: 'http://localhost:4110' })('agent+jwt')
  expect(() => parseToken(token, ['agent+jwt'])).toThrow(expect.objectContaining({ code: 'invalid_agent_token' }))
  expect(parseToken(token, ['agent+jwt'], { development: true }).iss).toBe('http://localhost:4110')
})

test(verifies('JWT-06', 'arbitrary input throws only AAuthError'), async () => {
  const token = await unchanged('auth+jwt')
  const mutated = fc
    .tuple(fc.nat(token.length - 1), fc.string({ maxLength: 2 }))
    .map(([at, piece]) => token.slice(0, at) + piece + token.slice(at + 1))
  fc.assert(
    fc.property(fc.oneof(fc.string(), mutated), input => {
      try {
        parseToken(input, ['auth+jwt', 'agent+jwt'])
      } catch (error) {
        expect(error).toBeInstanceOf(AAuthError)
      }
    }),
    { numRuns: 500 },
  )
})

test(verifies('JWT-01', 'a token with any character changed is refused'), async () => {
  const token = await unchanged('resource+jwt')
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 1), fc.base64String({ minLength: 4, maxLength: 4 }), async (at, letters) => {
      const letter = [...letters].find(other => other !== token[at]) ?? '.'
      await expect(read(token.slice(0, at) + letter + token.slice(at + 1), 'resource+jwt')).rejects.toBeInstanceOf(
        AAuthError,
      )
    }),
    { numRuns: 200 },
  )
})
