import { createHash } from 'node:crypto'
import type { HeaderLine, WireRequest } from '../wire/message.js'
import type { TestKey } from './key.js'

/**
 * A request before it is signed. A case changes a member, and the request is signed with the change: so the signature is right and only
 * what the case names is wrong. What must be changed after the signature is changed in the request that `signDraft` returns.
 */
export interface Draft {
  readonly method: string
  /** Path and query, as they stand in the request line. */
  readonly target: string
  /** The value of `@authority` in the signature base. */
  readonly authority: string
  readonly scheme: 'http' | 'https'
  /** All header lines but those of the signature; `Host` among them. */
  readonly headers: readonly HeaderLine[]
  readonly body: Uint8Array
  readonly framing?: WireRequest['framing'] | undefined
  readonly key: TestKey
  /** The one member of `Signature-Key`, as text: `hwk;alg="Ed25519";…`. */
  readonly keyMember: string
  readonly label: string
  /** Covered components as text (`"@path"`, `"signature-key";sf`); default what protocol §3.4 demands. */
  readonly components?: readonly string[] | undefined
  /** Values in the signature base that are not those of the message, by component. */
  readonly values?: Readonly<Record<string, string>> | undefined
  /** Parameters as text: `;created=1800000000;nonce="…"`. */
  readonly parameters: string
  /** The value of `Content-Digest`; default sha-256 of the body, none without a body; `null` leaves it out. */
  readonly digest?: string | null | undefined
  /** Makes the bytes of the signature into others. */
  readonly signature?: ((bytes: Buffer) => Buffer) | undefined
}

/** The components that a request must cover, in their usual order. @see protocol §3.4 */
export function requiredComponents(draft: Draft): string[] {
  const query = draft.target.includes('?') ? ['"@query"'] : []
  const body = draft.body.length > 0 ? ['"content-type"', '"content-digest"'] : []
  return ['"@method"', '"@authority"', '"@path"', ...query, ...body, '"signature-key"']
}

/** A digest of bytes as a member of `Content-Digest`. */
export function digestMember(body: Uint8Array, algorithm: 'sha-256' | 'sha-512' = 'sha-256'): string {
  const hash = createHash(algorithm === 'sha-256' ? 'sha256' : 'sha512')
  return `${algorithm}=:${hash.update(body).digest('base64')}:`
}

/** Signs a draft. */
export function signDraft(draft: Draft): WireRequest {
  const { method, target, body, framing, label } = draft
  const digest = draft.digest === undefined && body.length > 0 ? digestMember(body) : draft.digest
  const unsigned: HeaderLine[] = [
    ...draft.headers,
    ...(digest === undefined || digest === null ? [] : [['content-digest', digest] as const]),
    ['signature-key', `${label}=${draft.keyMember}`],
  ]
  const components = draft.components ?? requiredComponents(draft)
  const input = `(${components.join(' ')})${draft.parameters}`
  const bytes = draft.key.sign(Buffer.from(signatureBase(draft, unsigned, components), 'latin1'))
  const signature = draft.signature?.(bytes) ?? bytes
  const headers: HeaderLine[] = [
    ...unsigned,
    ['signature-input', `${label}=${input}`],
    ['signature', `${label}=:${signature.toString('base64')}:`],
  ]
  return { method, target, headers, body, ...(framing === undefined ? {} : { framing }) }
}

/** The signature base of a draft with these header lines. @see RFC 9421 §2.5 */
export function signatureBase(draft: Draft, headers: readonly HeaderLine[], components: readonly string[]): string {
  const lines = components.map(component => `${component}: ${componentValue(component, draft, headers)}\n`)
  return `${lines.join('')}"@signature-params": (${components.join(' ')})${draft.parameters}`
}

function componentValue(component: string, draft: Draft, headers: readonly HeaderLine[]): string {
  const given = draft.values?.[component]
  if (given !== undefined) return given
  const { target, authority, scheme, method } = draft
  const [path = '', ...query] = target.split('?')
  const derived: Readonly<Record<string, string>> = {
    '@method': method,
    '@authority': authority,
    '@path': path,
    '@query': `?${query.join('?')}`,
    '@scheme': scheme,
    '@target-uri': `${scheme}://${authority}${target}`,
    '@request-target': target,
  }
  const name = /^"([^"]*)"/.exec(component)?.[1] ?? ''
  const found = derived[name]
  if (found !== undefined) return found
  const lines = headers.filter(([field]) => field.toLowerCase() === name.toLowerCase())
  return lines.map(([, value]) => value.trim()).join(', ')
}
