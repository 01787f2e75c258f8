import { createPrivateKey, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { generatePrivateJwk, importVerifyKey, openSignature, type ReceivedMessage, verifySignature } from '../index.js'
import { type Draft, get, inlineKey, NOW, options, post, send, withHeader } from '../signed-message.test.fixture.js'
import { explain, reasonsOf, signedAs, withQuery } from './explain-signature.test.fixture.js'

test('a right message has no findings, and its base is shown', async () => {
  const explanation = await explain(send(get))
  expect(explanation).toEqual({
    verdict: 'verified',
    signature: 'right',
    findings: [],
    components: [
      { name: '@method', value: 'GET' },
      { name: '@authority', value: 'calendar.example' },
      { name: '@path', value: '/events' },
      { name: 'signature-key', value: `sig=${inlineKey}` },
    ],
    authority: 'calendar.example',
    base: `"@method": GET\n"@authority": calendar.example\n"@path": /events\n"signature-key": sig=${inlineKey}\n"@signature-params": ("@method" "@authority" "@path" "signature-key");created=${NOW}`,
    key: { algorithm: 'Ed25519', thumbprint: 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U' },
    tried: 1,
  })
  expect(await reasonsOf(send(post()))).toEqual([])
})

test('two mistakes in one message are both named', async () => {
  const message = send({
    ...withQuery('?a=b'),
    values: { '"@authority"': 'calendar.example:443', '"@path"': '/events/' },
  })
  expect(await reasonsOf(message)).toEqual(['authority_port @ @authority', 'path_slash @ @path'])
  const late = send({ ...get, parameters: `;created=${NOW - 3600}`, values: { '"@path"': '/events/' } })
  expect(await reasonsOf(late)).toEqual(['created_too_old @ created', 'path_slash @ @path'])
})

test('a lost body, an uncovered digest and a missing one are told apart', async () => {
  const { body: _, ...lost } = send(post())
  expect(await reasonsOf(lost)).toEqual(['body_missing @ content-digest'])
  const draft = post()
  const uncovered = send({ ...draft, components: draft.components.filter(name => name !== '"content-digest"') })
  expect(await reasonsOf(uncovered)).toEqual(['component_not_covered @ content-digest'])
  expect(await reasonsOf(withHeader(uncovered, 'content-digest', undefined))).toEqual([
    'component_not_covered @ content-digest',
    'digest_missing @ content-digest',
  ])
  expect(await reasonsOf(withHeader(uncovered, 'content-digest', 'sha-256=abc'))).toEqual([
    'component_not_covered @ content-digest',
    'digest_malformed @ content-digest',
  ])
})

test('the digested variant of the body is named', async () => {
  const expected = async (sent: string, digested: string): Promise<string | undefined> => {
    const message = { ...send(post(digested)), body: new TextEncoder().encode(sent) }
    return (await explain(message)).findings[0]?.expected
  }
  expect(await expected('{"a":1}', '{"a":1}\n')).toBe('the body with a line feed at its end')
  expect(await expected('{"a":1}\n', '{"a":1}')).toBe('the body without its last line feed')
  expect(await expected('a\nb', 'a\r\nb')).toBe('the body with CRLF line ends')
  expect(await expected('a\r\nb', 'a\nb')).toBe('the body with LF line ends')
  expect(await expected('{ "a": 1 }', '{"a":1}')).toBe('the same JSON written compactly')
  expect(await expected('abc', 'xyz')).toBe(undefined)
})

test('a base in another spelling and a repeated component are named', async () => {
  const privateKey = createPrivateKey({ format: 'jwk', key: { ...(await generatePrivateJwk()) } })
  const { x } = privateKey.export({ format: 'jwk' })
  const draft: Draft = { ...get, signatureKey: `hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="${x}"` }
  const { base = '' } = await explain(send(draft))
  const signed = (text: string): ReceivedMessage =>
    withHeader(send(draft), 'signature', `sig=:${sign(null, Buffer.from(text), privateKey).toString('base64')}:`)
  expect(await reasonsOf(signed(base))).toEqual([])
  for (const text of [
    base.replaceAll('\n', '\r\n'),
    `${base}\n`,
    base.replace(/\n"@signature-params.*/, ''),
    base.replace(/^"([a-z@-]+)":/gm, (whole, name) => (name === '@signature-params' ? whole : `${name}:`)),
  ])
    expect(await reasonsOf(signed(text)), text).toEqual(['base_spelling @ @signature-params'])
  const twice = send({ ...get, components: [...get.components, '"@path"'] })
  expect(await reasonsOf(twice)).toEqual(['component_repeated @ @path'])
})

test('an ECDSA signature in DER is recognised', async () => {
  const jwk = await generatePrivateJwk('ES256')
  const privateKey = createPrivateKey({ format: 'jwk', key: { ...jwk } })
  const { x, y } = privateKey.export({ format: 'jwk' })
  const draft: Draft = { ...get, signatureKey: `hwk;alg="ES256";kty="EC";crv="P-256";x="${x}";y="${y}"` }
  const { base = '' } = await explain(send(draft))
  const signed = (dsaEncoding: 'der' | 'ieee-p1363'): ReceivedMessage => {
    const signature = sign('sha256', Buffer.from(base), { key: privateKey, dsaEncoding }).toString('base64')
    return withHeader(send(draft), 'signature', `sig=:${signature}:`)
  }
  expect(await reasonsOf(signed('ieee-p1363'))).toEqual([])
  for (let i = 0; i < 20; i++) expect(await reasonsOf(signed('der'))).toEqual(['signature_in_der @ signature'])
})

test('a signature by another key of the signer is named with that key', async () => {
  const [mine, theirs] = await Promise.all([generatePrivateJwk(), generatePrivateJwk()])
  const [named, other] = await Promise.all([importVerifyKey(publicOf(mine)), importVerifyKey(publicOf(theirs))])
  const draft: Draft = { ...get, signatureKey: 'jwks_uri;id="https://agent.example";kid="k1";dwk="aauth-agent"' }
  const { base = '' } = await explain(send(draft))
  const signature = sign(null, Buffer.from(base), createPrivateKey({ format: 'jwk', key: { ...theirs } }))
  const message = withHeader(send(draft), 'signature', `sig=:${signature.toString('base64')}:`)
  const explanation = await explain(message, { key: named, otherKeys: [other] })
  expect(explanation.findings).toEqual([
    {
      reason: 'key_wrong',
      at: 'signature-key',
      change: 'name in Signature-Key the key that signs: the signature verifies with another key',
      received: `key ${named.thumbprint}`,
      expected: `key ${other.thumbprint}`,
    },
  ])
  expect(await reasonsOf(message, { key: other })).toEqual([])
  expect(await reasonsOf(message, { key: named })).toEqual(['unexplained @ signature'])
  expect((await explain(message)).verdict).toBe('unchecked')
})

function publicOf(jwk: Awaited<ReturnType<typeof generatePrivateJwk>>): Parameters<typeof importVerifyKey>[0] {
  const { d: _, ...publicJwk } = jwk
  return publicJwk
}

test('tokens, codes and credentials are shown nowhere', async () => {
  const token = `eyJhbGciOiJFZERTQSJ9.${'QUJD'.repeat(20)}.${'c2ln'.repeat(10)}`
  const message = send({
    ...get,
    target: `/callback?code=abcdef0123456789&access_token=${token}`,
    signatureKey: `jwt;jwt="${token}"`,
    components: [...get.components, '"@query"', '"authorization"', '"x-token"'],
    headers: [...get.headers, ['Authorization', 'Basic c2VjcmV0OnNlY3JldA=='], ['X-Token', token]],
    values: { '"@path"': '/other' },
  })
  const key = await importVerifyKey({ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: inlineKey.slice(-44, -1) })
  const explanation = await explain(message, { key })
  expect(explanation.verdict).toBe('refused')
  const shown = JSON.stringify(explanation)
  for (const secret of [token, 'abcdef0123456789', 'c2VjcmV0', 'QUJDQUJD']) expect(shown).not.toContain(secret)
  expect(explanation.components.find(({ name }) => name === 'signature-key')?.value).toBe(
    'sig=jwt;jwt="eyJhbGci…(142 characters)"',
  )
})

test('the cause of a refusal has base, key and algorithm, and its message has none of them', async () => {
  const opened = openSignature(signedAs(get, '@path', '/other'), options)
  const key = await importVerifyKey({ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: inlineKey.slice(-44, -1) })
  const error = await verifySignature(opened, key).catch((failure: unknown) => failure)
  for (const secret of [opened.base, key.thumbprint, 'Ed25519']) expect(String(error)).not.toContain(secret)
  expect(error).toMatchObject({
    reason: 'signature_wrong',
    cause: { base: opened.base, algorithm: 'Ed25519', thumbprint: key.thumbprint, signatureBytes: 64 },
  })
})
