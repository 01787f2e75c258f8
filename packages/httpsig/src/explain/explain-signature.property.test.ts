import { signedRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HttpSigError, importVerifyKey, openSignature, type ReceivedMessage, verifySignature } from '../index.js'
import { get, headerOf, options, post, send, withHeader } from '../signed-message.test.fixture.js'
import { covering, explain, withQuery } from './explain-signature.test.fixture.js'

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
    fc.constantFrom(...[get, post(), withQuery('?a=b&c=d'), covering('x', 'a', 'b')].map(send)),
    fc.record({ part: fc.nat(7), text: anyHeader, at: fc.nat(200) }),
  )
  .map(([message, { part, text, at }]) => {
    if (part === 0) return { ...message, method: text }
    if (part === 1) return { ...message, target: `/${encodeURIComponent(text.replace(/[\ud800-\udfff]/g, ''))}` }
    if (part === 2) return { ...message, body: new TextEncoder().encode(text) }
    if (part === 3) return message
    const name = ['signature', 'signature-input', 'signature-key', 'content-digest'][part - 4] ?? ''
    const value = headerOf(message, name)
    return withHeader(message, name, value.slice(0, at) + text + value.slice(at + text.length))
  })

// A damaged signature costs up to a hundred verifications, the others none.
const either = fc.oneof({ weight: 3, arbitrary: anyMessage }, { weight: 1, arbitrary: damaged })

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

test(verifies('SIG-18', 'it never throws, and its verdict is that of the verifier'), async () => {
  await fc.assert(
    fc.asyncProperty(either, async message => {
      const explanation = await explain(message)
      expect(explanation.verdict).toBe(await verdictOf(message))
      expect(explanation.findings.length === 0).toBe(explanation.verdict !== 'refused')
      expect(explanation.tried).toBeLessThanOrEqual(100)
    }),
    { numRuns: signedRuns },
  )
})
