import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import {
  fetchRequestMessage,
  fetchResponseMessage,
  type HttpRequestMessage,
  HttpSigError,
  importSigningKey,
  importVerifyKey,
  requestMessage,
  type SignMessageOptions,
  signMessage,
  type VerifyMessageOptions,
  verifyMessage,
} from '../index.js'
import { ed25519, p256, testRequest, withLines } from '../message/http-message.test.fixture.js'

const now = (): number => 1_750_000_000.9
const created = 1_750_000_000
const key = await importSigningKey(ed25519)
const verifier = await importVerifyKey(key.publicJwk)
const other = await importVerifyKey((await importSigningKey(p256)).publicJwk)
const components = ['@method', '@path', 'content-digest']

async function signed(change: Partial<SignMessageOptions> = {}): Promise<HttpRequestMessage> {
  return withLines(testRequest, ...(await signMessage({ message: testRequest, components, key, now, ...change })))
}

/** `accepted`, or the code of the refusal. Anything but an HttpSigError is thrown on. */
async function verdict(message: HttpRequestMessage, change: Partial<VerifyMessageOptions> = {}): Promise<string> {
  try {
    await verifyMessage({ message, key: () => verifier, requiredComponents: components, now, ...change })
    return 'accepted'
  } catch (error) {
    if (error instanceof HttpSigError) return error.code
    throw error
  }
}

test('the result has the verified facts', async () => {
  const message = await signed({ params: { keyid: 'k', tag: 't', nonce: 'n', alg: 'ed25519', expires: created + 60 } })
  const [verified] = await verifyMessage({ message, key: () => verifier, requiredComponents: components, now })
  expect(verified).toEqual({
    label: 'sig',
    components: ['"@method"', '"@path"', '"content-digest"'],
    params: { created, keyid: 'k', tag: 't', nonce: 'n', alg: 'ed25519', expires: created + 60 },
    key: verifier,
    bodyVerified: true,
    base: expect.stringMatching(/^"@method": POST\n"@path": \/foo\n"content-digest": .*\n"@signature-params": .*$/),
  })
})

test.each([
  { created: 0, verdict: 'accepted' },
  { created: 30, verdict: 'accepted' },
  { created: 31, verdict: 'invalid_signature' },
  { created: -330, verdict: 'accepted' },
  { created: -331, verdict: 'invalid_signature' },
  { created: -331, options: { maxAge: 301 }, verdict: 'accepted' },
  { created: -331, options: { maxAge: Number.POSITIVE_INFINITY }, verdict: 'accepted' },
  { created: 1, options: { tolerance: 0 }, verdict: 'invalid_signature' },
  { created: -100, expires: -30, verdict: 'accepted' },
  { created: -100, expires: -31, verdict: 'invalid_signature' },
  { created: 0, expires: -1, verdict: 'invalid_signature' },
  { expires: 0, verdict: 'invalid_signature' },
  { expires: 0, options: { requireCreated: false }, verdict: 'accepted' },
  { expires: -31, options: { requireCreated: false }, verdict: 'invalid_signature' },
])('time: %o', async ({ created: at, expires, options = {}, verdict: expected }) => {
  const params = {
    created: at === undefined ? null : created + at,
    ...(expires === undefined ? {} : { expires: created + expires }),
  }
  expect(await verdict(await signed({ params }), options)).toBe(expected)
})

test('options that would switch a check off are refused', async () => {
  const message = await signed()
  for (const change of [{ maxAge: Number.NaN }, { tolerance: -1 }, { tolerance: Number.NaN }])
    await expect(verdict(message, change)).rejects.toThrow(RangeError)
  await expect(verdict(message, { requiredComponents: ['a b'] })).rejects.toThrow(TypeError)
})

test('required components are compared with their parameters, in any order', async () => {
  const message = await signed({ components: ['"content-digest";key="sha-512"', '@method'] })
  expect(await verdict(message, { requiredComponents: ['@method', '"content-digest";key="sha-512"'] })).toBe('accepted')
  for (const component of ['content-digest', '"content-digest";sf', '"@method";req', '@path'])
    expect(await verdict(message, { requiredComponents: [component] })).toBe('invalid_signature')
  await expect(
    verifyMessage({ message, key: () => verifier, requiredComponents: ['@path'], now }),
  ).rejects.toMatchObject({
    cause: { component: '"@path"', expected: ['"@path"'], covered: ['"content-digest";key="sha-512"', '"@method"'] },
  })
})

test('the key decides the algorithm', async () => {
  expect(await verdict(await signed({ params: { alg: 'Ed25519' } }))).toBe('accepted')
  expect(await verdict(await signed({ params: { alg: 'Ed25519' } }), { key: () => other })).toBe('invalid_signature')
  expect(await verdict(await signed(), { key: () => other })).toBe('invalid_signature')
  await expect(signed({ params: { alg: 'ES256' } })).rejects.toThrow(TypeError)
  await expect(signed({ params: { alg: 'hmac-sha256' } })).rejects.toThrow(TypeError)
})

test('label and tag select signatures; without a selected signature or a key the message is refused', async () => {
  const message = await signed({ label: 'a', params: { tag: 't' } })
  expect(await verdict(message, { label: 'a', tag: 't' })).toBe('accepted')
  for (const change of [{ label: 'b' }, { tag: 'u' }, { label: 'a', tag: 'u' }, { key: () => undefined }])
    expect(await verdict(message, change)).toBe('invalid_signature')
  expect(await verdict(testRequest)).toBe('invalid_signature')
})

test('a wrong signature refuses the message, also beside a right one', async () => {
  const message = await signed()
  const lines = await signMessage({ message, label: 'b', components, key, now })
  expect(await verdict(withLines(message, ...lines))).toBe('accepted')
  const forged = lines.map(([name, value]) => [name, name === 'signature' ? `b=:${'A'.repeat(86)}==:` : value] as const)
  expect(await verdict(withLines(message, ...forged))).toBe('invalid_signature')
  expect(await verdict(withLines(message, ...forged), { label: 'sig' })).toBe('accepted')
})

test('the body must match the covered digest; without a body bodyVerified is false', async () => {
  const message = await signed()
  expect(await verdict({ ...message, body: new TextEncoder().encode('{}') })).toBe('invalid_signature')
  const { body: _, ...unread } = message
  const [verified] = await verifyMessage({ message: unread, key: () => verifier, requiredComponents: components, now })
  expect(verified.bodyVerified).toBe(false)
  const uncovered = await signed({ components: ['@method'] })
  const [loose] = await verifyMessage({ message: uncovered, key: () => verifier, requiredComponents: [], now })
  expect(loose.bodyVerified).toBe(false)
})

const sig = `sig=:${'A'.repeat(86)}==:`
test.each([
  ['two members of one label', 'sig=("@method");created=1, sig=("@method");created=1', sig],
  ['a parameter twice', 'sig=("@method");created=1;created=1', sig],
  ['a component parameter twice', 'sig=("@method";req;req);created=1', sig],
  ['a component twice', `sig=("@method" "@method");created=${created}`, sig],
  ['a Decimal', 'sig=("@method");created=1.0', sig],
  ['a String for created', 'sig=("@method");created="1"', sig],
  ['a Token for keyid', 'sig=("@method");created=1;keyid=a', sig],
  ['a Token as component', 'sig=(method);created=1', sig],
  ['an Item', 'sig="@method"', sig],
  ['no Dictionary', '("@method")', sig],
  ['nothing', '', sig],
  ['characters outside ASCII', 'sig=("é");created=1', sig],
  ['a long label', `${'a'.repeat(65)}=("@method");created=1`, sig],
  ['no signature of the label', `sig=("@method");created=${created}`, 'b=:AA==:'],
  ['a signature that is no Byte Sequence', `sig=("@method");created=${created}`, 'sig="a"'],
  ['two signatures of one label', `sig=("@method");created=${created}`, `${sig}, ${sig}`],
  ['too many components', `sig=(${'"a" '.repeat(65).trim()});created=${created}`, sig],
  ['too many members', Array.from({ length: 17 }, (_, i) => `s${i}=("@method");created=1`).join(', '), sig],
])('%s is refused', async (_, input, signature) => {
  const message = withLines(testRequest, ['signature-input', input], ['signature', signature])
  expect(await verdict(message, { requiredComponents: [] })).toBe('invalid_signature')
})

test('a spelling that intermediaries may change verifies', async () => {
  const message = await signed({ components: ['@method', '@path'] })
  const spaced = message.headers.map(([name, value]): readonly [string, string] =>
    name === 'signature-input'
      ? [name, ` ${value.replace('("@method" "@path")', '( "@method"   "@path" )')} `]
      : [name, value],
  )
  expect(await verdict({ ...message, headers: spaced }, { requiredComponents: [] })).toBe('accepted')
})

test('wrong options for signing are refused', async () => {
  for (const change of [
    { label: 'Sig' },
    { label: '' },
    { label: 'a'.repeat(65) },
    { components: ['a b'] },
    { components: Array.from({ length: 65 }, () => '@method') },
    { params: { created: 1.5 } },
    { params: { created: 1e15 } },
    { params: { nonce: 'é' } },
    { params: { tag: 'a\nb' } },
    { params: { other: 'a' } as object },
  ])
    await expect(signed(change), JSON.stringify(change)).rejects.toThrow(TypeError)
  for (const component of [
    'absent',
    '@status',
    '@query-param',
    'signature',
    '"signature-input";sf',
    '@signature-params',
  ])
    await expect(signed({ components: [component] }), component).rejects.toThrow(HttpSigError)
  await expect(signed({ components: ['absent'] })).rejects.toMatchObject({ cause: { component: 'absent' } })
})

test('strings are quoted as Structured Fields require', async () => {
  const message = await signed({ params: { nonce: 'a"b\\c' } })
  expect(message.headers.at(-2)?.[1]).toContain(';nonce="a\\"b\\\\c"')
  expect(await verdict(message)).toBe('accepted')
})

test('messages are made from the Fetch API and from received requests', async () => {
  const request = new Request('https://Example.com:443/a/..?#f', {
    method: 'POST',
    headers: { 'X-A': '1' },
    body: 'x',
  })
  expect(fetchRequestMessage(request)).toMatchObject({
    method: 'POST',
    target: '/?',
    scheme: 'https',
    authority: 'example.com',
  })
  const response = new Response('x', { status: 201, headers: [['X-A', '1']] })
  const answered = fetchResponseMessage(response, { request: testRequest })
  expect(answered).toMatchObject({ status: 201, request: testRequest })
  expect(answered.headers).toContainEqual(['x-a', '1'])
  const received = { method: 'GET', target: '/', headers: [], peer: '192.0.2.1' }
  expect(requestMessage(received, { scheme: 'https', authority: 'a.example' })).toEqual({
    method: 'GET',
    target: '/',
    scheme: 'https',
    authority: 'a.example',
    headers: [],
  })
})

test(verifies('sig.digest.match', 'a message whose body is unread is a TypeError: no digest would be compared'), () => {
  const origin = { scheme: 'https', authority: 'a.example' } as const
  const head = { method: 'POST', target: '/', headers: [] }
  const body = new Uint8Array(1)
  const unread = { bytes: async () => body, hasByte: async () => true }
  expect(() => requestMessage({ ...head, unread }, origin)).toThrow(TypeError)
  expect(requestMessage({ ...head, body }, origin).body).toBe(body)
})

test('a message has at most 8 signatures and 8 KiB of each header, unless limits says otherwise', async () => {
  const message = await signed()
  const more = (count: number): HttpRequestMessage =>
    withLines(message, ['Signature-Input', Array.from({ length: count }, (_, at) => `x${at}=()`).join(', ')])
  const label = 'sig'
  expect(await verdict(more(7), { label })).toBe('accepted')
  expect(await verdict(more(8), { label })).toBe('invalid_signature')
  expect(await verdict(more(8), { label, limits: { members: 9, bytes: 8192 } })).toBe('accepted')
  const long = withLines(message, ['Signature', `x="${'a'.repeat(8192)}"`])
  expect(await verdict(long, { label })).toBe('invalid_request')
  expect(await verdict(long, { label, limits: { members: 8, bytes: 9000 } })).toBe('accepted')
  for (const limits of [
    { members: Number.NaN, bytes: 1 },
    { members: 8, bytes: 0.5 },
  ])
    await expect(verdict(message, { limits })).rejects.toThrow(RangeError)
})

test('a signature covers at most 32 components', async () => {
  const lines = Array.from({ length: 33 }, (_, at) => [`x-${at}`, 'a'] as const)
  const message = withLines(testRequest, ...lines)
  const sign = (count: number) =>
    signMessage({ message, components: lines.slice(0, count).map(([name]) => name), key, now })
  const added = await sign(32)
  expect(await verdict(withLines(message, ...added), { requiredComponents: [] })).toBe('accepted')
  await expect(sign(33)).rejects.toThrow(TypeError)
  const more = added.map(([name, value]): [string, string] => [name, value.replace('"x-31"', '"x-31" "x-32"')])
  await expect(
    verifyMessage({ message: withLines(message, ...more), key: () => verifier, requiredComponents: [], now }),
  ).rejects.toMatchObject({ reason: 'components_too_many' })
})

test('legal spacing does not change the base, and other signatures are ignored', async () => {
  const message = await signed({ params: { tag: 't' } })
  const spaced = {
    ...message,
    headers: message.headers.map(([name, value]): [string, string] =>
      name === 'signature-input'
        ? [name, value.replace('(', '( ').replaceAll(';', '; ').replace('" "', '"  "')]
        : [name, value],
    ),
  }
  expect(JSON.stringify(spaced)).not.toBe(JSON.stringify(message))
  expect(await verdict(spaced)).toBe('accepted')
  const beside = withLines(spaced, ['Signature-Input', 'x="no signature", y=1.0'])
  expect(await verdict(beside, { tag: 't' })).toBe('accepted')
  expect(await verdict(beside)).toBe('invalid_signature')
})
