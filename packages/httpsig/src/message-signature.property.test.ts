import fc from 'fast-check'
import { expect, test } from 'vitest'
import { writeContentDigest } from './content-digest.js'
import { ed25519, withLines } from './http-message.test.fixture.js'
import {
  type HttpMessage,
  type HttpRequestMessage,
  type HttpResponseMessage,
  HttpSigError,
  importSigningKey,
  importVerifyKey,
  openSignature,
  parseAcceptSignature,
  type StructuredFieldTypes,
  signMessage,
  signRequest,
  verifyMessage,
} from './index.js'

// 10³ cases a property, 10⁵ in `npm run test:all`.
const long = globalThis.process?.env['COUNTERSIGN_LONG'] === '1'
const numRuns = long ? 100_000 : 1000
const timeout = long ? 600_000 : 30_000

const key = await importSigningKey(ed25519)
const verifier = await importVerifyKey(key.publicJwk)
const now = (): number => 1_750_000_000
const types: StructuredFieldTypes = { dict: 'dictionary' }

const characters = (allowed: RegExp): string[] =>
  Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(character => allowed.test(character))
const textOf = (allowed: RegExp, lengths: { minLength?: number; maxLength: number }): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters(allowed)), ...lengths })

const method = fc.oneof(
  fc.constantFrom('GET', 'POST', 'M-SEARCH'),
  textOf(/[!#$%&'*+.^_`|~0-9A-Za-z-]/, { minLength: 1, maxLength: 8 }),
)
const path = textOf(/[!$&-;=@-Z_a-z~%]/, { maxLength: 20 }).map(text => `/${text.replace(/^\/+/, '')}`)
const query = fc.option(
  textOf(/[!$&-;=?-Z_a-z~%]/, { maxLength: 20 }).map(text => `?${text}`),
  { nil: '' },
)
const authority = fc.tuple(fc.domain(), fc.constantFrom('', ':8443', ':1')).map(([host, port]) => host + port)
const latin1 = textOf(/[\t\x20-\x7e\x80-\xff]/, { maxLength: 20 })
const ascii = textOf(/[\t\x20-\x7e]/, { maxLength: 20 })
const dictionary = fc.dictionary(fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,5}$/), fc.nat(), { minKeys: 1, maxKeys: 4 })

const headers = fc
  .record({
    plain: fc.array(ascii, { minLength: 1, maxLength: 3 }),
    binary: fc.array(latin1, { minLength: 1, maxLength: 3 }),
    dict: dictionary.map(members =>
      Object.entries(members)
        .map(([name, value]) => `${name}=${value}`)
        .join(',  '),
    ),
  })
  .map(
    ({ plain, binary, dict }): Array<readonly [string, string]> => [
      ...plain.map(value => ['X-Plain', value] as const),
      ['Dict', dict],
      ...binary.map(value => ['x-BINARY', value] as const),
    ],
  )

const body = fc.option(fc.uint8Array({ minLength: 1, maxLength: 30 }), { nil: undefined })

const request: fc.Arbitrary<HttpRequestMessage> = fc
  .record({ method, path, query, authority, headers, body })
  .map(parts => ({
    method: parts.method,
    target: parts.path + parts.query,
    scheme: 'https',
    authority: parts.authority,
    headers: parts.headers,
    ...(parts.body === undefined ? {} : { body: parts.body }),
  }))

const response: fc.Arbitrary<HttpResponseMessage> = fc
  .record({ status: fc.integer({ min: 100, max: 599 }), headers, body, request })
  .map(({ body: bytes, ...rest }) => ({ ...rest, ...(bytes === undefined ? {} : { body: bytes }) }))

const fields = ['x-plain', '"x-plain";bs', '"x-binary";bs', 'dict', '"dict";sf'] as const
const derived = ['@method', '@authority', '@scheme', '@target-uri', '@request-target', '@path', '@query'] as const
const ofRequest = [...derived.map(name => `"${name}"`), ...fields]
const ofResponse = [
  '@status',
  ...fields,
  ...ofRequest.map(identifier => (identifier.startsWith('"') ? `${identifier};req` : `"${identifier}";req`)),
]

interface Case {
  readonly message: HttpMessage
  readonly components: readonly string[]
}

const aCase: fc.Arbitrary<Case> = fc.oneof(
  fc.record({ message: request, components: fc.shuffledSubarray(ofRequest, { minLength: 1 }) }),
  fc.record({ message: response, components: fc.shuffledSubarray(ofResponse, { minLength: 1 }) }),
)

/** Adds the digest of the body, covered, and the signature. */
async function signed({ message, components }: Case): Promise<Case> {
  const digest = message.body && (['content-digest', await writeContentDigest(message.body)] as const)
  const sent = digest ? withLines(message, digest) : message
  const covered = digest ? [...components, 'content-digest'] : components
  const lines = await signMessage({ message: sent, components: covered, key, structuredFields: types, now })
  return { message: withLines(sent, ...lines), components: covered }
}

function verified({ message, components }: Case): Promise<unknown> {
  return verifyMessage({ message, key: () => verifier, requiredComponents: components, structuredFields: types, now })
}

test(
  'what was signed verifies: any method, target, authority, status, headers, body, components',
  async () => {
    await fc.assert(
      fc.asyncProperty(aCase, async each => {
        await expect(verified(await signed(each))).resolves.toHaveLength(1)
      }),
      { numRuns },
    )
  },
  timeout,
)

/** Another printable character at `at`, never one that ends or trims the part it stands in. */
function bent(text: string, at: number): string {
  if (text === '') return 'x'
  const index = at % text.length
  return text.slice(0, index) + (text[index] === 'x' ? 'y' : 'x') + text.slice(index + 1)
}

function bentLine(message: HttpMessage, name: string, at: number): HttpMessage {
  let bentOne = false
  const lines = message.headers.map(([key, value]): readonly [string, string] => {
    if (bentOne || key.toLowerCase() !== name) return [key, value]
    bentOne = true
    // Inside the first member's value: whitespace between members is not part of what sf signs.
    if (name === 'dict') return [key, value.replace(/=(\d)/, (_, digit) => `=${digit === '9' ? 8 : Number(digit) + 1}`)]
    return [key, bent(value, at)]
  })
  return { ...message, headers: lines }
}

function bentRequest(message: HttpRequestMessage, name: string, at: number): HttpRequestMessage {
  const [where = '', ...rest] = message.target.split('?')
  const asked = rest.join('?')
  switch (name) {
    case '@method':
      return { ...message, method: bent(message.method, at) }
    case '@authority':
      return { ...message, authority: bent(message.authority, 0) }
    case '@scheme':
      return { ...message, scheme: 'http' }
    case '@query':
      return { ...message, target: `${where}?${bent(asked, at)}` }
    case '@path':
    case '@request-target':
    case '@target-uri':
      return { ...message, target: `/${bent(where.slice(1), at)}${message.target.slice(where.length)}` }
    default:
      return bentLine(message, name, at) as HttpRequestMessage
  }
}

function bentMessage(message: HttpMessage, identifier: string, at: number): HttpMessage {
  const name = identifier.replace(/^"([^"]*)".*$/, '$1')
  if (!('status' in message)) return bentRequest(message, name, at)
  if (identifier.endsWith(';req') && message.request)
    return { ...message, request: bentRequest(message.request, name, at) }
  if (name === '@status') return { ...message, status: message.status === 599 ? 100 : message.status + 1 }
  return bentLine(message, name, at)
}

test(
  'one changed byte of a covered part, of the signature or of the body fails',
  async () => {
    await fc.assert(
      fc.asyncProperty(aCase, fc.nat(), fc.nat(), async (each, which, at) => {
        const { message, components } = await signed(each)
        const names = [...components, 'signature']
        const identifier = names[which % names.length] ?? ''
        const changed =
          identifier === 'signature' || identifier === 'content-digest'
            ? bentBytes(message, identifier, at)
            : bentMessage(message, identifier, at)
        await expect(verified({ message: changed, components })).rejects.toThrow(HttpSigError)
      }),
      { numRuns },
    )
  },
  timeout,
)

function bentBytes(message: HttpMessage, name: string, at: number): HttpMessage {
  if (name === 'content-digest' && message.body) {
    const bytes = Uint8Array.from(message.body)
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1
    return { ...message, body: bytes }
  }
  const lines = message.headers.map(([key, value]): readonly [string, string] => {
    if (key !== 'signature') return [key, value]
    const bytes = Buffer.from(value.slice('sig=:'.length, -1), 'base64')
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1
    return [key, `sig=:${bytes.toString('base64')}:`]
  })
  return { ...message, headers: lines }
}

test(
  'Signature-Input is read as it was written',
  async () => {
    const text = textOf(/[\x20-\x7e]/, { maxLength: 12 })
    const time = fc.integer({ min: 1_749_999_800, max: 1_750_000_020 })
    const params = fc.record({ created: time, nonce: text, keyid: text, tag: text }, { requiredKeys: ['created'] })
    const label = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,9}$/)
    await fc.assert(
      fc.asyncProperty(aCase, params, label, async ({ message, components }, given, name) => {
        const options = { message, components, params: given, label: name, key, structuredFields: types }
        const sent = withLines(message, ...(await signMessage(options)))
        const [found] = await verifyMessage({
          message: sent,
          key: () => verifier,
          requiredComponents: components,
          structuredFields: types,
          now,
        })
        expect(found.label).toBe(name)
        expect(found.params).toEqual(given)
        expect(found.components).toEqual(components.map(id => (id.startsWith('"') ? id : `"${id}"`)))
      }),
      { numRuns },
    )
  },
  timeout,
)

const seeds = fc.constantFrom(
  '',
  'sig=("@method" "x-plain";bs);created=1750000000',
  'sig=:AAAA:',
  'sig=("@method")',
  'sig=("@method" "a b");keyid="x";x=?0;y=1.5;z=@1;u=%"a"',
  'sha-256=:AAAA:',
)
const bytes = fc.oneof(
  latin1,
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.tuple(seeds, fc.nat(), latin1).map(([seed, at, piece]) => {
    const where = at % (seed.length + 1)
    return seed.slice(0, where) + piece + seed.slice(where)
  }),
)
const names = ['signature-input', 'signature', 'content-digest', 'x-plain', 'dict', 'accept-signature'] as const
const everything = ['@method', 'x-plain', '"x-plain";bs', '"dict";sf', '"dict";key="a"', 'content-digest']
const input = `sig=(${everything.map(id => (id.startsWith('"') ? id : `"${id}"`)).join(' ')});created=1750000000`

async function onlyOurError(lines: ReadonlyArray<readonly [string, string]>): Promise<void> {
  const message: HttpRequestMessage = {
    method: 'GET',
    target: '/',
    scheme: 'https',
    authority: 'a.example',
    headers: lines,
    body: new Uint8Array(1),
  }
  for (const run of [
    () => verified({ message, components: [] }),
    async () => parseAcceptSignature(...lines.map(([, value]) => value)),
  ])
    try {
      await run()
    } catch (error) {
      if (!(error instanceof HttpSigError)) throw error
    }
}

const wellFormed: ReadonlyArray<readonly [string, string]> = [
  ['signature-input', input],
  ['signature', `sig=:${'A'.repeat(86)}==:`],
  ['content-digest', `sha-256=:${'A'.repeat(43)}=:`],
  ['x-plain', 'a'],
  ['dict', 'a=1'],
]

test(
  'arbitrary bytes in any header yield only our own error',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), bytes, fc.boolean(), async (name, value, added) => {
        const others = wellFormed.filter(([key]) => added || key !== name)
        await onlyOurError([...others, [name, value]])
      }),
      { numRuns },
    )
  },
  timeout,
)

// A quadratic step over 200 kB would take minutes; the whole takes milliseconds.
test('the time it takes grows with the length only', async () => {
  const start = performance.now()
  for (const piece of [
    '"',
    '\\"',
    '"\\',
    ' ',
    '\t',
    ',',
    ';',
    ';a',
    'a=1,',
    '(',
    ')',
    '=',
    ':',
    'A',
    '%"',
    '1',
    '-',
    '\r\n ',
  ])
    for (const before of ['', 'a=', 'a="', 'a=(', 'a=1;', 'sig=:', 'x']) {
      const value = before + piece.repeat(200_000 / piece.length)
      for (const name of ['x-plain', 'dict', 'content-digest', 'signature-input', 'signature'])
        await onlyOurError([...wellFormed.filter(([key]) => key !== name), [name, value]])
    }
  expect(performance.now() - start).toBeLessThan(30_000)
}, 60_000)

test('a request signed by the profile has the same base here', async () => {
  await fc.assert(
    fc.asyncProperty(request, fc.constantFrom('x-plain', 'dict'), async ({ target, body: content }, extra) => {
      // Whole escapes and no dot segments: the profile takes no others.
      const url = new URL(`https://a.example${target.replace(/[%.]/g, 'p')}`)
      const lines: Array<readonly [string, string]> = [
        ['content-type', 'a/b'],
        [extra, 'a, b'],
      ]
      const added = await signRequest({
        method: 'POST',
        url,
        headers: lines,
        ...(content === undefined ? {} : { body: content }),
        key,
        signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
        additionalComponents: [extra],
        now,
      })
      const received = {
        method: 'POST',
        target: url.pathname + url.search,
        headers: [...lines, ...added],
        ...(content === undefined ? {} : { body: content }),
      }
      const opened = openSignature(received, { authorities: ['a.example'], scheme: 'https', now })
      const [found] = await verifyMessage({
        message: { ...received, scheme: 'https', authority: 'a.example' },
        key: () => verifier,
        requiredComponents: opened.required,
        now,
      })
      expect(found.base).toBe(opened.base)
      expect(found.bodyVerified).toBe(content !== undefined)
    }),
    { numRuns: 300 },
  )
})
