import { type ReceivedMessage, signRequest } from '@countersign/httpsig'
import type { Signer } from './signer.js'

/** A request before it is signed. */
export interface ToSign {
  readonly as: Signer
  /** What it is signed for. */
  readonly origin: string
  /** The `Host` that is sent. Default that of the origin. */
  readonly host?: string | undefined
  /** Path and query, sent as they stand. Default `/`. */
  readonly target?: string | undefined
  /** Default `GET`. */
  readonly method?: string | undefined
  /** Beside `Host`, `Content-Type` and what the signature adds. */
  readonly headers?: ReadonlyArray<readonly [string, string]> | undefined
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined
  readonly contentType?: string | undefined
  readonly additionalComponents?: readonly string[] | undefined
  readonly nonce?: string | undefined
  /** Unix seconds; default the system clock. */
  readonly now?: (() => number) | undefined
}

/** Signs a request as an agent would; what its receiver gets. */
export async function signedMessage(o: ToSign): Promise<ReceivedMessage> {
  const { as, origin, target = '/', method = 'GET', contentType, additionalComponents = [], nonce, now } = o
  const body = typeof o.body === 'string' ? new TextEncoder().encode(o.body) : o.body
  const typed = contentType === undefined ? [] : [['content-type', contentType] as const]
  const headers = [['host', o.host ?? new URL(origin).host] as const, ...(o.headers ?? []), ...typed]
  const content = body === undefined ? {} : { body }
  const added = await signRequest({
    method,
    url: origin + target,
    headers,
    ...content,
    ...as,
    additionalComponents,
    ...(nonce === undefined ? {} : { nonce }),
    ...(now === undefined ? {} : { now }),
  })
  return { method, target, headers: [...headers, ...added], ...content }
}
