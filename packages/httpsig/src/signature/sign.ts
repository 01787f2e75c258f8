import { base64Encode } from '#base64url'
import { checkOptionsOffPage } from '#check-options'
import { ascii, random16 } from '#crypto'
import { requiredComponents } from '../component/covered-components.js'
import type { RequestContext } from '../component/message-context.js'
import { bareSignatureBase } from '../component/signature-base.js'
import { componentLimit } from '../component/signature-input.js'
import { writeSha256Digest } from '../digest/content-digest.js'
import type { SigningKey } from '../key/key.js'
import { signBytes } from '../key/sign-bytes.js'
import { trimOws } from '../message/received-message.js'
import type { OptionChecks } from '../option/option-check.js'
import { type SignatureKey, serializeSignatureKey, signatureKeyLimit } from './signature-key.js'

/** The options of {@link signRequest}. */
export interface SignOptions {
  readonly method: string
  /** The URL to send to. A lone `?` and a fragment are dropped before signing: send the request without them. */
  readonly url: string | URL
  /** Headers of the request; needed for those that are covered. */
  readonly headers?: Iterable<readonly [string, string]>
  readonly body?: Uint8Array
  readonly key: SigningKey
  /** Tells the verifier how to find the key. */
  readonly signatureKey: SignatureKey
  /** Further components to cover when the request has them, e.g. a resource's `additional_signature_components`. */
  readonly additionalComponents?: readonly string[]
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
  /** Default 16 random bytes, base64url. */
  readonly nonce?: string
}

const label = 'sig'
const ours: readonly string[] = ['signature-input', 'signature', 'signature-key', 'content-digest']

function linesOf(headers: Iterable<readonly [string, string]>): Map<string, string[]> {
  // bound: one call
  const lines = new Map<string, string[]>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    // An old Signature-Key beside the new one would make two members, and the header may have one.
    if (ours.includes(key)) throw new TypeError('the request already carries a signature header or Content-Digest')
    // bound: one call
    const held = lines.get(key)
    if (held) held.push(trimOws(value))
    else lines.set(key, [trimOws(value)])
  }
  return lines
}

function quoted(nonce: string): string {
  if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(nonce))
    throw new TypeError('the nonce must be printable ASCII without quotes')
  return `"${nonce}"`
}

function contextOf(options: SignOptions, lines: ReadonlyMap<string, readonly string[]>): RequestContext {
  const url = typeof options.url === 'string' ? new URL(options.url) : options.url
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('the URL must be http or https')
  return {
    method: options.method,
    target: url.pathname + url.search,
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    authority: url.host,
    lines: name => lines.get(name) ?? [],
  }
}

const checks: OptionChecks<SignOptions> = {
  method: 'string',
  url: 'any',
  headers: 'any',
  body: 'any',
  key: 'object',
  signatureKey: 'object',
  additionalComponents: 'array',
  now: 'function',
  nonce: 'any',
}

/**
 * Signs a request and returns the header lines to add: `signature-input`, `signature`, `signature-key`, and `content-digest` when there is a body.
 * @throws TypeError when a body has no `content-type`, when the request already carries one of these headers, when the Signature-Key is over 7 KiB, or when the key's signature has another length than its algorithm's
 * @throws SigningKeyError when the key fails or takes longer than 5 seconds
 * @see protocol §3.4 and §3.5
 * @example
 * ```ts
 * import { generateSigningKey, signRequest } from '@countersign/httpsig'
 *
 * const key = await generateSigningKey()
 * const url = 'https://calendar.example/events'
 * const added = await signRequest({ method: 'GET', url, headers: [], key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } })
 * await fetch(url, { headers: added.map(([name, value]): [string, string] => [name, value]) })
 * ```
 */
export async function signRequest(options: SignOptions): Promise<Array<readonly [string, string]>> {
  // A misspelt body would go unsigned.
  checkOptionsOffPage('signRequest', options, checks)
  return signCheckedRequest(options)
}

/** As {@link signRequest}, for code of this project: names of options are not checked. */
// unchecked options options: only packages of ours call it, and TypeScript checks them
export async function signCheckedRequest(options: SignOptions): Promise<Array<readonly [string, string]>> {
  const lines = linesOf(options.headers ?? [])
  const context = contextOf(options, lines)
  const signatureKey = serializeSignatureKey(label, options.signatureKey)
  if (signatureKey.length > signatureKeyLimit) throw new TypeError('the Signature-Key is longer than 7 KiB')
  const added: Array<readonly [string, string]> = [['signature-key', signatureKey]]
  const hasBody = (options.body?.length ?? 0) > 0
  if (hasBody && options.body) {
    if (!lines.has('content-type')) throw new TypeError('a signed body needs a content-type')
    added.push(['content-digest', await writeSha256Digest(options.body)])
  }
  for (const [name, value] of added) lines.set(name, [value])
  const names = requiredComponents({
    hasQuery: context.target.includes('?'),
    hasBody,
    additional: options.additionalComponents ?? [],
    has: field => lines.has(field),
  })
  if (names.length > componentLimit) throw new TypeError('more than 32 components would be covered')
  const created = Math.floor(options.now?.() ?? Date.now() / 1000)
  const nonce = options.nonce ?? random16()
  const input = `(${names.map(name => `"${name}"`).join(' ')});created=${created};nonce=${quoted(nonce)}`
  const base = bareSignatureBase(names, input, context)
  const signature = await signBytes(options.key, ascii(base))
  return [['signature-input', `${label}=${input}`], ['signature', `${label}=:${base64Encode(signature)}:`], ...added]
}
