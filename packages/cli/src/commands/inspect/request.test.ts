import { createDiscovery } from '@countersign/discovery'
import { describe, expect, test } from 'vitest'
import { holder, issuer, NOW, rawRequest, settings } from './inspect.test.fixture.js'
import { inspectRequest } from './request.js'
import { inspectToken } from './token.js'
import { agentToken, authToken, keys, published, verdictOf } from './tokens.test.fixture.js'

describe('a request', () => {
  test('that verifies', async () => {
    const { ok, lines } = await inspectRequest(await rawRequest(), {}, settings)
    expect(lines.join('\n')).toBe(`GET request to calendar.example over https (from Host; --authority names another)
signed with hwk (the key is in the request): Ed25519 key poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U

what the signature covers, as received:
  @method        GET
  @authority     calendar.example
  @path          /events
  signature-key  sig=hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
parameters: created=1750000000 nonce="bm9uY2Vub25jZQ"

verdict: the signature verifies`)
    expect(ok).toBe(true)
  })

  test('whose trailing slash a proxy removed', async () => {
    const bytes = await rawRequest({ url: 'https://calendar.example/events/', target: '/events' })
    const { ok, lines } = await inspectRequest(bytes, {}, settings)
    expect(lines.slice(3).join('\n')).toBe(`what the signature covers, as received:
  @method        GET
  @authority     calendar.example
  @path          /events  <- signed as /events/
  signature-key  sig=hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
parameters: created=1750000000 nonce="bm9uY2Vub25jZQ"

verdict: refused, 401 invalid_signature (signature_wrong): The signature does not verify under the key of Signature-Key.
  1. path_slash (@path): sign @path without a trailing slash, as it is sent
       received  /events
       signed    /events/`)
    expect(ok).toBe(false)
  })

  test('that is old is verified as of --now', async () => {
    const bytes = await rawRequest({ created: NOW - 7200 })
    const { ok, lines } = await inspectRequest(bytes, {}, settings)
    expect(
      lines.slice(-4).join('\n'),
    ).toBe(`verdict: refused, 401 invalid_signature (created_too_old): created is older than the verifier accepts. The signature itself is right.
  1. created_too_old (created): sign right before sending and set the clock of the signer: created is 2 h old
       received  1749992800
       expected  1749999940 to 1750000060`)
    expect(ok).toBe(false)
    expect((await inspectRequest(bytes, {}, { ...settings, now: NOW - 7200 })).ok).toBe(true)
  })

  test('whose file an editor ended with a line feed', async () => {
    const bytes = await rawRequest({ body: '{"a":1}', sentBody: '{"a":1}\n' })
    const { ok, lines } = await inspectRequest(bytes, {}, settings)
    expect(lines.slice(-4)).toEqual([
      '  1. digest_wrong (content-digest): digest exactly the bytes that are sent: the digest is that of the body without its last line feed',
      '       received  a body of 8 bytes whose sha-256 differs',
      '       expected  the body without its last line feed',
      'note: the body ends with a line feed; add Content-Length if the request had none there',
    ])
    expect(ok).toBe(false)
    expect((await inspectRequest(await rawRequest({ body: '{"a":1}' }), {}, settings)).ok).toBe(true)
  })

  test('is verified for another authority than that of Host', async () => {
    const bytes = await rawRequest({ host: 'inner.example:8080' })
    expect((await inspectRequest(bytes, {}, settings)).json['findings']).toEqual([
      expect.objectContaining({ reason: 'unexplained' }),
    ])
    expect((await inspectRequest(bytes, { authority: 'calendar.example' }, settings)).ok).toBe(true)
    const wrong = await inspectRequest(
      await rawRequest({ url: 'https://inner.example:8080/', host: 'inner.example:8080' }),
      { authority: 'calendar.example' },
      settings,
    )
    expect(wrong.json['findings']).toEqual([
      expect.objectContaining({ reason: 'authority_of_host', at: '@authority', expected: 'inner.example:8080' }),
    ])
  })

  test('with LF line ends, and for plain http on this machine', async () => {
    expect((await inspectRequest(await rawRequest({ lineEnd: '\n', body: '{"a":1}' }), {}, settings)).ok).toBe(true)
    const local = await rawRequest({ url: 'http://localhost:4130/feed' })
    const { lines } = await inspectRequest(local, {}, { ...settings, development: true })
    expect(lines[0]).toBe('GET request to localhost:4130 over http (from Host; --authority names another)')
  })

  test('is refused without any signature', async () => {
    const bytes = new TextEncoder().encode('GET /events HTTP/1.1\nHost: calendar.example\n')
    const { ok, lines } = await inspectRequest(bytes, {}, settings)
    expect(ok).toBe(false)
    expect(lines.slice(-2)).toEqual([
      'verdict: refused, 401 invalid_signature (signature_header_missing): One or two of Signature-Input, Signature and Signature-Key are missing.',
      '  1. signature_missing: sign the request: it has none of Signature-Input, Signature and Signature-Key',
    ])
  })

  test('signed by a published key', async () => {
    const signatureKey = { scheme: 'jwks_uri', id: 'https://agent.example', kid: 'k1', dwk: 'aauth-agent' } as const
    const bytes = await rawRequest({ key: issuer, signatureKey })
    const offline = await inspectRequest(bytes, {}, settings)
    expect([offline.ok, verdictOf(offline)]).toEqual([
      true,
      "verdict: well-formed; the signature was not checked (add --online, or --key with the agent's public keys)",
    ])
    const given = await inspectRequest(bytes, {}, { ...settings, keys: await keys() })
    expect([given.ok, verdictOf(given)]).toEqual([true, 'verdict: the signature verifies'])
    const another = await rawRequest({ key: holder, signatureKey })
    const wrong = await inspectRequest(another, {}, { ...settings, keys: await keys() })
    expect([wrong.ok, wrong.json['findings']]).toEqual([false, [expect.objectContaining({ reason: 'key_wrong' })]])
    const unknown = await rawRequest({ key: issuer, signatureKey: { ...signatureKey, kid: 'k9' } })
    const missing = await inspectRequest(unknown, {}, { ...settings, keys: await keys() })
    expect([missing.ok, verdictOf(missing)]).toEqual([
      false,
      'verdict: refused: the --key file has no key with this kid',
    ])
  })

  test('signed by the holder of a token', async () => {
    const bytes = await rawRequest({ signatureKey: { scheme: 'jwt', jwt: authToken } })
    const offline = await inspectRequest(bytes, {}, settings)
    expect([offline.ok, verdictOf(offline)]).toEqual([
      true,
      'verdict on the request: signed by the holder of the token; the token itself was not verified',
    ])
    const given = await inspectRequest(bytes, {}, { ...settings, keys: await keys() })
    expect([given.ok, verdictOf(given)]).toEqual([true, 'verdict on the request: the signature verifies'])
    expect(given.lines.join('\n') + JSON.stringify(given.json)).not.toContain(authToken.slice(0, 60))
    const elsewhere = await inspectRequest(bytes, { authority: 'other.example' }, settings)
    expect(elsewhere.lines).toContain(
      'verdict: wrong: The token is for another receiver. (invalid_auth_token, token_audience_wrong)',
    )
    const stolen = await rawRequest({ key: issuer, signatureKey: { scheme: 'jwt', jwt: authToken } })
    expect((await inspectRequest(stolen, {}, { ...settings, keys: await keys() })).ok).toBe(false)
  })

  test('with --online the keys of the named agent are fetched', async () => {
    const metadata = {
      issuer: 'https://agent.example',
      agent: 'https://agent.example',
      jwks_uri: 'https://agent.example/jwks',
    }
    const fetched: string[] = []
    const discovery = createDiscovery({
      // The keys of these tests are printed in specifications.
      development: true,
      now: () => NOW,
      fetcher: url => {
        fetched.push(url)
        const body = new TextEncoder().encode(JSON.stringify(url.endsWith('/jwks') ? published : metadata))
        return Promise.resolve({ status: 200, contentType: 'application/json', body })
      },
    })
    const signatureKey = { scheme: 'jwks_uri', id: 'https://agent.example', kid: 'k1', dwk: 'aauth-agent' } as const
    const report = await inspectRequest(await rawRequest({ key: issuer, signatureKey }), {}, { ...settings, discovery })
    expect([report.ok, verdictOf(report)]).toEqual([true, 'verdict: the signature verifies'])
    expect((await inspectToken(agentToken, { ...settings, discovery })).json['signature']).toBe('verified')
    expect(fetched).toEqual(['https://agent.example/.well-known/aauth-agent', 'https://agent.example/jwks'])
  })
})
