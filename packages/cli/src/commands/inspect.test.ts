import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDiscovery } from '@countersign/discovery'
import { jwks, signToken } from '@countersign/protocol'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { UsageError } from '../configuration.js'
import { holder, issuer, NOW, rawRequest, settings } from './inspect.test.fixture.js'
import { inspectChallenge } from './inspect-challenge.js'
import { type GivenKeys, readKeys } from './inspect-keys.js'
import { parseRawRequest } from './inspect-raw-request.js'
import { inspectRequest } from './inspect-request.js'
import { inspectToken } from './inspect-token.js'

const folder = mkdtempSync(join(tmpdir(), 'countersign-inspect-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const published = jwks([
  { kid: 'k0', key: holder },
  { kid: 'k1', key: issuer },
])
const keys = (document: unknown = published): Promise<GivenKeys> => readKeys(file('keys.json', document))

const times = { iat: NOW, exp: NOW + 300 }
const agentToken = await signToken({
  typ: 'agent+jwt',
  key: issuer,
  kid: 'k1',
  claims: { iss: 'https://agent.example', sub: 'laptop', cnf: { jwk: holder.publicJwk }, jti: 'j1', ...times },
})
const resourceToken = await signToken({
  typ: 'resource+jwt',
  key: issuer,
  kid: 'k1',
  claims: {
    iss: 'https://calendar.example',
    aud: 'https://auth.example',
    agent: 'https://agent.example',
    agent_jkt: 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U',
    scope: 'events.read',
    jti: 'j2',
    ...times,
  },
})
const authToken = await signToken({
  typ: 'auth+jwt',
  key: issuer,
  kid: 'k1',
  claims: {
    iss: 'https://auth.example',
    aud: 'https://calendar.example',
    agent: 'https://agent.example',
    sub: 'ada',
    scope: 'events.read',
    cnf: { jwk: holder.publicJwk },
    jti: 'j3',
    ...times,
  },
})

const verdictOf = ({ lines }: { lines: readonly string[] }): string =>
  lines.filter(line => line.startsWith('verdict')).at(-1) ?? ''

describe('a request', () => {
  test('that verifies', async () => {
    const { ok, lines } = await inspectRequest(await rawRequest(), {}, settings)
    expect(lines.join('\n')).toBe(`GET request to calendar.example over https (from Host; --authority to name another)
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

  test('of which a proxy took the slash', async () => {
    const bytes = await rawRequest({ url: 'https://calendar.example/events/', target: '/events' })
    const { ok, lines } = await inspectRequest(bytes, {}, settings)
    expect(lines.slice(3).join('\n')).toBe(`what the signature covers, as received:
  @method        GET
  @authority     calendar.example
  @path          /events  <- signed as /events/
  signature-key  sig=hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
parameters: created=1750000000 nonce="bm9uY2Vub25jZQ"

verdict: refused, 401 invalid_signature: the signature does not verify
  1. path-slash (@path): sign @path without a trailing slash, as it is sent
       received  /events
       signed    /events/`)
    expect(ok).toBe(false)
  })

  test('that is old is judged as of --now', async () => {
    const bytes = await rawRequest({ created: NOW - 7200 })
    const { ok, lines } = await inspectRequest(bytes, {}, settings)
    expect(
      lines.slice(-4).join('\n'),
    ).toBe(`verdict: refused, 401 invalid_signature: created is too far from the time here; the signature itself is right
  1. clock (created): sign right before sending and set the clock of the signer: created is 2 h old
       received  1749992800
       expected  1749999940 to 1750000060`)
    expect(ok).toBe(false)
    expect((await inspectRequest(bytes, {}, { ...settings, now: NOW - 7200 })).ok).toBe(true)
  })

  test('whose file an editor ended with a line feed', async () => {
    const bytes = await rawRequest({ body: '{"a":1}', sentBody: '{"a":1}\n' })
    const { ok, lines } = await inspectRequest(bytes, {}, settings)
    expect(lines.slice(-4)).toEqual([
      '  1. body-altered (content-digest): digest exactly the bytes that are sent: the digest is that of the body without its last line feed',
      '       received  a body of 8 bytes whose sha-256 differs',
      '       expected  the body without its last line feed',
      'note: the body ends with a line feed; add Content-Length if it was not sent',
    ])
    expect(ok).toBe(false)
    expect((await inspectRequest(await rawRequest({ body: '{"a":1}' }), {}, settings)).ok).toBe(true)
  })

  test('for another authority than Host says', async () => {
    const bytes = await rawRequest({ host: 'inner.example:8080' })
    expect((await inspectRequest(bytes, {}, settings)).json['findings']).toEqual([
      expect.objectContaining({ cause: 'unexplained' }),
    ])
    expect((await inspectRequest(bytes, { authority: 'calendar.example' }, settings)).ok).toBe(true)
    const wrong = await inspectRequest(
      await rawRequest({ url: 'https://inner.example:8080/', host: 'inner.example:8080' }),
      { authority: 'calendar.example' },
      settings,
    )
    expect(wrong.json['findings']).toEqual([
      expect.objectContaining({ cause: 'authority-host', at: '@authority', expected: 'inner.example:8080' }),
    ])
  })

  test('with LF line ends, and of plain http on the own machine', async () => {
    expect((await inspectRequest(await rawRequest({ lineEnd: '\n', body: '{"a":1}' }), {}, settings)).ok).toBe(true)
    const local = await rawRequest({ url: 'http://localhost:4130/feed' })
    const { lines } = await inspectRequest(local, {}, { ...settings, development: true })
    expect(lines[0]).toBe('GET request to localhost:4130 over http (from Host; --authority to name another)')
  })

  test('without any signature', async () => {
    const bytes = new TextEncoder().encode('GET /events HTTP/1.1\nHost: calendar.example\n')
    const { ok, lines } = await inspectRequest(bytes, {}, settings)
    expect(ok).toBe(false)
    expect(lines.slice(-2)).toEqual([
      'verdict: refused, 401 invalid_signature: one of Signature-Input, Signature, Signature-Key is missing',
      '  1. unsigned: sign the request: it has none of Signature-Input, Signature and Signature-Key',
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
    expect([wrong.ok, wrong.json['findings']]).toEqual([false, [expect.objectContaining({ cause: 'wrong-key' })]])
    const unknown = await rawRequest({ key: issuer, signatureKey: { ...signatureKey, kid: 'k9' } })
    const missing = await inspectRequest(unknown, {}, { ...settings, keys: await keys() })
    expect([missing.ok, verdictOf(missing)]).toEqual([
      false,
      'verdict: refused: the --key file holds no key with this kid',
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
    expect(elsewhere.lines).toContain('verdict: wrong: aud must be exactly this receiver (invalid_auth_token)')
    const stolen = await rawRequest({ key: issuer, signatureKey: { scheme: 'jwt', jwt: authToken } })
    expect((await inspectRequest(stolen, {}, { ...settings, keys: await keys() })).ok).toBe(false)
  })

  test('with --online the keys are fetched from whom the request names', async () => {
    const metadata = {
      issuer: 'https://agent.example',
      agent: 'https://agent.example',
      jwks_uri: 'https://agent.example/jwks',
    }
    const fetched: string[] = []
    const discovery = createDiscovery({
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

describe('a token', () => {
  test('of each type is decoded, and verified when there is a key', async () => {
    const { lines } = await inspectToken(agentToken, settings)
    expect(lines.join('\n')).toBe(`agent token, ${agentToken.length} bytes (typ agent+jwt, alg Ed25519, kid k1)
  iss  https://agent.example                                    issued by the agent (its agent server)
  sub  laptop                                                   the delegate
  cnf  Ed25519 key poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U  its holder must sign with this key
  jti  j1                                                       its own id
  iat  2025-06-15T15:06:40Z (in 0 s)
  exp  2025-06-15T15:11:40Z (in 5 min)
verdict: in order; signature not verified (add --online, or --key with the issuer's public keys)`)
    for (const token of [agentToken, authToken, resourceToken]) {
      expect((await inspectToken(token, settings)).json).toMatchObject({ ok: true, signature: 'not verified' })
      const verified = await inspectToken(token, { ...settings, keys: await keys() })
      expect(verdictOf(verified)).toBe('verdict: in order; signature verified')
      expect(verified.lines.join('\n') + JSON.stringify(verified.json)).not.toContain(token.slice(0, 60))
    }
  })

  test('that is wrong says how', async () => {
    const wrong = async (token: string, change: Partial<typeof settings> = {}): Promise<string> => {
      const report = await inspectToken(token, { ...settings, ...change })
      expect(report.ok).toBe(false)
      return verdictOf(report)
    }
    expect(await wrong(authToken, { now: NOW + 301 })).toBe(
      'verdict: wrong: the token has expired (exp) (invalid_auth_token)',
    )
    expect(await wrong(`${authToken.slice(0, -4)}AAAA`, { keys: await keys() })).toBe(
      'verdict: wrong: the token signature does not verify (invalid_auth_token)',
    )
    expect(await wrong(authToken, { keys: await keys(jwks([{ kid: 'other', key: issuer }])) })).toBe(
      'verdict: wrong: the --key file holds no key with the kid of this token (discovery_failed)',
    )
    expect(await wrong('a.b')).toBe('verdict: wrong: the token must have three segments (invalid_agent_token)')
    const local = await signToken({
      typ: 'agent+jwt',
      key: issuer,
      kid: 'k1',
      claims: { iss: 'http://localhost:4110', sub: 'x', cnf: { jwk: holder.publicJwk }, jti: 'j', ...times },
    })
    expect(await wrong(local)).toBe(
      'verdict: wrong: iss must be an identifier (invalid_agent_token) (add --development for http on this machine)',
    )
    expect((await inspectToken(local, { ...settings, development: true })).ok).toBe(true)
  })

  test('cannot move the cursor of a terminal', async () => {
    const { lines } = await inspectToken(
      [{ typ: '\u001b[2J' }, { iss: '\u001b[31m\u202e' }, {}]
        .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.'),
      settings,
    )
    expect(lines[1]).toBe('  iss  \\u001b[31m\\u202e')
    expect(lines.join('')).not.toMatch(/[\p{Cc}\u202e]/u)
  })
})

describe('a challenge', () => {
  test('says what to do next', async () => {
    const demand = async (value: string): Promise<unknown> => (await inspectChallenge(value, settings)).lines[1]
    expect(await demand('httpsig')).toBe('  asks you to  sign the request, with a key of any kind')
    expect(await demand('httpsig; identity=?1')).toBe(
      '  asks you to  say who you are: sign with jwks_uri or an agent token',
    )
    const interaction = await inspectChallenge(
      'httpsig; user_interaction="https://calendar.example/interact/s3cret"',
      settings,
    )
    expect(interaction.lines.slice(1)).toEqual([
      '  asks you to  send your user to the page named, then repeat the request',
      '  page         https://calendar.example/…',
      'verdict: well-formed',
    ])
    expect(JSON.stringify(interaction.json)).not.toContain('s3cret')
    const malformed = await inspectChallenge('httpsig; identity=1', settings)
    expect([malformed.ok, verdictOf(malformed)]).toEqual([
      false,
      'verdict: malformed: Agent-Auth: identity and auth-token must be Booleans',
    ])
  })

  test('is inspected with its resource token', async () => {
    const value = (authServer: string): string =>
      `httpsig; auth-token; resource_token="${resourceToken}"; auth_server="${authServer}"`
    const right = await inspectChallenge(value('https://auth.example'), { ...settings, keys: await keys() })
    expect(right.json).toMatchObject({ ok: true, auth_token: true, resource_token: { signature: 'verified' } })
    const wrong = await inspectChallenge(value('https://evil.example'), settings)
    expect([wrong.ok, verdictOf(wrong)]).toEqual([
      false,
      'verdict on the challenge: wrong: auth_server is not the aud of the resource token',
    ])
    expect((await inspectChallenge(value('https://auth.example'), { ...settings, now: NOW + 600 })).ok).toBe(false)
  })
})

describe('what cannot be inspected is a usage error that says what is wrong', () => {
  const parse = (text: string): unknown => parseRawRequest(new TextEncoder().encode(text))

  test('a request', () => {
    expect(() => parse('hello')).toThrow('the first line must be a request line such as "GET /events HTTP/1.1"')
    expect(() => parse('GET / HTTP/1.1\nHost a')).toThrow('line 2 is no header line')
    expect(() => parse('GET / HTTP/1.1\nTransfer-Encoding: chunked\n\n')).toThrow('take Transfer-Encoding off')
    expect(parse('GET / HTTP/1.1\nHost: a\nContent-Length: 2\n\nabc')).toEqual({
      message: {
        method: 'GET',
        target: '/',
        headers: [
          ['Host', 'a'],
          ['Content-Length', '2'],
        ],
        body: new TextEncoder().encode('ab'),
      },
      notes: ['only the 2 bytes of Content-Length are the body; 1 more follow'],
    })
  })

  test('a --key file', async () => {
    await expect(readKeys(join(folder, 'none'))).rejects.toThrow(UsageError)
    await expect(keys({ ...holder.publicJwk, d: 'AA' })).rejects.toThrow('a public key must not hold private members')
    await expect(keys({ keys: [] })).rejects.toThrow('holds no key')
    expect((await keys(holder.publicJwk)).find('any')?.thumbprint).toBe('poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U')
  })
})

test('whatever a file holds, inspecting it ends in a report or a usage error', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary' }).map(rest => `GET / HTTP/1.1\nHost: a\n${rest}`),
    fc
      .string()
      .map(rest => `GET / HTTP/1.1\nHost: a\nSignature: sig=:AA==:\nSignature-Key: ${rest.replace(/[\r\n]/g, '')}\n`),
  )
  await fc.assert(
    fc.asyncProperty(text, async content => {
      const bytes = new TextEncoder().encode(content)
      const report = await inspectRequest(bytes, {}, settings).catch((error: unknown) => error)
      if (!(report instanceof UsageError)) expect(report).toMatchObject({ ok: expect.any(Boolean) })
      expect((await inspectToken(content, settings)).ok).toBe(false)
      await inspectChallenge(content, settings)
    }),
    { numRuns: 200 },
  )
})
