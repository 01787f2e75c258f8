import { expect, test } from 'vitest'
import {
  type HttpMessage,
  importSigningKey,
  importVerifyKey,
  type SigningKey,
  signMessage,
  type VerifyKey,
  verifyMessage,
} from './index.js'
import {
  ed25519,
  hmacSigner,
  hmacVerifier,
  p256,
  referenceSign,
  rsaPss,
  testRequest,
  testResponse,
  withLines,
} from './message/http-message.test.fixture.js'

// RFC 9421 Appendix B.2 to B.4: inputs, bases and signatures as printed there.

const { d: _, ...ed25519Public } = ed25519
const { d: __, ...p256Public } = p256
const keys: Readonly<Record<string, VerifyKey>> = {
  'test-key-rsa-pss': await importVerifyKey({ ...rsaPss, alg: 'PS512' }),
  'test-key-ecc-p256': await importVerifyKey(p256Public),
  'test-key-ed25519': await importVerifyKey(ed25519Public),
  'test-shared-secret': hmacVerifier,
}
const signers: Readonly<Record<string, SigningKey>> = {
  'test-key-ed25519': await importSigningKey(ed25519),
  'test-shared-secret': hmacSigner,
}
const created = 1618884473
const digest = 'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:'
const clientCert =
  ':MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:'

interface Example {
  readonly section: string
  readonly message: HttpMessage
  readonly label: string
  readonly components: readonly string[]
  readonly params: Readonly<Record<string, string | number>>
  readonly input: string
  readonly base: readonly string[]
  readonly signature: string
}

const examples: readonly Example[] = [
  {
    section: 'B.2.1',
    message: testRequest,
    label: 'sig-b21',
    components: [],
    params: { created, keyid: 'test-key-rsa-pss', nonce: 'b3k2pp5k7z-50gnwp.yemd' },
    input: '();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"',
    base: [],
    signature:
      'd2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==',
  },
  {
    section: 'B.2.2',
    message: testRequest,
    label: 'sig-b22',
    components: ['@authority', 'content-digest', '"@query-param";name="Pet"'],
    params: { created, keyid: 'test-key-rsa-pss', tag: 'header-example' },
    input:
      '("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"',
    base: ['"@authority": example.com', `"content-digest": ${digest}`, '"@query-param";name="Pet": dog'],
    signature:
      'LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==',
  },
  {
    section: 'B.2.3',
    message: testRequest,
    label: 'sig-b23',
    components: [
      'date',
      '@method',
      '@path',
      '@query',
      '@authority',
      'content-type',
      'content-digest',
      'content-length',
    ],
    params: { created, keyid: 'test-key-rsa-pss' },
    input:
      '("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"',
    base: [
      '"date": Tue, 20 Apr 2021 02:07:55 GMT',
      '"@method": POST',
      '"@path": /foo',
      '"@query": ?param=Value&Pet=dog',
      '"@authority": example.com',
      '"content-type": application/json',
      `"content-digest": ${digest}`,
      '"content-length": 18',
    ],
    signature:
      'bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==',
  },
  {
    section: 'B.2.4',
    message: testResponse,
    label: 'sig-b24',
    components: ['@status', 'content-type', 'content-digest', 'content-length'],
    params: { created, keyid: 'test-key-ecc-p256' },
    input: '("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"',
    base: [
      '"@status": 200',
      '"content-type": application/json',
      '"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
      '"content-length": 23',
    ],
    signature: 'wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==',
  },
  {
    section: 'B.2.5',
    message: testRequest,
    label: 'sig-b25',
    components: ['date', '@authority', 'content-type'],
    params: { created, keyid: 'test-shared-secret' },
    input: '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    base: ['"date": Tue, 20 Apr 2021 02:07:55 GMT', '"@authority": example.com', '"content-type": application/json'],
    signature: 'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=',
  },
  {
    section: 'B.2.6',
    message: testRequest,
    label: 'sig-b26',
    components: ['date', '@method', '@path', '@authority', 'content-type', 'content-length'],
    params: { created, keyid: 'test-key-ed25519' },
    input:
      '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
    base: [
      '"date": Tue, 20 Apr 2021 02:07:55 GMT',
      '"@method": POST',
      '"@path": /foo',
      '"@authority": example.com',
      '"content-type": application/json',
      '"content-length": 18',
    ],
    signature: 'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==',
  },
  {
    section: 'B.3',
    message: {
      method: 'POST',
      target: '/foo?param=Value&Pet=dog',
      scheme: 'https',
      authority: 'service.internal.example',
      headers: [
        ['Host', 'example.com'],
        ['Client-Cert', clientCert],
      ],
    },
    label: 'ttrp',
    components: ['@path', '@query', '@method', '@authority', 'client-cert'],
    params: { created, keyid: 'test-key-ecc-p256' },
    input: '("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"',
    base: [
      '"@path": /foo',
      '"@query": ?param=Value&Pet=dog',
      '"@method": POST',
      '"@authority": service.internal.example',
      `"client-cert": ${clientCert}`,
    ],
    signature: 'xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==',
  },
]

async function verified(message: HttpMessage, components: readonly string[]): Promise<string> {
  const [{ base }] = await verifyMessage({
    message,
    key: ({ params }) => keys[params.keyid ?? ''],
    requiredComponents: components,
    now: () => created,
  })
  return base
}

test.each(examples)('$section verifies, with the base printed there', async example => {
  const message = withLines(
    example.message,
    ['Signature-Input', `${example.label}=${example.input}`],
    ['Signature', `${example.label}=:${example.signature}:`],
  )
  expect(await verified(message, example.components)).toBe(
    [...example.base, `"@signature-params": ${example.input}`].join('\n'),
  )
  const wrong = Buffer.from(example.signature, 'base64')
  wrong[7] = (wrong[7] ?? 0) ^ 1
  const forged = withLines(
    example.message,
    ['Signature-Input', `${example.label}=${example.input}`],
    ['Signature', `${example.label}=:${wrong.toString('base64')}:`],
  )
  await expect(verified(forged, [])).rejects.toMatchObject({ code: 'invalid_signature' })
})

test.each(examples.filter(({ params }) => params['keyid'] !== undefined && signers[params['keyid']] !== undefined))(
  '$section is reproduced byte for byte',
  async ({ message, label, components, params, input, signature }) => {
    const key = signers[params['keyid'] ?? '']
    if (key === undefined) throw new Error('no signer')
    expect(await signMessage({ message, label, components, params, key })).toEqual([
      ['signature-input', `${label}=${input}`],
      ['signature', `${label}=:${signature}:`],
    ])
  },
)

// B.4: the message as signed, and what happens to it on the way.
const transformed: HttpMessage = {
  method: 'GET',
  target: '/demo?name1=Value1&Name2=value2',
  scheme: 'https',
  authority: 'example.org',
  headers: [
    ['Host', 'example.org'],
    ['Date', 'Fri, 15 Jul 2022 14:24:55 GMT'],
    ['Accept', 'application/json'],
    ['Accept', '*/*'],
  ],
}
const transform = [
  [
    'Signature-Input',
    'transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"',
  ],
  ['Signature', 'transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:'],
] as const

test.each([
  { what: 'as signed', change: {} },
  {
    what: 'with a query parameter and a header added',
    change: {
      target: '/demo?name1=Value1&Name2=value2&param=added',
      headers: [...transformed.headers, ['Accept-Language', 'en-US,en;q=0.5']],
    },
  },
  {
    what: 'with Date removed, Referer added and Accept combined',
    change: {
      headers: [
        ['Host', 'example.org'],
        ['Referer', 'https://developer.example.org/demo'],
        ['Accept', 'application/json, */*'],
      ],
    },
  },
  {
    what: 'with header lines in another order',
    change: {
      headers: [
        ['Accept', 'application/json'],
        ['Accept', '*/*'],
        ['Date', 'Fri, 15 Jul 2022 14:24:55 GMT'],
        ['Host', 'example.org'],
      ],
    },
  },
] as ReadonlyArray<{ what: string; change: Partial<HttpMessage> }>)('B.4 $what verifies', async ({ change }) => {
  expect(await verified(withLines({ ...transformed, ...change }, ...transform), ['accept'])).toBe(
    `"@method": GET
"@path": /demo
"@authority": example.org
"accept": application/json, */*
"@signature-params": ("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"`,
  )
})

test.each([
  { what: 'with another method and authority', change: { method: 'POST', authority: 'example.com' } },
  {
    what: 'with the Accept lines in another order',
    change: {
      headers: [
        ['Accept', '*/*'],
        ['Accept', 'application/json'],
      ],
    },
  },
] as ReadonlyArray<{ what: string; change: Partial<HttpMessage> }>)('B.4 $what is refused', async ({ change }) => {
  const message = withLines({ ...transformed, ...change }, ...transform)
  await expect(verified(message, [])).rejects.toMatchObject({ code: 'invalid_signature' })
})

test('B.4 is reproduced byte for byte, and by node:crypto alone', async () => {
  const key = await importSigningKey(ed25519)
  const components = ['@method', '@path', '@authority', 'accept']
  const params = { created, keyid: 'test-key-ed25519' }
  const lines = await signMessage({ message: transformed, label: 'transform', components, params, key })
  expect(lines.map(([, value]) => value)).toEqual(transform.map(([, value]) => value))
  const [{ base }] = await verifyMessage({
    message: withLines(transformed, ...lines),
    key: () => keys['test-key-ed25519'],
    requiredComponents: components,
    now: () => created,
  })
  expect(`transform=:${referenceSign(base)}:`).toBe(transform[1][1])
})
