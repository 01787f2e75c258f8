import { requiredComponents } from '../component/covered-components.js'
import { integerParameter, type SignatureInput, stringParameter } from '../component/signature-input.js'
import { type ContentDigest, matchesContentDigest, parseContentDigest } from '../digest/content-digest.js'
import { HttpSigError } from '../error.js'
import { algorithmNamed } from '../key/algorithm.js'
import type { VerifyKey } from '../key/verify-key.js'
import { headerValues, type ReceivedMessage, trimOws } from '../message/received-message.js'
import type { SignatureFinding } from './finding.js'
import { readOrRefusal } from './read-or-refusal.js'

function orUndefined<T>(read: () => T): T | undefined {
  const value = readOrRefusal(read)
  return value instanceof HttpSigError ? undefined : value
}

function duration(seconds: number): string {
  const whole = Math.abs(Math.round(seconds))
  if (whole < 120) return `${whole} s`
  if (whole < 7200) return `${Math.round(whole / 60)} min`
  return whole < 172_800 ? `${Math.round(whole / 3600)} h` : `${Math.round(whole / 86_400)} days`
}

/** What is wrong with `created`, `expires` and `alg`. */
export function parameterFindings(
  input: SignatureInput,
  o: { readonly now: number; readonly tolerance: number; readonly key: VerifyKey | undefined },
): SignatureFinding[] {
  const findings: SignatureFinding[] = []
  const created = orUndefined(() => integerParameter(input, 'created'))
  const expires = orUndefined(() => integerParameter(input, 'expires'))
  if (created === undefined)
    findings.push({
      reason: 'created_missing',
      at: 'created',
      change: 'add the parameter created, an Integer in Unix seconds',
    })
  else if (Math.abs(o.now - created) > o.tolerance)
    findings.push({
      reason: created > o.now ? 'created_in_future' : 'created_too_old',
      at: 'created',
      change:
        created > 100_000_000_000
          ? 'write created in seconds, not in milliseconds'
          : created < o.now
            ? `sign right before sending and set the clock of the signer: created is ${duration(o.now - created)} old`
            : `set the clock of the signer: created is ${duration(created - o.now)} ahead`,
      received: String(created),
      expected: `${o.now - o.tolerance} to ${o.now + o.tolerance}`,
    })
  if (expires !== undefined && (expires < o.now || expires < (created ?? 0)))
    findings.push({
      reason: 'signature_expired',
      at: 'expires',
      change: 'sign again: the signature has expired',
      received: String(expires),
      expected: `${o.now} or later`,
    })
  const named = orUndefined(() => stringParameter(input, 'alg'))
  if (named !== undefined && o.key !== undefined && algorithmNamed(named) !== o.key.algorithm)
    findings.push({
      reason: algorithmNamed(named) === undefined ? 'algorithm_unsupported' : 'algorithm_mismatched',
      at: 'alg',
      change: 'leave the parameter alg out, or name the algorithm of the key',
      received: named.slice(0, 64),
      expected: o.key.algorithm,
    })
  return findings
}

/** Components that are missing in the coverage, and covered ones that the request does not have. */
export function coverageFindings(
  message: ReceivedMessage,
  input: SignatureInput,
  additional: readonly string[],
): SignatureFinding[] {
  const hasQuery = message.target.includes('?')
  const hasBody = (message.body?.length ?? 0) > 0
  const has = (field: string): boolean => headerValues(message, field).length > 0
  const required = requiredComponents({ hasQuery, hasBody, additional, has })
  const plain = input.components.filter(component => !component.parameters).map(component => component.name)
  const findings = required
    .filter(name => !plain.includes(name))
    .map((name): SignatureFinding => ({ reason: 'component_not_covered', at: name, change: `cover "${name}" too` }))
  if (!hasQuery && plain.includes('@query'))
    findings.push({
      reason: 'query_missing',
      at: '@query',
      change: 'cover @query only when the target has a question mark, and see that no proxy drops the query',
    })
  if (!hasBody && plain.includes('content-digest'))
    findings.push({
      reason: 'body_missing',
      at: 'content-digest',
      change: 'send the body that was signed, or cover content-digest only when there is one',
    })
  return findings
}

const digestNames = { sha256: 'sha-256', sha512: 'sha-512' } as const

/** Variants of a body, one of which the signer may have digested. */
function bodyVariants(body: Uint8Array): Array<readonly [what: string, bytes: Uint8Array]> {
  const text = new TextDecoder().decode(body)
  const encoder = new TextEncoder()
  const variants: Array<readonly [string, string]> = [
    ['the body without its last line feed', text.replace(/\r?\n$/, '')],
    ['the body with a line feed at its end', `${text}\n`],
    ['the body with LF line ends', text.replaceAll('\r\n', '\n')],
    ['the body with CRLF line ends', text.replaceAll(/\r?\n/g, '\r\n')],
    ['no body at all', ''],
  ]
  try {
    const json: unknown = JSON.parse(text)
    variants.push(['the same JSON written compactly', JSON.stringify(json)])
    variants.push(['the same JSON written with indentation', JSON.stringify(json, null, 2)])
  } catch {
    // not JSON: no such variants
  }
  return variants.map(([what, variant]) => [what, encoder.encode(variant)])
}

async function findDigestedVariant(digest: ContentDigest, body: Uint8Array): Promise<string | undefined> {
  for (const [what, bytes] of bodyVariants(body)) if (await matchesContentDigest(digest, bytes)) return what
  return undefined
}

/** What is wrong with Content-Digest: missing, malformed, or not that of the body. */
export async function digestFindings(message: ReceivedMessage): Promise<SignatureFinding[]> {
  const { body } = message
  const at = 'content-digest'
  if (body === undefined || body.length === 0) return []
  const lines = headerValues(message, at)
  if (lines.length === 0)
    return [{ reason: 'digest_missing', at, change: 'send Content-Digest with the SHA-256 of the body, and cover it' }]
  const digest = readOrRefusal(() => parseContentDigest(lines.map(trimOws).join(', ')))
  if (digest instanceof HttpSigError)
    return [{ reason: digest.reason, at, change: 'write Content-Digest as sha-256=:base64: with standard base64' }]
  if (await matchesContentDigest(digest, body)) return []
  const wrong: string[] = []
  for (const name of ['sha256', 'sha512'] as const) {
    const one = digest[name]
    if (one !== undefined && !(await matchesContentDigest({ [name]: one }, body))) wrong.push(digestNames[name])
  }
  const what = await findDigestedVariant(digest, body)
  return [
    {
      reason: 'digest_wrong',
      at,
      change:
        what === undefined
          ? 'digest exactly the bytes that are sent: the body was altered after signing, or another one was digested'
          : `digest exactly the bytes that are sent: the digest is that of ${what}`,
      received: `a body of ${body.length} bytes whose ${wrong.join(' and ')} differs`,
      ...(what !== undefined && { expected: what }),
    },
  ]
}
