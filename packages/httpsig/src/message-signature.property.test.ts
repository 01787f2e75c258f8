import { signedRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { writeContentDigest } from './digest/content-digest.js'
import {
  type HttpMessage,
  type HttpRequestMessage,
  HttpSigError,
  openSignature,
  signMessage,
  signRequest,
  verifyMessage,
} from './index.js'
import { withLines } from './message/http-message.test.fixture.js'
import {
  aCase,
  type Case,
  key,
  now,
  request,
  textOf,
  types,
  verified,
  verifier,
} from './message-arbitrary.test.fixture.js'

/** Adds the digest of the body, covered, and the signature. */
async function signed({ message, components }: Case): Promise<Case> {
  const digest = message.body && (['content-digest', await writeContentDigest(message.body)] as const)
  const sent = digest ? withLines(message, digest) : message
  const covered = digest ? [...components, 'content-digest'] : components
  const lines = await signMessage({ message: sent, components: covered, key, structuredFields: types, now })
  return { message: withLines(sent, ...lines), components: covered }
}

test('a signed message verifies, with any method, target, authority, status, headers, body and components', async () => {
  await fc.assert(
    fc.asyncProperty(aCase, async each => {
      await expect(verified(await signed(each))).resolves.toHaveLength(1)
    }),
    { numRuns: signedRuns },
  )
})

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

test('a message with one changed byte in a covered part, the signature or the body does not verify', async () => {
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
    { numRuns: signedRuns },
  )
})

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

test('Signature-Input is read as written', async () => {
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
    { numRuns: signedRuns },
  )
})

test('signRequest and verifyMessage build the same base', async () => {
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
    { numRuns: signedRuns },
  )
})
