import { constants, createPrivateKey, createPublicKey, type JsonWebKey, sign } from 'node:crypto'
import { verifies } from '@countersign/requirements'
import {
  type Algorithm,
  createSigner,
  createVerifier,
  httpbis,
  type SigningKey as TheirKey,
} from 'http-message-signatures'
import { expect, test } from 'vitest'
import { signatureHeaders, verify as verifyBot } from 'web-bot-auth'
import { signerFromJWK, verifierFromJWK } from 'web-bot-auth/crypto'
import {
  fetchRequestMessage,
  generatePrivateJwk,
  type HeaderLines,
  type HttpRequestMessage,
  type HttpResponseMessage,
  importSigningKey,
  importVerifyKey,
  signMessage,
  verifyMessage,
} from './index.js'
import { ed25519, p256, testRequest, testResponse, withLines } from './message/http-message.test.fixture.js'

// The general implementations nearest to this one, in both directions, where each knows the component.

const cases = [
  { algorithm: 'ed25519', jwk: ed25519 },
  { algorithm: 'ecdsa-p256-sha256', jwk: p256 },
  { algorithm: 'ecdsa-p384-sha384', jwk: await generatePrivateJwk('ES384') },
  { algorithm: 'rsa-pss-sha512', jwk: await generatePrivateJwk('PS512') },
] as const

/** Their signer, except that a salt of RSA-PSS is as long as RFC 9421 §3.3.1 says. Theirs is as long as fits. */
function theirKey(algorithm: Algorithm, jwk: JsonWebKey, id?: string): TheirKey {
  const key = createPrivateKey({ format: 'jwk', key: { ...jwk } })
  const theirs = createSigner(key, algorithm, id)
  if (algorithm !== 'rsa-pss-sha512') return theirs
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }
  return { ...theirs, sign: async data => sign('sha512', data, pss) }
}

const url = 'https://example.com/foo?param=Value&Pet=dog'
// What http-message-signatures computes as RFC 9421 does.
const requestComponents = [
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
  '"@query-param";name="Pet"',
  'date',
  'content-type',
  '"content-digest";sf',
  '"content-digest";key="sha-512"',
  '"date";bs',
]
const theirs = (components: readonly string[]): string[] => components.map(id => id.replace(/^"([^"]*)"/, '$1'))
const record = (headers: HeaderLines): Record<string, string> => Object.fromEntries(headers)
const lines = (headers: Readonly<Record<string, string | string[]>>): Array<readonly [string, string]> =>
  Object.entries(headers).flatMap(([name, value]) => [value].flat().map(each => [name, each] as const))

test.each(cases)(
  'http-message-signatures verifies a request signed here with $algorithm',
  async ({ algorithm, jwk }) => {
    const key = await importSigningKey(jwk)
    const params = { keyid: 'k', alg: algorithm, tag: 't', nonce: 'n' }
    const signed = withLines(
      testRequest,
      ...(await signMessage({ message: testRequest, components: requestComponents, params, key })),
    )
    const config = {
      keyLookup: async () => ({
        id: 'k',
        algs: [algorithm],
        verify: createVerifier(createPublicKey({ format: 'jwk', key: { ...jwk } }), algorithm),
      }),
      requiredParams: ['created', 'keyid', 'tag'],
    }
    const there = (message: HttpRequestMessage): Promise<boolean | null> =>
      httpbis.verifyMessage(config, { method: message.method, url, headers: record(message.headers) })
    expect(await there(signed)).toBe(true)
    expect(await there({ ...signed, method: 'PUT' })).toBe(false)
  },
)

test.each(cases)(
  'a request that http-message-signatures signed with $algorithm verifies here',
  async ({ algorithm, jwk }) => {
    const signed = await httpbis.signMessage(
      {
        key: theirKey(algorithm, jwk, 'k'),
        name: 'theirs',
        fields: theirs(requestComponents),
        params: ['created', 'expires', 'keyid', 'alg', 'tag'],
        paramValues: { tag: 't' },
      },
      { method: 'POST', url, headers: record(testRequest.headers) },
    )
    const message: HttpRequestMessage = { ...testRequest, headers: lines(signed.headers) }
    const verifier = await importVerifyKey((await importSigningKey(jwk)).publicJwk)
    const options = { key: () => verifier, requiredComponents: requestComponents, tag: 't' }
    expect(await verifyMessage({ message, ...options })).toMatchObject([
      { label: 'theirs', bodyVerified: true, params: { keyid: 'k', alg: algorithm } },
    ])
    await expect(
      verifyMessage({ message: { ...message, target: '/foo?param=value&Pet=dog' }, ...options }),
    ).rejects.toThrow()
  },
)

test(verifies('KEY-28', 'a PSS signature with the longest possible salt, as theirs has, does not verify'), async () => {
  const jwk = await generatePrivateJwk('PS512')
  const verifier = await importVerifyKey((await importSigningKey(jwk)).publicJwk)
  const data = Buffer.from('data')
  const theirs = createSigner(createPrivateKey({ format: 'jwk', key: { ...jwk } }), 'rsa-pss-sha512')
  expect(await verifier.verify(data, await theirs.sign(data))).toBe(false)
  expect(await verifier.verify(data, await theirKey('rsa-pss-sha512', jwk).sign(data))).toBe(true)
})

const responseComponents = ['@status', 'content-type', '"@method";req', '"@authority";req', '"content-digest";req']
const answer: HttpResponseMessage = { ...testResponse, request: testRequest }
const theirRequest = { method: 'POST', url, headers: record(testRequest.headers) }

test.each(cases)(
  'responses bound to their request, with $algorithm, in both directions',
  async ({ algorithm, jwk }) => {
    const key = await importSigningKey(jwk)
    const verifier = await importVerifyKey(key.publicJwk)
    const ours = withLines(answer, ...(await signMessage({ message: answer, components: responseComponents, key })))
    const config = {
      keyLookup: async () => ({
        verify: createVerifier(createPublicKey({ format: 'jwk', key: { ...jwk } }), algorithm),
      }),
    }
    const theirAnswer = { status: 200, headers: record(ours.headers) }
    expect(await httpbis.verifyMessage(config, theirAnswer, theirRequest)).toBe(true)
    expect(await httpbis.verifyMessage(config, theirAnswer, { ...theirRequest, method: 'PUT' })).toBe(false)

    const signer = theirKey(algorithm, jwk)
    const signed = await httpbis.signMessage(
      { key: signer, fields: theirs(responseComponents), params: ['created'] },
      { status: 200, headers: record(answer.headers) },
      theirRequest,
    )
    const message: HttpResponseMessage = { ...answer, headers: lines(signed.headers) }
    const options = { key: () => verifier, requiredComponents: responseComponents }
    expect(await verifyMessage({ message, ...options })).toHaveLength(1)
    const other = { ...message, request: { ...testRequest, method: 'PUT' } }
    await expect(verifyMessage({ message: other, ...options })).rejects.toThrow()
  },
)

const botUrl = 'https://example.com/path/to/resource'
const agent = [['Signature-Agent', '"https://signature-agent.test"']] as const
const botComponents = ['@authority', 'signature-agent']

test('web-bot-auth verifies a bot signed here', async () => {
  const key = await importSigningKey(ed25519)
  const created = Math.floor(Date.now() / 1000)
  const params = {
    created,
    keyid: 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U',
    alg: 'ed25519',
    expires: created + 60,
    tag: 'web-bot-auth',
  }
  const request = new Request(botUrl, { headers: [...agent.map(([name, value]) => [name, value] as [string, string])] })
  const added = await signMessage({
    message: fetchRequestMessage(request),
    label: 'sig1',
    components: botComponents,
    params,
    key,
  })
  for (const [name, value] of added) request.headers.append(name, value)
  const verifier = await verifierFromJWK({ ...ed25519 })
  await expect(verifyBot(request, verifier)).resolves.toBeUndefined()
  request.headers.set('signature-agent', '"https://evil.test"')
  await expect(verifyBot(request, verifier)).rejects.toThrow()
})

test('a bot that web-bot-auth signed verifies here', async () => {
  const request = new Request(botUrl, { headers: { 'Signature-Agent': '"https://signature-agent.test"' } })
  const signer = await signerFromJWK({ ...ed25519 })
  const created = new Date()
  const headers = await signatureHeaders(request, signer, { created, expires: new Date(created.getTime() + 60_000) })
  for (const [name, value] of Object.entries(headers)) request.headers.append(name, value)
  const verifier = await importVerifyKey((await importSigningKey(ed25519)).publicJwk)
  const options = {
    tag: 'web-bot-auth',
    requiredComponents: botComponents,
    key: ({ params }: { params: { keyid?: string } }) => (params.keyid === verifier.thumbprint ? verifier : undefined),
  }
  const message = fetchRequestMessage(request)
  expect(await verifyMessage({ message, ...options })).toMatchObject([
    { params: { tag: 'web-bot-auth', alg: 'ed25519' } },
  ])
  await expect(verifyMessage({ message: { ...message, authority: 'evil.example' }, ...options })).rejects.toThrow()
})
