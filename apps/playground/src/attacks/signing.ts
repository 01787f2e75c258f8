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
}

/** Who signs, and what the signature says of its key. */
export interface Signer {
  readonly key: SigningKey
  readonly signatureKey: SignatureKey
}

/** The headers that signing adds. */
export const signingHeaders: readonly string[] = ['signature-input', 'signature', 'signature-key', 'content-digest']

/** Signs a request. @param created Unix seconds; default now */
export async function sign(draft: Draft, signer: Signer, created?: number): Promise<WireRequest> {
  const { method, to, target, headers, body } = draft
  const added = await signRequest({
    ...{ method, url: `${to}${target}`, headers, ...signer },
    ...(body === '' ? {} : { body: new TextEncoder().encode(body) }),
    ...(created === undefined ? {} : { now: () => created }),
  })
  return { method, to, target, headers: [...headers, ...added], body }
}
