import { createPrivateKey, sign } from 'node:crypto'
import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ExplainOptions,
  explainSignature,
  generatePrivateJwk,
  HttpSigError,
  importVerifyKey,
  openSignature,
  type ReceivedMessage,
  type SignatureExplanation,
  verifySignature,
} from './index.js'
import {
  type Draft,
  digestOf,
  get,
  headerOf,
  inlineKey,
  NOW,
  options,
  post,
  send,
  withHeader,
  withLine,
} from './signed-message.test.fixture.js'

function explain(message: ReceivedMessage, change: Partial<ExplainOptions> = {}): Promise<SignatureExplanation> {
  return explainSignature({ ...options, message, ...change })
}

/** `cause @ where` of every finding. */
async function causesOf(message: ReceivedMessage, change: Partial<ExplainOptions> = {}): Promise<string[]> {
  const explanation = await explain(message, change)
  expect(explanation.tried).toBeLessThanOrEqual(100)
  return explanation.findings.map(({ cause, at }) => (at === undefined ? cause : `${cause} @ ${at}`))
}

/** A message whose signer had another value of one component than the one in the request. */
function signedAs(draft: Draft, identifier: string, value: string): ReceivedMessage {
  return send({ ...draft, values: { [`"${identifier}"`]: value } })
}

const withQuery = (query: string): Draft => ({
  ...get,
  target: `/events${query}`,
  components: [...get.components, '"@query"'],
})
const covering = (name: string, ...values: string[]): Draft => ({
  ...get,
  components: [...get.components, `"${name}"`],
  headers: [...get.headers, ...values.map(value => [name, value] as const)],
})

test('a message in order has no findings, and its base is shown', async () => {
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
  expect(await causesOf(send(post()))).toEqual([])
})

type Case = readonly [expected: string, message: ReceivedMessage, change?: Partial<ExplainOptions>]

describe('each usual mistake is named, alone', () => {
  const port = { ...get, authority: 'calendar.example' }
  const altered = (body: string, of = '{"title":"lunch"}'): ReceivedMessage => ({
    ...send(post(of)),
    body: new TextEncoder().encode(body),
  })
  const cases: ReadonlyArray<readonly [expected: string, message: ReceivedMessage, change?: Partial<ExplainOptions>]> =
    [
      ['authority-port @ @authority', signedAs(port, '@authority', 'calendar.example:443')],
      ['authority-port @ @authority', send({ ...get, headers: [] }), { authorities: ['calendar.example:8443'] }],
      [
        'authority-case @ @authority',
        signedAs({ ...get, headers: [['Host', 'Calendar.Example']] }, '@authority', 'Calendar.Example'),
      ],
      ['authority-case @ @authority', signedAs(get, '@authority', 'CALENDAR.EXAMPLE')],
      [
        'authority-host @ @authority',
        send({ ...get, authority: 'inner.example:8080', headers: [['Host', 'inner.example:8080']] }),
      ],
      [
        'authority-host @ @authority',
        send({ ...get, authority: 'inner.example', headers: [['Host', 'Inner.example:443']] }),
      ],
      [
        'authority-forwarded @ @authority',
        send({ ...get, authority: 'front.example', headers: [...get.headers, ['X-Forwarded-Host', 'front.example']] }),
      ],
      [
        'authority-forwarded @ @authority',
        send({
          ...get,
          authority: 'front.example',
          headers: [...get.headers, ['Forwarded', 'for=1.2.3.4;host=front.example']],
        }),
      ],
      ['authority-scheme @ @authority', signedAs(get, '@authority', 'https://calendar.example')],
      [
        'authority-other @ @authority',
        signedAs(get, '@authority', 'b.example'),
        { authorities: ['calendar.example', 'b.example'] },
      ],
      ['path-slash @ @path', signedAs(get, '@path', '/events/')],
      ['path-slash @ @path', signedAs({ ...get, target: '/events/' }, '@path', '/events')],
      ['path-decoded @ @path', signedAs({ ...get, target: '/my%20events' }, '@path', '/my events')],
      ['path-encoded @ @path', signedAs({ ...get, target: '/my%20events' }, '@path', '/my%2520events')],
      ['path-encoded @ @path', signedAs({ ...get, target: '/a%2Fb' }, '@path', '/a%2fb')],
      ['path-encoded @ @path', signedAs({ ...get, target: '/caf%c3%a9' }, '@path', '/caf%C3%A9')],
      ['path-with-query @ @path', signedAs(withQuery('?a=b'), '@path', '/events?a=b')],
      [
        'path-forwarded @ @path',
        signedAs({ ...get, headers: [...get.headers, ['X-Forwarded-Prefix', '/api']] }, '@path', '/api/events'),
      ],
      [
        'path-forwarded @ @path',
        signedAs({ ...get, headers: [...get.headers, ['X-Original-URL', '/v1/events?x']] }, '@path', '/v1/events'),
      ],
      ['query-mark @ @query', signedAs(withQuery('?a=b'), '@query', 'a=b')],
      ['query-empty @ @query', signedAs(withQuery('?a=b'), '@query', '?')],
      ['query-empty @ @query', signedAs(withQuery('?a=b'), '@query', '')],
      ['query-order @ @query', signedAs(withQuery('?b=2&a=1'), '@query', '?a=1&b=2')],
      ['query-space @ @query', signedAs(withQuery('?q=a+b'), '@query', '?q=a%20b')],
      ['query-space @ @query', signedAs(withQuery('?q=a%20b'), '@query', '?q=a+b')],
      ['query-decoded @ @query', signedAs(withQuery('?q=a%2Cb'), '@query', '?q=a,b')],
      ['query-encoded @ @query', signedAs(withQuery('?q=%C3%A9'), '@query', '?q=%25C3%25A9')],
      ['method @ @method', signedAs(get, '@method', 'get')],
      ['method @ @method', signedAs(get, '@method', 'HEAD')],
      ['method @ @method', signedAs(post(), '@method', 'GET')],
      ['scheme @ @scheme', signedAs({ ...get, components: [...get.components, '"@scheme"'] }, '@scheme', 'http')],
      [
        'path-slash @ @path',
        send({
          ...get,
          components: [...get.components, '"@target-uri"'],
          values: { '"@path"': '/events/', '"@target-uri"': 'https://calendar.example/events/' },
        }),
      ],
      ['content-type @ content-type', signedAs(post(), 'content-type', 'application/json; charset=utf-8')],
      [
        'content-type @ content-type',
        signedAs(
          {
            ...post(),
            headers: [
              ...post().headers.slice(0, 1),
              ['Content-Type', 'Application/JSON; charset=utf-8'],
              ...post().headers.slice(2),
            ],
          },
          'content-type',
          'Application/JSON',
        ),
      ],
      [
        'content-type @ content-type',
        signedAs(
          {
            ...post(),
            headers: [...post().headers.slice(0, 1), ['Content-Type', 'Application/JSON'], ...post().headers.slice(2)],
          },
          'content-type',
          'application/json',
        ),
      ],
      [
        'content-digest @ content-digest',
        signedAs(post('{}'), 'content-digest', `sha-512=:${digestOf('{}', 'sha512')}:`),
      ],
      ['header-case @ x-name', signedAs(covering('x-name', 'One'), 'x-name', 'one')],
      ['header-spacing @ x-name', signedAs(covering('x-name', 'a   b'), 'x-name', 'a b')],
      ['header-spacing @ x-name', signedAs(covering('x-name', 'a'), 'x-name', ' a')],
      ['header-lines @ x-name', signedAs(covering('x-name', 'a', 'b'), 'x-name', 'a,b')],
      ['header-lines @ x-name', signedAs(covering('x-name', 'a', 'b'), 'x-name', 'b')],
      [
        'old-signature-key @ signature-key',
        signedAs(
          get,
          'signature-key',
          `sig=(scheme=hwk alg="Ed25519" kty="OKP" crv="Ed25519" x="${inlineKey.slice(-44, -1)}")`,
        ),
      ],
      [
        'old-signature-key @ signature-key',
        signedAs(get, 'signature-key', `sig=(scheme=hwk kty="OKP" crv="Ed25519" x="${inlineKey.slice(-44, -1)}")`),
      ],
      ['signature-key-spelling @ signature-key', signedAs(get, 'signature-key', inlineKey)],
      [
        'signature-key-spelling @ signature-key',
        signedAs(get, 'signature-key', `sig=${inlineKey.replaceAll(';', '; ')}`),
      ],
      ...wrongParameters(),
      ['body-altered @ content-digest', altered('{"title":"dinner"}')],
      ['body-altered @ content-digest', altered('{"title":"lunch"}\n')],
      ['header-missing @ signature', withHeader(send(get), 'signature', undefined)],
      ['header-repeated @ signature', withLine(send(get), 'Signature', headerOf(send(get), 'signature'))],
      ['header-malformed @ signature-input', withHeader(send(get), 'signature-input', 'sig=("@method"')],
      ['header-malformed @ signature', withHeader(send(get), 'signature', 'sig=?1')],
      [
        'label-mismatch @ signature-input',
        withHeader(send(get), 'signature', headerOf(send(get), 'signature').replace('sig=', 'sig1=')),
      ],
      [
        'signature-encoding @ signature',
        withHeader(
          send(get),
          'signature',
          headerOf(send(get), 'signature').replaceAll('+', '-').replaceAll('/', '_').replace('==:', ':'),
        ),
      ],
      [
        'old-signature-key @ signature-key',
        send({ ...get, signatureKey: `(scheme=hwk kty="OKP" crv="Ed25519" x="${inlineKey.slice(-44, -1)}")` }),
      ],
      ['scheme-unknown @ signature-key', send({ ...get, signatureKey: 'x509;x5u="https://a.example"' })],
      ['key-refused @ signature-key', send({ ...get, signatureKey: 'hwk;kty="OKP";crv="Ed25519";x="AAAA"' })],
      ['target-refused @ @path', send({ ...get, target: '/a/../b' })],
      [
        'authority-not-served @ @authority',
        send({ ...get, headers: [['Host', 'c.example']] }),
        { authorities: ['calendar.example', 'b.example'] },
      ],
      ['component-not-covered @ @path', send({ ...get, components: ['"@method"', '"@authority"', '"signature-key"'] })],
      ['component-not-covered @ @query', send({ ...get, target: '/events?a=b' })],
      [
        'component-not-covered @ x-name',
        send({ ...get, headers: [...get.headers, ['X-Name', 'a']] }),
        { requiredComponents: ['x-name'] },
      ],
      ['component-missing @ x-name', withHeader(send(covering('x-name', 'a')), 'x-name', undefined)],
      ['query-covered @ @query', send({ ...get, components: [...get.components, '"@query"'] })],
      ['created-missing @ created', send({ ...get, parameters: ';nonce="abc"' })],
      ['clock @ created', send({ ...get, parameters: `;created=${NOW - 3600}` })],
      ['clock @ created', send({ ...get, parameters: `;created=${NOW + 61}` })],
      ['expired @ expires', send({ ...get, parameters: `;created=${NOW - 30};expires=${NOW - 1}` })],
      ['algorithm @ alg', send({ ...get, parameters: `;created=${NOW};alg="ecdsa-p256-sha256"` })],
      ['unsigned', { method: 'GET', target: '/events', headers: get.headers }],
    ]
  test.each(cases.map(one => ({ name: one[0], one })))(
    '$name ($#)',
    async ({ one: [expected, message, change = {}] }) => {
      expect(await causesOf(message, change)).toEqual([expected])
      const { verdict, findings } = await explain(message, change)
      expect(verdict).toBe('refused')
      expect(findings[0]?.change).toMatch(/^[\x20-\x7e]{10,260}$/)
    },
  )
})

function wrongParameters(): Case[] {
  const list = '("@method" "@authority" "@path" "signature-key")'
  const parameters = `;created=${NOW};nonce="abc"`
  const received = (signed: string): ReceivedMessage =>
    withHeader(send({ ...get, ...signedParameters(signed) }), 'signature-input', `sig=${list}${parameters}`)
  const at = ' @ @signature-params'
  return [
    [`parameters-order${at}`, received(`${list};nonce="abc";created=${NOW}`)],
    [`parameters-spelling${at}`, received(`${list};created="${NOW}";nonce="abc"`)],
    [`parameters-spelling${at}`, received(`${list};created=${NOW};nonce=abc`)],
    [`parameters-spelling${at}`, received(`${list}; created=${NOW}; nonce="abc"`)],
    [`parameters-added${at}`, received(`${list};created=${NOW}`)],
    [`created-changed${at}`, received(`${list};created=${NOW - 1};nonce="abc"`)],
  ]
}

/** A draft whose `@signature-params` is exactly this. */
function signedParameters(text: string): Pick<Draft, 'components' | 'parameters'> {
  const end = text.indexOf(')') + 1
  return { components: text.slice(1, end - 1).split(' '), parameters: text.slice(end) }
}

test('two mistakes at once are named together', async () => {
  const message = send({
    ...withQuery('?a=b'),
    values: { '"@authority"': 'calendar.example:443', '"@path"': '/events/' },
  })
  expect(await causesOf(message)).toEqual(['authority-port @ @authority', 'path-slash @ @path'])
  const late = send({ ...get, parameters: `;created=${NOW - 3600}`, values: { '"@path"': '/events/' } })
  expect(await causesOf(late)).toEqual(['clock @ created', 'path-slash @ @path'])
})

test('a lost body, an uncovered digest and a missing one are told apart', async () => {
  const { body: _, ...lost } = send(post())
  expect(await causesOf(lost)).toEqual(['body-missing @ content-digest'])
  const draft = post()
  const uncovered = send({ ...draft, components: draft.components.filter(name => name !== '"content-digest"') })
  expect(await causesOf(uncovered)).toEqual(['component-not-covered @ content-digest'])
  expect(await causesOf(withHeader(uncovered, 'content-digest', undefined))).toEqual([
    'component-not-covered @ content-digest',
    'digest-missing @ content-digest',
  ])
  expect(await causesOf(withHeader(uncovered, 'content-digest', 'sha-256=abc'))).toEqual([
    'component-not-covered @ content-digest',
    'digest-malformed @ content-digest',
  ])
})

test('what the digest is of is found out', async () => {
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

test('bases written in another way, and a repeated component', async () => {
  const privateKey = createPrivateKey({ format: 'jwk', key: { ...(await generatePrivateJwk()) } })
  const { x } = privateKey.export({ format: 'jwk' })
  const draft: Draft = { ...get, signatureKey: `hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="${x}"` }
  const { base = '' } = await explain(send(draft))
  const signed = (text: string): ReceivedMessage =>
    withHeader(send(draft), 'signature', `sig=:${sign(null, Buffer.from(text), privateKey).toString('base64')}:`)
  expect(await causesOf(signed(base))).toEqual([])
  for (const text of [
    base.replaceAll('\n', '\r\n'),
    `${base}\n`,
    base.replace(/\n"@signature-params.*/, ''),
    base.replace(/^"([a-z@-]+)":/gm, (whole, name) => (name === '@signature-params' ? whole : `${name}:`)),
  ])
    expect(await causesOf(signed(text)), text).toEqual(['base-spelling @ @signature-params'])
  const twice = send({ ...get, components: [...get.components, '"@path"'] })
  expect(await causesOf(twice)).toEqual(['component-repeated @ @path'])
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
  expect(await causesOf(signed('ieee-p1363'))).toEqual([])
  for (let i = 0; i < 20; i++) expect(await causesOf(signed('der'))).toEqual(['signature-der @ signature'])
})

test('a signature by another key of the signer names that key', async () => {
  const [mine, theirs] = await Promise.all([generatePrivateJwk(), generatePrivateJwk()])
  const [named, other] = await Promise.all([importVerifyKey(publicOf(mine)), importVerifyKey(publicOf(theirs))])
  const draft: Draft = { ...get, signatureKey: 'jwks_uri;id="https://agent.example";kid="k1";dwk="aauth-agent"' }
  const { base = '' } = await explain(send(draft))
  const signature = sign(null, Buffer.from(base), createPrivateKey({ format: 'jwk', key: { ...theirs } }))
  const message = withHeader(send(draft), 'signature', `sig=:${signature.toString('base64')}:`)
  const explanation = await explain(message, { key: named, otherKeys: [other] })
  expect(explanation.findings).toEqual([
    {
      cause: 'wrong-key',
      at: 'signature-key',
      change: 'name in Signature-Key the key that signs: the signature is by another one',
      received: `key ${named.thumbprint}`,
      expected: `key ${other.thumbprint}`,
    },
  ])
  expect(await causesOf(message, { key: other })).toEqual([])
  expect(await causesOf(message, { key: named })).toEqual(['unexplained @ signature'])
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

test('the cause of a refusal holds base, key and algorithm, and its message nothing of them', async () => {
  const opened = openSignature(signedAs(get, '@path', '/other'), options)
  const key = await importVerifyKey({ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: inlineKey.slice(-44, -1) })
  const error = await verifySignature(opened, key).catch((failure: unknown) => failure)
  expect(error).toMatchObject({
    message: 'the signature does not verify',
    cause: { base: opened.base, algorithm: 'Ed25519', thumbprint: key.thumbprint, signatureBytes: 64 },
  })
})

const anyHeader = fc.oneof(
  fc.constantFrom(
    'sig=',
    'sig=()',
    'sig=("@method");created=1',
    'sig=:AA==:',
    'sig=hwk',
    'sig=(scheme=hwk a',
    'sha-256=:AA==:',
  ),
  fc.string({ unit: 'binary', maxLength: 80 }),
)
const anyMessage: fc.Arbitrary<ReceivedMessage> = fc.record(
  {
    method: fc.oneof(fc.constantFrom('GET', 'POST', ''), fc.string()),
    target: fc.oneof(fc.webPath(), fc.constantFrom('/a?b=%zz', '/%ff?+', '*'), fc.string({ unit: 'binary' })),
    headers: fc.array(
      fc.tuple(
        fc.constantFrom('Signature', 'Signature-Input', 'Signature-Key', 'Content-Digest', 'Host', 'Forwarded', 'x'),
        anyHeader,
      ),
      { maxLength: 8 },
    ),
    body: fc.uint8Array({ maxLength: 40 }),
  },
  { requiredKeys: ['method', 'target', 'headers'] },
)

/** A signed message with any one or more of its parts replaced. */
const damaged: fc.Arbitrary<ReceivedMessage> = fc
  .tuple(
    fc.constantFrom(get, post(), withQuery('?a=b&c=d'), covering('x', 'a', 'b')),
    fc.record({ part: fc.nat(7), text: anyHeader, at: fc.nat(200) }),
  )
  .map(([draft, { part, text, at }]) => {
    const message = send(draft)
    if (part === 0) return { ...message, method: text }
    if (part === 1) return { ...message, target: `/${encodeURIComponent(text.replace(/[\ud800-\udfff]/g, ''))}` }
    if (part === 2) return { ...message, body: new TextEncoder().encode(text) }
    if (part === 3) return message
    const name = ['signature', 'signature-input', 'signature-key', 'content-digest'][part - 4] ?? ''
    const value = headerOf(message, name)
    return withHeader(message, name, value.slice(0, at) + text + value.slice(at + text.length))
  })

async function verdictOf(message: ReceivedMessage): Promise<string> {
  try {
    const opened = openSignature(message, options)
    if (opened.signatureKey.scheme !== 'hwk') return 'unchecked'
    await verifySignature(opened, await importVerifyKey(opened.signatureKey.jwk))
    return 'verified'
  } catch (error) {
    if (error instanceof HttpSigError) return 'refused'
    throw error
  }
}

test(verifies('SIG-18', 'it never throws, and says what the verifier says'), async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyMessage, damaged), async message => {
      const explanation = await explain(message)
      expect(explanation.verdict).toBe(await verdictOf(message))
      expect(explanation.findings.length === 0).toBe(explanation.verdict !== 'refused')
      expect(explanation.tried).toBeLessThanOrEqual(100)
    }),
    { numRuns: 300 },
  )
})
