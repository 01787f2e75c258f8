import { expect, test } from 'vitest'
import { aauthProfile } from './component/component-profile.js'
import { signatureBase } from './component/signature-base.js'
import { parseSignatureInput } from './component/signature-input.js'
import { importSigningKey, importVerifyKey } from './index.js'
import { ed25519, p256 } from './rfc9421-keys.test.fixture.js'
import { parseSignatureValue } from './signature/signature-value.js'

// RFC 9421 appendix B: keys of B.1.3 and B.1.4, the test request of B.2, the examples B.2.4 and B.2.6.

const fields: Readonly<Record<string, string>> = {
  host: 'example.com',
  date: 'Tue, 20 Apr 2021 02:07:55 GMT',
  'content-type': 'application/json',
  'content-digest':
    'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
  'content-length': '18',
}
const request = {
  method: 'POST',
  target: '/foo?param=Value&Pet=dog',
  scheme: 'https',
  authority: 'example.com',
  lines: (name: string): string[] => (fields[name] === undefined ? [] : [fields[name]]),
} as const

const b26Input =
  'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"'
const b26Signature =
  'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:'
const b26Base = `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`

test('B.2.6: the base, its signature, and signing it again', async () => {
  const input = parseSignatureInput(b26Input, 'sig-b26')
  const base = signatureBase(input, request, aauthProfile)
  expect(base).toBe(b26Base)
  const { signature } = parseSignatureValue(b26Signature, 'sig-b26')
  const bytes = new TextEncoder().encode(base)
  const { d: _, ...publicJwk } = ed25519
  expect(await (await importVerifyKey(publicJwk)).verify(bytes, signature)).toBe(true)
  expect(Uint8Array.from(await (await importSigningKey(ed25519)).sign(bytes))).toEqual(signature)
})

test('B.2.4: an ecdsa-p256-sha256 signature verifies', async () => {
  const base = `"@status": 200
"content-type": application/json
"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:
"content-length": 23
"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"`
  const { signature } = parseSignatureValue(
    'sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:',
    'sig-b24',
  )
  const key = await importVerifyKey(p256)
  expect(await key.verify(new TextEncoder().encode(base), signature)).toBe(true)
  expect(await key.verify(new TextEncoder().encode(`${base} `), signature)).toBe(false)
})

// RFC 9421 §2.2.8.
test.each([
  [
    '/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something',
    'var',
    'this%20is%20a%20big%0Amultiline%20value',
  ],
  [
    '/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something',
    'bar',
    'with%20plus%20whitespace',
  ],
  [
    '/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something',
    'fa%C3%A7ade%22%3A%20',
    'something',
  ],
  ['/path?param=value&foo=bar&baz=batman&qux=', 'qux', ''],
])('@query-param of %s named %s', (target, name, value) => {
  const input = parseSignatureInput(`sig=("@query-param";name="${name}");created=1`, 'sig')
  expect(signatureBase(input, { ...request, target }, aauthProfile)).toContain(
    `"@query-param";name="${name}": ${value}\n`,
  )
})

test('@query-param that is missing, repeated or not UTF-8 is refused', () => {
  const input = parseSignatureInput('sig=("@query-param";name="a");created=1', 'sig')
  for (const target of ['/', '/?b=1', '/?a=1&a=2', '/?a=%ff'])
    expect(() => signatureBase(input, { ...request, target }, aauthProfile), target).toThrow()
  expect(() => signatureBase(input, { ...request, target: '/?a=1' }, aauthProfile)).not.toThrow()
})

// RFC 9421 §2.1.1, §2.1.2, §2.1.3.
test('fields with sf, key and bs', () => {
  const dictionary = { ...request, lines: () => ['  a=1,    b=2;x=1;y=2,   c=(a   b   c)'.trim()] }
  const base = (identifier: string, context: typeof dictionary): string => {
    const input = parseSignatureInput(`sig=(${identifier});created=1`, 'sig')
    return signatureBase(input, context, aauthProfile).split('\n')[0] ?? ''
  }
  expect(base('"priority";sf', dictionary)).toBe('"priority";sf: a=1, b=2;x=1;y=2, c=(a b c)')
  expect(base('"example-dict";key="a"', dictionary)).toBe('"example-dict";key="a": 1')
  expect(base('"example-dict";key="b"', dictionary)).toBe('"example-dict";key="b": 2;x=1;y=2')
  expect(base('"example-dict";key="c"', dictionary)).toBe('"example-dict";key="c": (a b c)')
  expect(base('"example-header";bs', { ...request, lines: () => ['value, with, lots', 'of, commas'] })).toBe(
    '"example-header";bs: :dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:',
  )
  for (const value of ['a=1, a=2', 'a=1.0', '"', ''])
    expect(() => base('"priority";sf', { ...request, lines: () => [value] }), value).toThrow()
})
