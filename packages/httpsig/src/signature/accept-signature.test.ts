import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type AnswerOptions,
  answerAcceptSignature,
  HttpSigError,
  importSigningKey,
  importVerifyKey,
  parseAcceptSignature,
  type SignatureRequest,
  serializeAcceptSignature,
  verifyMessage,
} from '../index.js'
import { ed25519, testRequest, testResponse, withLines } from '../message/http-message.test.fixture.js'

const key = await importSigningKey(ed25519)
const verifier = await importVerifyKey(key.publicJwk)
const now = (): number => 1_750_000_000

// RFC 9421 §5.1.
const example =
  'sig1=("@method" "@target-uri" "@authority" "content-digest" "cache-control");keyid="test-key-rsa-pss";created;tag="app-123"'

test('§5.1: the example is read and written back', () => {
  const requests = parseAcceptSignature(example)
  expect(requests).toEqual([
    {
      label: 'sig1',
      components: ['"@method"', '"@target-uri"', '"@authority"', '"content-digest"', '"cache-control"'],
      keyid: 'test-key-rsa-pss',
      created: true,
      tag: 'app-123',
    },
  ])
  expect(serializeAcceptSignature(requests)).toBe(example)
})

test('several lines are one Dictionary; unknown parameters are named', () => {
  expect(parseAcceptSignature('a=("@method";req)', 'b=();expires;new=1')).toEqual([
    { label: 'a', components: ['"@method";req'] },
    { label: 'b', components: [], expires: true, unknown: ['new'] },
  ])
  expect(parseAcceptSignature()).toEqual([])
})

test.each([
  'a=("@method");created=1',
  'a=("@method");expires=?0',
  'a=("@method");keyid=tok',
  'a=("@method"), a=()',
  'a=("@method");tag="a";tag="b"',
  'a=(method)',
  'a=("@signature-params")',
  'a="@method"',
  '',
])('the line is refused: %s', line => {
  expect(() => parseAcceptSignature(line)).toThrow(HttpSigError)
})

test('values that cannot be written are refused', () => {
  for (const requests of [
    [{ label: 'A', components: [] }],
    [
      { label: 'a', components: [] },
      { label: 'a', components: [] },
    ],
    [{ label: 'a', components: ['a b'] }],
    [{ label: 'a', components: [], nonce: 'é' }],
  ])
    expect(() => serializeAcceptSignature(requests), JSON.stringify(requests)).toThrow(TypeError)
})

const asked: SignatureRequest = {
  label: 'asked',
  components: ['"@status"', '"content-digest"', '"@method";req'],
  created: true,
  expires: true,
  nonce: 'n',
  alg: 'ed25519',
  keyid: 'k',
  tag: 't',
}
const message = { ...testResponse, request: testRequest }
const options = (change: Partial<AnswerOptions> = {}): AnswerOptions => ({
  message,
  requests: [asked],
  key: () => ({ key, keyid: 'k' }),
  now,
  ...change,
})

test('§5.2: a requested signature is made', async () => {
  const { lines, refused } = await answerAcceptSignature(options())
  expect(refused).toEqual([])
  expect(lines[0]).toEqual([
    'signature-input',
    'asked=("@status" "content-digest" "@method";req);created=1750000000;expires=1750000300;nonce="n";alg="ed25519";keyid="k";tag="t"',
  ])
  const [verified] = await verifyMessage({
    message: withLines(message, ...lines),
    key: () => verifier,
    requiredComponents: asked.components,
    label: 'asked',
    now,
  })
  expect(verified.bodyVerified).toBe(true)
})

test.each([
  ['label', { message: withLines(message, ['signature', 'asked=:AA==:']) }],
  ['key', { key: () => undefined }],
  ['keyid', { key: async () => ({ key, keyid: 'l' }) }],
  ['keyid', { key: () => ({ key }) }],
  ['alg', { requests: [{ ...asked, alg: 'ecdsa-p256-sha256' }] }],
  ['alg', { requests: [{ ...asked, alg: 'hmac-sha256' }] }],
  ['parameter', { requests: [{ ...asked, unknown: ['new'] }] }],
  ['component', { requests: [{ ...asked, components: ['"absent"'] }] }],
  ['component', { requests: [{ ...asked, components: ['"@status";tr'] }] }],
  [
    'component',
    { requests: [{ ...asked, components: ['"signature"'] }], message: withLines(message, ['signature', 'b=:AA==:']) },
  ],
] as ReadonlyArray<[string, Partial<AnswerOptions>]>)('refused for its %s (%#)', async (reason, change) => {
  const { lines, refused } = await answerAcceptSignature(options(change))
  expect(lines).toEqual([])
  expect(refused).toMatchObject([{ label: 'asked', reason }])
})

test('a refused request does not keep the next from being signed', async () => {
  const requests = [
    { label: 'a', components: ['"absent"'] },
    { label: 'b', components: ['"@status"'] },
  ]
  const { lines, refused } = await answerAcceptSignature(options({ requests, key: () => ({ key }) }))
  expect(refused).toMatchObject([{ label: 'a', reason: 'component', cause: { component: 'absent' } }])
  expect(lines[0]).toEqual(['signature-input', 'b=("@status");created=1750000000'])
})

const text = fc.string({ unit: 'grapheme-ascii', maxLength: 12 })
const label = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,9}$/)
const request: fc.Arbitrary<SignatureRequest> = fc.record(
  {
    label,
    components: fc.array(
      fc.constantFrom('"@method"', '"@query-param";name="a b"', '"a";sf', '"b";key="c";req', '"d";bs', '"@status"'),
    ),
    created: fc.constant(true as const),
    expires: fc.constant(true as const),
    nonce: text,
    alg: text,
    keyid: text,
    tag: text,
  },
  { requiredKeys: ['label', 'components'] },
)

test('what is written reads as it was', () => {
  fc.assert(
    fc.property(fc.uniqueArray(request, { selector: r => r.label, minLength: 1, maxLength: 5 }), requests => {
      expect(parseAcceptSignature(serializeAcceptSignature(requests))).toEqual(requests)
    }),
    { numRuns },
  )
})
