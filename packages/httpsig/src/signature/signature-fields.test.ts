import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { parseSignatureInput, signatureLimits } from '../component/signature-input.js'
import { parseMembers } from '../component/structured-field.js'
import {
  importSigningKey,
  importVerifyKey,
  openSignature,
  parseSignatureKey,
  signMessage,
  verifyMessage,
} from '../index.js'
import { ed25519, p256, testRequest, withLines } from '../message/http-message.test.fixture.js'
import { options, post, send, withHeader } from '../signed-message.test.fixture.js'
import { parseAcceptSignature } from './accept-signature.js'
import { joinedLines, onlyLine } from './signature-lines.js'

const created = 1_750_000_000
const key = await importSigningKey(ed25519)
const verifier = await importVerifyKey(key.publicJwk)
const label65 = 'a'.repeat(65)

/** A message with these lines of its signature headers. */
const message = (...headers: ReadonlyArray<readonly [string, string]>) => ({ method: 'GET', target: '/', headers })

const signature = `sig=:${'A'.repeat(86)}==:`

/** What verification makes of two lines. */
async function verdictOn(input: string, written = signature, verifyKey = verifier): Promise<unknown> {
  const received = withLines(testRequest, ['signature-input', input], ['signature', written])
  const options = { key: () => verifyKey, requiredComponents: ['@method'], now: () => created }
  return verifyMessage({ message: received, ...options }).then(
    () => 'accepted',
    (error: unknown) => error,
  )
}

/** What a reader throws. */
function refusalOf(read: () => unknown): unknown {
  try {
    return { read: read() }
  } catch (error) {
    return error
  }
}

test(verifies('sig.headers.all', 'a header that is missing is named as that'), () => {
  for (const read of [onlyLine, joinedLines])
    expect(refusalOf(() => read(message(['host', 'a']), 'signature-key'))).toMatchObject({
      reason: 'signature_header_missing',
      cause: { header: 'signature-key' },
    })
  expect(onlyLine(message(['Signature-Key', 'sig=hwk']), 'signature-key')).toBe('sig=hwk')
})

test.each(['sig=\u00fc', 'sig="\x7f"', 'sig="\0"', ''])(
  verifies('sig.headers.dictionary', 'a header with the value %j is unreadable'),
  value => {
    for (const read of [onlyLine, joinedLines])
      expect(refusalOf(() => read(message(['signature-input', value]), 'signature-input'))).toMatchObject({
        reason: 'signature_header_malformed',
        cause: { header: 'signature-input' },
      })
  },
)

test(verifies('sig.headers.dictionary', 'a tab is whitespace between members, and nothing else'), () => {
  expect(joinedLines(message(['signature', 'a=1,\tb=2']), 'signature')).toBe('a=1,\tb=2')
  expect(refusalOf(() => onlyLine(message(['signature-key', 'a=hwk;\tb']), 'signature-key'))).toMatchObject({
    reason: 'signature_header_malformed',
  })
})

test(verifies('sig.headers.dictionary', 'a Dictionary without members is empty'), () => {
  expect(refusalOf(() => parseMembers('Signature', '', signatureLimits))).toMatchObject({
    reason: 'signature_header_malformed',
  })
  expect(parseMembers('Signature', 'a=1', signatureLimits).size).toBe(1)
})

test(verifies('sig.key.parameters', 'Signature-Key without a member is refused'), () => {
  expect(refusalOf(() => parseSignatureKey(''))).toMatchObject({ reason: 'signature_key_malformed' })
})

test(verifies('limits.before-parsing', 'Signature-Input of more than 8192 bytes is not parsed'), () => {
  const input = (length: number): string => {
    const [head, tail] = ['sig=("@method");created=1750000000;nonce="', '"']
    return head + 'n'.repeat(length - head.length - tail.length) + tail
  }
  expect(parseSignatureInput(input(8192), 'sig').label).toBe('sig')
  expect(refusalOf(() => parseSignatureInput(input(8193), 'sig'))).toMatchObject({
    reason: 'header_too_long',
    status: 431,
  })
})

test.each([
  ['sig=("@method");created=1.5', 'signature_parameter_malformed'],
  ['sig=("@method");created="1750000000"', 'signature_parameter_malformed'],
  ['sig=("@method");created=1750000000;expires=?1', 'signature_parameter_malformed'],
  ['sig=("@method");created=1750000000;nonce=7', 'signature_parameter_malformed'],
  ['sig=("@method");created=1750000000;keyid=token', 'signature_parameter_malformed'],
])(verifies('sig.parameters.kept', 'a parameter of another type is refused: %s'), async (input, reason) => {
  expect(await verdictOn(input)).toMatchObject({ reason })
})

test(verifies('sig.headers.dictionary', 'a label of more than 64 characters is refused'), async () => {
  const long = [`${label65}=("@method");created=${created}`, signature.replace('sig', label65)] as const
  expect(await verdictOn(...long)).toMatchObject({ reason: 'signature_header_malformed' })
  expect(refusalOf(() => parseAcceptSignature(`${label65}=("@method")`))).toMatchObject({
    reason: 'signature_header_malformed',
  })
  expect(parseAcceptSignature(`${'a'.repeat(64)}=("@method")`)).toHaveLength(1)
})

test.each(['sig=("@method");x=1.0', 'sig=("@method");x=@9000000000000'])(
  verifies('sig.headers.dictionary', 'Accept-Signature with two readings is refused: %s'),
  line => {
    expect(refusalOf(() => parseAcceptSignature(line))).toMatchObject({ reason: 'signature_header_malformed' })
  },
)

test(verifies('sig.headers.dictionary', 'a signature header with a character beyond ASCII is named'), async () => {
  expect(refusalOf(() => parseAcceptSignature('sig=("@method");tag="\u00fc"'))).toMatchObject({
    reason: 'signature_header_malformed',
    cause: { header: 'accept-signature' },
  })
})

test.each(['sig="text"', 'sig=1', 'sig', 'sig=(:AAAA:)'])(
  verifies('sig.alg.signature', 'a signature that is no Byte Sequence is refused as that: %s'),
  async written => {
    expect(await verdictOn(`sig=("@method");created=${created}`, written)).toMatchObject({
      reason: 'signature_malformed',
    })
  },
)

test(
  verifies('KEY-03', 'sig.parameters.alg', 'a key decides the algorithm, and a message cannot name another'),
  async () => {
    const input = `sig=("@method");created=${created};alg="ed25519"`
    const other = await importVerifyKey((await importSigningKey(p256)).publicJwk)
    expect(await verdictOn(input, signature, other)).toMatchObject({ reason: 'algorithm_mismatched' })
    expect(await verdictOn(input)).toMatchObject({ reason: 'signature_wrong' })
  },
)

test.each(['signature', 'signature-input'])(
  verifies('sig.covered.parameters', '%s as a whole is never covered, also where the message has one'),
  async name => {
    const signed = withLines(
      testRequest,
      ...(await signMessage({ message: testRequest, components: ['@method'], key })),
    )
    const options = { message: signed, key, label: 'second' }
    await expect(signMessage({ ...options, components: [name] })).rejects.toMatchObject({
      reason: 'component_unsupported',
    })
    expect(await signMessage({ ...options, components: [`"${name}";key="sig"`] })).toHaveLength(2)
  },
)

test(verifies('sig.digest.algorithms', 'an empty Content-Digest is told as that'), () => {
  const received = withHeader(send(post('a')), 'content-digest', '')
  expect(refusalOf(() => openSignature(received, options))).toMatchObject({
    reason: 'digest_malformed',
    message: expect.stringMatching(/: it is empty/),
  })
  expect(openSignature(send(post('a')), options).label).toBe('sig')
})
