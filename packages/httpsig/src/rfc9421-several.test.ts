import { expect, test } from 'vitest'
import { parseComponent } from './component/component-identifier.js'
import { messageProfile } from './component/component-profile.js'
import { messageContext } from './component/message-context.js'
import { signatureBase } from './component/signature-base.js'
import {
  type HttpRequestMessage,
  type HttpResponseMessage,
  importSigningKey,
  importVerifyKey,
  signMessage,
  type VerifyKey,
  verifyMessage,
} from './index.js'
import { p256, rsaVerifier, testRequest, withLines } from './message/http-message.test.fixture.js'

// RFC 9421 §2.4 (a response bound to its request) and §4.3 (a proxy that signs as well), as printed there.

const { d: _, ...p256Public } = p256
const key = await importVerifyKey(p256Public)
const code = (value: string): unknown => expect.objectContaining({ code: value })

const response: HttpResponseMessage = {
  status: 503,
  headers: [
    ['Date', 'Tue, 20 Apr 2021 02:07:56 GMT'],
    ['Content-Type', 'application/json'],
    ['Content-Length', '62'],
    [
      'Content-Digest',
      'sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:',
    ],
    [
      'Signature-Input',
      'reqres=("@status" "content-digest" "content-type" "@authority";req "@method";req "@path";req "content-digest";req);created=1618884479;keyid="test-key-ecc-p256"',
    ],
    ['Signature', 'reqres=:dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQgQPgQp8wq2ive3tV5Ag==:'],
  ],
  body: new TextEncoder().encode('{"busy": true, "message": "Your call is very important to us"}'),
  request: testRequest,
}
const responseOptions = { key: () => key, requiredComponents: ['@status', '"@method";req'], now: () => 1618884479 }

test('§2.4: a response verifies with the request it answers', async () => {
  const [verified] = await verifyMessage({ message: response, ...responseOptions })
  expect(verified).toMatchObject({ label: 'reqres', bodyVerified: true, params: { keyid: 'test-key-ecc-p256' } })
  expect(verified.base.split('\n').slice(0, 7)).toEqual([
    '"@status": 503',
    '"content-digest": sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:',
    '"content-type": application/json',
    '"@authority";req: example.com',
    '"@method";req: POST',
    '"@path";req: /foo',
    '"content-digest";req: sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
  ])
})

test('§2.4: a response does not verify with another request, status or body, or without the request', async () => {
  const { request: __, ...alone } = response
  for (const message of [
    { ...response, request: { ...testRequest, method: 'PUT' } },
    { ...response, request: { ...testRequest, target: '/bar' } },
    { ...response, status: 200 },
    { ...response, body: new TextEncoder().encode('{}') },
    alone,
  ])
    await expect(verifyMessage({ message, ...responseOptions })).rejects.toEqual(code('invalid_signature'))
})

// The same binding by the request's signature, from draft-ietf-httpbis-message-signatures-13 §2.4 (the key is B.1.3's).
test('a response bound to the signature of its request', async () => {
  const sig1 =
    'sig1=:LAH8BjcfcOcLojiuOBFWn0P5keD3xAOuJRGziCLuD8r5MW9S0RoXXLzLSRfGY/3SF8kVIkHjE13SEFdTo4Af/fJ/Pu9wheqoLVdwXyY/UkBIS1M8Brc8IODsn5DFIrG0IrburbLi0uCc+E2ZIIb6HbUJ+o+jP58JelMTe0QE3IpWINTEzpxjqDf5/Df+InHCAkQCTuKsamjWXUpyOT1Wkxi7YPVNOjW4MfNuTZ9HdbD2Tr65+BXeTG9ZS/9SWuXAc+BZ8WyPz0QRz//ec3uWXd7bYYODSjRAxHqX+S1ag3LZElYyUKaAIjZ8MGOt4gXEwCSLDv/zqxZeWLj/PDkn6w==:'
  const message: HttpResponseMessage = {
    status: 503,
    headers: [
      ['Content-Type', 'application/json'],
      ['Content-Length', '62'],
      [
        'Signature-Input',
        'reqres=("@status" "content-length" "content-type" "signature";req;key="sig1" "@authority";req "@method";req);created=1618884479;keyid="test-key-ecc-p256"',
      ],
      [
        'Signature',
        'reqres=:mh17P4TbYYBmBwsXPT4nsyVzW4Rp9Fb8WcvnfqKCQLoMvzOBLD/n32tL/GPW6XE5GAS5bdsg1khK6lBzV1Cx/Q==:',
      ],
    ],
    request: withLines(testRequest, ['Signature', sig1]),
  }
  const options = { ...responseOptions, requiredComponents: ['"signature";key="sig1";req'] }
  expect((await verifyMessage({ message, ...options }))[0].components).toContain('"signature";req;key="sig1"')
  const other = { ...message, request: withLines(testRequest, ['Signature', sig1.replace('LAH8', 'LAH9')]) }
  await expect(verifyMessage({ message: other, ...options })).rejects.toEqual(code('invalid_signature'))
})

const proxied: HttpRequestMessage = {
  ...testRequest,
  authority: 'origin.host.internal.example',
  headers: [
    ['Host', 'origin.host.internal.example'],
    ['Date', 'Tue, 20 Apr 2021 02:07:56 GMT'],
    ...testRequest.headers.slice(2),
    ['Forwarded', 'for=192.0.2.123;host=example.com;proto=https'],
    [
      'Signature-Input',
      'sig1=("@method" "@authority" "@path" "content-digest" "content-type" "content-length");created=1618884475;keyid="test-key-ecc-p256"',
    ],
    [
      'Signature-Input',
      'proxy_sig=("@method" "@authority" "@path" "content-digest" "content-type" "content-length" "forwarded");created=1618884480;keyid="test-key-rsa";alg="rsa-v1_5-sha256";expires=1618884540',
    ],
    ['Signature', 'sig1=:X5spyd6CFnAG5QnDyHfqoSNICd+BUP4LYMz2Q0JXlb//4Ijpzp+kve2w4NIyqeAuM7jTDX+sNalzA8ESSaHD3A==:'],
    [
      'Signature',
      'proxy_sig=:S6ZzPXSdAMOPjN/6KXfXWNO/f7V6cHm7BXYUh3YD/fRad4BCaRZxP+JH+8XY1I6+8Cy+CM5g92iHgxtRPz+MjniOaYmdkDcnL9cCpXJleXsOckpURl49GwiyUpZ10KHgOEe11sx3G2gxI8S0jnxQB+Pu68U9vVcasqOWAEObtNKKZd8tSFu7LB5YAv0RAGhB8tmpv7sFnIm9y+7X5kXQfi8NMaZaA8i2ZHwpBdg7a6CMfwnnrtflzvZdXAsD3LH2TwevU+/PBPv0B6NMNk93wUs/vfJvye+YuI87HU38lZHowtznbLVdp770I6VHR6WfgS9ddzirrswsE1w5o0LV/g==:',
    ],
  ],
}
const proxiedOptions = { requiredComponents: ['@method', 'content-digest'], now: () => 1618884481 }

test('§4.3: of two signatures, the one with a known key and the signed authority is that of the client', async () => {
  const message = { ...proxied, authority: 'example.com' }
  const known = (keyid: string | undefined): VerifyKey | undefined => (keyid === 'test-key-ecc-p256' ? key : undefined)
  const found = await verifyMessage({ message, key: ({ params }) => known(params.keyid), ...proxiedOptions })
  expect(found.map(({ label }) => label)).toEqual(['sig1'])
  expect(await verifyMessage({ message, label: 'sig1', key: () => key, ...proxiedOptions })).toHaveLength(1)
  // Under the authority that the proxy passed it on to, only the proxy's signature could hold.
  await expect(verifyMessage({ message: proxied, label: 'sig1', key: () => key, ...proxiedOptions })).rejects.toEqual(
    code('invalid_signature'),
  )
})

test("§4.3: the proxy's rsa-v1_5-sha256 is refused, although its base and signature are right", async () => {
  await expect(
    verifyMessage({ message: proxied, label: 'proxy_sig', key: () => rsaVerifier, ...proxiedOptions }),
  ).rejects.toEqual(code('unsupported_algorithm'))
  const input = proxied.headers[7]?.[1].slice('proxy_sig='.length) ?? ''
  const names = ['@method', '@authority', '@path', 'content-digest', 'content-type', 'content-length', 'forwarded']
  const covered = { components: names.map(parseComponent), text: input }
  const base = signatureBase(covered, messageContext(proxied), messageProfile())
  const signature = Buffer.from(proxied.headers[9]?.[1].slice('proxy_sig=:'.length, -1) ?? '', 'base64')
  expect(await rsaVerifier.verify(new TextEncoder().encode(base), signature)).toBe(true)
  expect(await rsaVerifier.verify(new TextEncoder().encode(`${base} `), signature)).toBe(false)
})

test('a second signature can cover the first, beside it', async () => {
  const first = await importSigningKey(p256)
  const params = { created: 1618884480, keyid: 'a' }
  const once = withLines(
    testRequest,
    ...(await signMessage({ message: testRequest, components: ['@method'], key: first, params })),
  )
  const added = await signMessage({
    message: withLines(once, ['Forwarded', 'for=192.0.2.123']),
    label: 'proxy',
    components: ['"signature";key="sig"', '"signature-input";key="sig"', 'forwarded'],
    key: first,
    params: { ...params, tag: 'proxy' },
  })
  const message = withLines(once, ['Forwarded', 'for=192.0.2.123'], ...added)
  const options = { key: () => key, requiredComponents: [], now: () => 1618884480 }
  expect((await verifyMessage({ message, ...options })).map(({ label }) => label)).toEqual(['sig', 'proxy'])
  expect(await verifyMessage({ message, ...options, tag: 'proxy' })).toMatchObject([{ label: 'proxy' }])
  // As one line each, the way a Fetch API Headers object or an intermediary joins them.
  const headers = new Headers([...message.headers].map(([name, value]) => [name, value]))
  expect(await verifyMessage({ message: { ...message, headers: [...headers] }, ...options })).toHaveLength(2)
  await expect(signMessage({ message, components: ['@method'], key: first })).rejects.toThrow(TypeError)
})
