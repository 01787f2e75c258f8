import { type SignatureKey, type SigningKey, signRequest } from '@countersign/httpsig'
import type { WireRequest } from './contract.js'

/** What is signed: a request without its signature. */
export interface Draft {
  readonly method: string
  readonly to: string
  readonly target: string
  /** Without those that signing adds. */
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: string
  /** Headers to cover beside those that must be. */
  readonly covers?: readonly string[]
}

/** Who signs, and what the signature says of its key. */
export interface Signer {
  readonly key: SigningKey
  readonly signatureKey: SignatureKey
}

/** The headers that signing adds. */
export const signingHeaders: readonly string[] = ['signature-input', 'signature', 'signature-key', 'content-digest']

/** When a request is signed, in Unix seconds, and what makes it unlike others; default: now, and at random. */
export interface Moment {
  readonly created?: number
  readonly nonce?: string
}

/** Signs a request. */
export async function sign(draft: Draft, signer: Signer, { created, nonce }: Moment = {}): Promise<WireRequest> {
  const { method, to, target, headers, body, covers = [] } = draft
  const added = await signRequest({
    method,
    url: `${to}${target}`,
    headers,
    additionalComponents: covers,
    ...signer,
    ...(body === '' ? {} : { body: new TextEncoder().encode(body) }),
    ...(created === undefined ? {} : { now: () => created }),
    ...(nonce === undefined ? {} : { nonce }),
  })
  return { method, to, target, headers: [...headers, ...added], body }
}
