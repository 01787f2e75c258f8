import type { PublicJwk } from '@countersign/httpsig'
import type { Reason } from '@countersign/protocol/reasons'
import type { Addresses } from '../addresses.js'
import type { AttackInfo, WireRequest } from './contract.js'
import type { Draft, Signer } from './signing.js'

/** A message that passes, and what it takes to send it once more. */
export interface Subject {
  readonly draft: Draft
  /** How its signature names the key. */
  readonly scheme: 'hwk' | 'jwks_uri' | 'jwt'
  /** The type of its token, and for how many seconds such tokens live; absent where it shows none. */
  readonly token?: { readonly typ: string; readonly lives: number } | undefined
  /** The key, and a token that still lives for a while. */
  readonly signer: () => Promise<Signer>
}

/** What an attacker on the same network has, and a little more: the attacks must fail all the same. */
export interface Means {
  readonly subject: Subject
  readonly signer: Signer
  /** The twin as it was sent. */
  readonly twin: WireRequest
  /** The attacker's own key, inline. */
  readonly thief: Signer
  /** An issuer that the attacker runs, with the attacker's key. */
  readonly attackerIssuer: string
  readonly addresses: Addresses
  /** The published keys of an issuer. */
  readonly keysOf: (issuer: string) => Promise<ReadonlyArray<PublicJwk & { readonly kid: string }>>
  readonly sign: (draft: Draft, signer: Signer, created?: number) => Promise<WireRequest>
  /** Unix seconds. */
  readonly now: () => number
  readonly sleep: (seconds: number) => Promise<void>
}

/** An attack that changes a message. */
export interface MessageAttack extends AttackInfo {
  readonly onMessage: true
  /** The reasons that the attack is about: a refusal for any other one proves nothing. */
  readonly reasons: readonly Reason[]
  /** Why the attack cannot be made on this message; undefined when it can. */
  readonly why: (subject: Subject) => string | undefined
  /** Changes a freshly signed message that would pass as it is. */
  readonly change: (signed: WireRequest, means: Means) => WireRequest | Promise<WireRequest>
}

/** Why stripping a message gains nothing: its route answers anonymous callers, and tells them only that they are. */
export function openToAnyone({ draft }: Subject): string | undefined {
  return /^\/(?:public|whoami)(?:\?|$)/.test(draft.target)
    ? 'The route is open to anonymous callers: without its signature the request is one of those, and has no name.'
    : undefined
}

/** Nothing stands in the way. */
export const always = (): undefined => undefined

/** The request with every line of a header changed, or removed where there is no value. */
export function withHeader(
  request: WireRequest,
  name: string,
  change: (value: string) => string | undefined,
): WireRequest {
  const headers = request.headers.flatMap(([known, value]) => {
    if (known.toLowerCase() !== name) return [[known, value] as const]
    const changed = change(value)
    return changed === undefined ? [] : [[known, changed] as const]
  })
  return { ...request, headers }
}

/** The request with one more header line. */
export function withLine(request: WireRequest, name: string, value: string): WireRequest {
  return { ...request, headers: [...request.headers, [name, value]] }
}

/** The text with the character at a place replaced by another one of the same alphabet. */
export function withOther(text: string, at: number): string {
  const was = text[at]
  return was === undefined ? text : text.slice(0, at) + (was === 'A' ? 'B' : 'A') + text.slice(at + 1)
}

/** The body with its last letter or digit changed; a body without one stays empty. */
export function changedBody(body: string): string {
  for (let at = body.length - 1; at >= 0; at--) if (/[0-9A-Za-z]/.test(body.charAt(at))) return withOther(body, at)
  return body
}
