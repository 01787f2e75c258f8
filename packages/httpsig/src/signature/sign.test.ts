import { signedRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  generateSigningKey,
  HttpSigError,
  importVerifyKey,
  openSignature,
  type ReceivedMessage,
  type SignOptions,
  signRequest,
  verifySignature,
} from '../index.js'
import { base64urlDecode } from '../internal.js'

const now = (): number => 1_750_000_000.7
const key = await generateSigningKey()
const verifier = await importVerifyKey(key.publicJwk)
const options: SignOptions = {
  method: 'GET',
  url: 'https://calendar.example/events',
  key,
  signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
  now,
}
const body = new TextEncoder().encode('{}')

async function sent(change: Partial<SignOptions>): Promise<ReceivedMessage> {
  const merged = { ...options, ...change }
  const { pathname, search } = new URL(merged.url)
  return {
    method: merged.method,
    target: pathname + search,
    headers: [...(merged.headers ?? []), ...(await signRequest(merged))],
    ...(merged.body === undefined ? {} : { body: merged.body }),
  }
}

async function covered(change: Partial<SignOptions>): Promise<readonly string[]> {
  const message = await sent(change)
  const { host, protocol } = new URL((change.url ?? options.url).toString())
  const opened = openSignature(message, { authorities: [host], scheme: protocol === 'https:' ? 'https' : 'http', now })
  await verifySignature(opened, verifier)
  return opened.components
}

test(verifies('sig.covered.query', 'sig.covered.body', 'covers the components that the request needs'), async () => {
  expect(await covered({})).toEqual(['@method', '@authority', '@path', 'signature-key'])
  expect(await covered({ url: 'https://calendar.example/events?a=b#c' })).toEqual([
    '@method',
    '@authority',
    '@path',
    '@query',
    'signature-key',
  ])
  expect(await covered({ method: 'POST', body, headers: [['Content-Type', 'application/json']] })).toEqual([
    '@method',
    '@authority',
    '@path',
    'content-type',
    'content-digest',
    'signature-key',
  ])
  expect(await covered({ method: 'POST', body: new Uint8Array(), headers: [['Content-Type', 'a/b']] })).toEqual([
    '@method',
    '@authority',
    '@path',
    'signature-key',
  ])
})

test(verifies('sig.target.lone-query', 'a lone question mark is dropped'), async () => {
  expect(await covered({ url: 'https://calendar.example/events?' })).toEqual([
    '@method',
    '@authority',
    '@path',
    'signature-key',
  ])
})

test(
  verifies('sig.covered.agent', 'covers the components that a resource asks for, when the request has them'),
  async () => {
    const additionalComponents = [
      'x-a',
      'x-b',
      '@target-uri',
      '@scheme',
      '@query',
      'content-type',
      '@foo',
      '@query-param',
      'x-a',
      'signature-key',
    ]
    const headers = [
      ['X-A', ' 1 '],
      ['Content-Type', 'a/b'],
      ['x-a', '2'],
    ] as const
    expect(await covered({ headers, additionalComponents })).toEqual([
      '@method',
      '@authority',
      '@path',
      'signature-key',
      'x-a',
      '@target-uri',
      '@scheme',
    ])
  },
)

test('signs requests to other ports and to http', async () => {
  expect(await covered({ url: 'https://calendar.example:8443/' })).toContain('@authority')
  expect(await covered({ url: 'http://localhost:4130/a', additionalComponents: ['@scheme'] })).toContain('@scheme')
})

test(verifies('sig.nonce.written', 'writes created in whole seconds and a fresh nonce'), async () => {
  const nonces = new Set<string>()
  for (let i = 0; i < 600; i++) {
    const [[, input] = ['', '']] = await signRequest(options)
    const nonce = /;created=1750000000;nonce="([A-Za-z0-9_-]{22})"$/.exec(input)?.[1] ?? ''
    expect(base64urlDecode(nonce)).toHaveLength(16)
    nonces.add(nonce)
  }
  expect(nonces.size).toBe(600)
  expect((await signRequest({ ...options, nonce: 'mine' }))[0]?.[1]).toContain(';nonce="mine"')
})

test('wrong arguments are TypeErrors', async () => {
  for (const change of [
    { body },
    { headers: [['Signature', 'sig=:AA==:']] },
    { headers: [['content-digest', 'x']], body },
    { url: 'ftp://calendar.example/' },
    { url: '/events' },
    { nonce: 'a"b' },
    { nonce: '' },
    { signatureKey: { scheme: 'jwt', jwt: 'a'.repeat(7200) } },
    {
      additionalComponents: Array.from({ length: 40 }, (_, i) => `x-${i}`),
      headers: Array.from({ length: 40 }, (_, i) => [`x-${i}`, '1'] as const),
    },
  ] satisfies Array<Partial<SignOptions>>)
    await expect(signRequest({ ...options, ...change }), JSON.stringify(change)).rejects.toThrow(TypeError)
})

test('a header value that is not allowed in the base is refused', async () => {
  await expect(signRequest({ ...options, headers: [['X-A', 'é']], additionalComponents: ['x-a'] })).rejects.toThrow()
})

test('a signed request verifies, and does not with a changed covered byte', async () => {
  const path = fc
    .array(fc.stringMatching(/^[a-zA-Z0-9_~!$&'()*+,;=:@%-]{1,8}$/), { maxLength: 4 })
    .map(parts => `/x${parts.map(part => `/${encodeURIComponent(part)}`).join('')}`)
  const query = fc.option(fc.webQueryParameters().map(encodeURI), { nil: '' })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
      path,
      query,
      fc.uint8Array({ maxLength: 50 }),
      fc.nat(),
      async (method, where, search, bytes, at) => {
        const url = `https://calendar.example${where}${search === '' ? '' : `?${search}`}`
        const message = await sent({ method, url, body: bytes, headers: [['Content-Type', 'a/b']] })
        const open = { authorities: ['calendar.example'], scheme: 'https', now } as const
        await verifySignature(openSignature(message, open), verifier)
        const target = message.target
        const place = at % target.length
        const changed = {
          ...message,
          target: `${target.slice(0, place)}${target[place] === 'x' ? 'y' : 'x'}${target.slice(place + 1)}`,
        }
        await expect((async () => verifySignature(openSignature(changed, open), verifier))()).rejects.toThrow(
          HttpSigError,
        )
        if (bytes.length > 0) {
          const swapped = Uint8Array.from(bytes)
          swapped[at % bytes.length] = (swapped[at % bytes.length] ?? 0) ^ 1
          await expect(
            verifySignature(openSignature({ ...message, body: swapped }, open), verifier),
          ).rejects.toMatchObject({ reason: 'digest_wrong' })
        }
      },
    ),
    { numRuns: signedRuns },
  )
})

test('a key that signs in another encoding is a TypeError', async () => {
  const der = { ...key, sign: async (data: Uint8Array) => Uint8Array.from([0x30, 68, ...(await key.sign(data))]) }
  await expect(signRequest({ ...options, key: der })).rejects.toThrow(TypeError)
  await expect(signRequest({ ...options, key })).resolves.toHaveLength(3)
})
