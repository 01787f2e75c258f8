import { numRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HttpSigError, parseSignatureKey, type SignatureKey, serializeSignatureKey } from '../index.js'
import { p256 } from '../rfc9421-keys.test.fixture.js'
import { get, inlineKey, privateMembers, refused, send, verdict } from '../signed-message.test.fixture.js'
import { parseSignatureKeyFully } from './signature-key.js'

const { x } = privateMembers
const jwksUri = 'jwks_uri;id="https://agent.example";kid="k1";dwk="aauth-agent"'
function refusal(value: string): string {
  try {
    parseSignatureKey(value)
    return 'accepted'
  } catch (error) {
    if (error instanceof HttpSigError) return `${error.status} ${error.code}`
    throw error
  }
}

test('reads and writes each scheme', () => {
  const keys: Array<[string, SignatureKey]> = [
    [inlineKey, { scheme: 'hwk', jwk: { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x } }],
    [`hwk;alg="ES256";kty="EC";crv="P-256";x="${p256.x}";y="${p256.y}"`, { scheme: 'hwk', jwk: p256 }],
    [jwksUri, { scheme: 'jwks_uri', id: 'https://agent.example', kid: 'k1', dwk: 'aauth-agent' }],
    ['jwt;jwt="eyJ.e30.c2ln"', { scheme: 'jwt', jwt: 'eyJ.e30.c2ln' }],
  ]
  for (const [text, key] of keys) {
    expect(parseSignatureKey(`sig=${text}`)).toEqual({ label: 'sig', key })
    expect(serializeSignatureKey('sig', key)).toBe(`sig=${text}`)
  }
})

test(verifies('sig.key.hwk', 'KEY-26', 'an inline key may leave out alg, and no other member'), () => {
  for (const text of [
    `hwk;kty="OKP";crv="Ed25519";x="${x}"`,
    `hwk;x="${x}";crv="Ed25519";alg="EdDSA";kty="OKP";kid="k";unknown=1`,
  ])
    expect(parseSignatureKey(`sig=${text}`).key).toEqual({
      scheme: 'hwk',
      jwk: { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x },
    })
  for (const text of [
    `hwk;kty="OKP";crv="Ed25519"`,
    `hwk;kty="OKP";x="${x}"`,
    `hwk;crv="Ed25519";x="${x}"`,
    'hwk',
    `hwk;alg="ES256";kty="OKP";crv="Ed25519";x="${x}"`,
    `hwk;alg="ed25519";kty="OKP";crv="Ed25519";x="${x}"`,
    `hwk;kty="EC";crv="P-256";x="${p256.x}"`,
  ])
    expect(refusal(`sig=${text}`), text).toBe('401 unsupported_algorithm')
})

test(
  verifies('sig.key.hwk.members', 'sig.key.parameters', '`use` is sig, and what the scheme does not name is ignored'),
  () => {
    const key = { scheme: 'hwk', jwk: { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x } }
    const ignored = [
      'key_ops="sign"',
      'key_ops=verify',
      'key_ops',
      'kid=1',
      'jwt=:AA==:',
      'id="a"',
      'dwk=?0',
      'other=1.5',
    ]
    for (const more of ['use="sig"', ...ignored])
      expect(parseSignatureKey(`sig=${inlineKey};${more}`).key, more).toEqual(key)
    expect(refusal(`sig=${inlineKey};use="enc"`)).toBe('401 unsupported_algorithm')
    for (const more of ['use=sig', 'use', 'n=1', 'y=?1', 'e=:AA==:'])
      expect(refusal(`sig=${inlineKey};${more}`), more).toBe(refused)
    const jwt = parseSignatureKey('sig=jwt;jwt="a.b.c";kid=1;d="AA";alg=none;x').key
    expect(jwt).toEqual({ scheme: 'jwt', jwt: 'a.b.c' })
  },
)

test(verifies('KEY-14', 'sig.key.no-private', 'a private member of any type is refused'), async () => {
  expect(await verdict(send(get))).toBe('accepted')
  for (const member of ['d="AA"', 'd', 'p="AA"', 'q=1', 'dp="AA"', 'dq="AA"', 'qi="AA"', 'oth="x"', 'k="AA"']) {
    expect(await verdict(send({ ...get, signatureKey: `${inlineKey};${member}` })), member).toBe(
      '401 unsupported_algorithm',
    )
  }
  expect(() => parseSignatureKey(`sig=${inlineKey};d="c2VjcmV0"`)).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('c2VjcmV0') }),
  )
})

test(verifies('SCH-01', 'SCH-13', 'sig.key.scheme', 'an unknown scheme is refused, never read as another'), () => {
  expect(refusal(`sig=${inlineKey}`)).toBe('accepted')
  for (const scheme of ['foo', 'HWK', 'jwk', 'x509', 'JWT', 'jwks', 'jwks-uri', '*'])
    expect(refusal(`sig=${scheme}${inlineKey.slice(3)}`), scheme).toBe('401 unsupported_scheme')
  for (const scheme of ['', '"hwk"', ':aHdr:', '1', '?1'])
    expect(refusal(`sig=${scheme}${inlineKey.slice(3)}`), scheme).toBe(refused)
})

test(verifies('SIG-13', 'sig.key.legacy', 'the parenthesised spelling is refused and the right one named'), () => {
  for (const text of [
    `(scheme=hwk kty="OKP" crv="Ed25519" x="${x}")`,
    '(scheme=hwk scheme=jwt)',
    '(kty="OKP" scheme=hwk)',
    '(jwt="x")',
    '(scheme=hwk\tkty="OKP")',
    '(scheme=hwk)x',
    '(scheme=hwk',
    ' (scheme=hwk)',
    '("hwk")',
  ]) {
    expect(refusal(`sig=${text}`), text).toBe('401 unsupported_scheme')
    expect(() => parseSignatureKey(`sig=${text}`)).toThrow('sig=jwt;jwt="…"')
  }
})

test(verifies('SIG-14', 'sig.key.parameters', 'characters inside a String do not end it'), () => {
  for (const [written, kid] of [
    ['a) b', 'a) b'],
    ['a\\"b', 'a"b'],
    ['x;jwt=y', 'x;jwt=y'],
    ['a,b=c', 'a,b=c'],
    ['a\\\\', 'a\\'],
    [';kid=z', ';kid=z'],
  ])
    expect(
      parseSignatureKey(`sig=jwks_uri;id="https://agent.example";kid="${written}";dwk="aauth-agent"`).key,
    ).toMatchObject({ kid })
})

test(
  verifies('SIG-15', 'SCH-02', 'sig.key.jwks-uri', 'a parameter that is missing, empty or no String is refused'),
  () => {
    expect(refusal(`sig=${jwksUri}`)).toBe('accepted')
    for (const text of [
      jwksUri.replace('"k1"', 'k1'),
      jwksUri.replace('"k1"', '1'),
      jwksUri.replace('"k1"', ':AA==:'),
      jwksUri.replace('="k1"', ''),
      jwksUri.replace('"k1"', '""'),
      jwksUri.replace(';kid="k1"', ''),
      jwksUri.replace(';dwk="aauth-agent"', ''),
      jwksUri.replace('id="https://agent.example"', 'id'),
      'jwks_uri',
      'jwt',
      'jwt;jwt=abc',
      'jwt;jwt=""',
      inlineKey.replace(`"${x}"`, `:${btoa(x)}:`),
      inlineKey.replace('"OKP"', 'OKP'),
    ])
      expect(refusal(`sig=${text}`), text).toBe(refused)
  },
)

test(verifies('DOS-01', 'limits.signature-key', 'a header over 7 KiB answers 431 before it is parsed'), async () => {
  const longest = `jwt;jwt="${'a'.repeat(7168 - 'sig=jwt;jwt=""'.length)}"`
  expect(refusal(`sig=${longest}`)).toBe('accepted')
  expect(refusal(`sig=${longest} `)).toBe('431 invalid_request')
  expect(await verdict(send({ ...get, signatureKey: longest }))).toBe('accepted')
  expect(await verdict(send({ ...get, signatureKey: `jwt;jwt="${'('.repeat(65_536)}"` }))).toBe('431 invalid_request')
})

test('a value that cannot be written is a TypeError', () => {
  expect(() => serializeSignatureKey('Sig', { scheme: 'jwt', jwt: 'a' })).toThrow(TypeError)
  expect(() => serializeSignatureKey('sig', { scheme: 'jwt', jwt: 'é' })).toThrow(TypeError)
  expect(() => serializeSignatureKey('sig', { scheme: 'jwt', jwt: 'a\nb' })).toThrow(TypeError)
})

const printable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map(code => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 40,
})

test('reading returns what was written', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,20}$/),
      printable,
      printable,
      printable,
      (label, id, kid, dwk) => {
        for (const key of [
          { scheme: 'jwks_uri', id, kid, dwk },
          { scheme: 'jwt', jwt: kid },
        ] as const)
          expect(parseSignatureKey(serializeSignatureKey(label, key))).toEqual({ label, key })
      },
    ),
    { numRuns },
  )
})

/** A result or a refusal, as data. */
function outcome(parse: (value: string) => unknown, value: string): unknown {
  try {
    return parse(value)
  } catch (error) {
    if (!(error instanceof HttpSigError)) throw error
    return `${error.status} ${error.code} ${error.message}`
  }
}

test('a plain token, and all mutations of it, is read exactly as by the full parser', () => {
  const seeds = [`sig=${inlineKey}`, `sig=${jwksUri}`, 'sig=jwt;jwt="eyJ.e30.c2ln"', 'sig=jwt;jwt=""', '*a=jwt;jwt="a"']
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.nat(),
      fc.constantFrom('', '"', ';', ',', '=', ' ', '\\', '(', ':', 'A', '\t', 'é', ';x="y"'),
      fc.boolean(),
      (seed, at, text, replace) => {
        const where = at % (seed.length + 1)
        const value = seed.slice(0, where) + text + seed.slice(where + (replace ? 1 : 0))
        expect(outcome(parseSignatureKey, value)).toEqual(outcome(parseSignatureKeyFully, value))
      },
    ),
    { numRuns },
  )
})
