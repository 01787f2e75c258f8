import { guardedFetch } from '@countersign/discovery/node'
import type { AAuthError } from '@countersign/protocol'
import type { UnreachableFacts } from './participant.js'
import type { PostFetch } from './signed-post.js'

/**
 * Sends token requests by default. Their URLs come from strangers, in metadata or a challenge, so the address is checked when
 * the connection is made (SSRF, DNS rebinding).
 */
export function postFetch(development: boolean): PostFetch {
  return guardedFetch({ dangerouslyAllowLoopback: development })
}

/** The words of the discovery package. */
const noAddress = 'no address in DNS'

/** Error codes of the platform's `fetch`, in words for the operator. */
const meanings: ReadonlyArray<readonly [code: RegExp, why: string]> = [
  [/^ECONNREFUSED$/, 'connection refused'],
  [/^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'connection closed'],
  [/^ENOTFOUND$/, noAddress],
  [/^EAI_AGAIN$/, 'DNS does not answer'],
  [/^(?:ABORT_ERR|ETIMEDOUT|TimeoutError|UND_ERR_\w+_TIMEOUT)$/, 'no answer in time'],
  [/^(?:TLS: )?(?:EPROTO|ERR_SSL_WRONG_VERSION_NUMBER)$/, 'TLS: none is spoken on that port'],
  [/^(?:TLS: )?CERT_HAS_EXPIRED$/, 'TLS: its certificate has expired'],
  [/^(?:TLS: )?ERR_TLS_CERT_ALTNAME_INVALID$/, 'TLS: its certificate is for another name'],
  [
    /^(?:TLS: )?(?:DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/,
    'TLS: its certificate is from no issuer that this machine trusts',
  ],
]

/** Returns where and why a request failed, from an error and its causes. */
export function unreachableFacts(error: unknown): UnreachableFacts {
  let found: UnreachableFacts = {}
  for (let at = error, depth = 0; at instanceof Object && depth < 6; depth++) {
    const { url, why, code, name, cause } = at as Readonly<Record<string, unknown>>
    if (typeof url === 'string') found = { origin: new URL(url).origin, ...found }
    // A code of the platform (ECONNREFUSED), not of the protocol.
    const reason = why ?? (/^[A-Z]\w{2,40}$/.test(String(code)) ? code : name === 'TimeoutError' ? name : undefined)
    if (typeof reason === 'string') found = { reason: describeReason(reason), ...found }
    at = cause
  }
  return found
}

function describeReason(reason: string): string {
  return meanings.find(([code]) => code.test(reason))?.[1] ?? reason
}

/** Whether the other party does not answer, or has no address. */
export function isUnreachable(error: AAuthError): boolean {
  return error.status >= 500 || unreachableFacts(error).reason === noAddress
}

/** Describes what is wrong with a document or token of another party; for a document also where and why fetching it failed. */
export function describeFault(error: AAuthError): string {
  if (error.code !== 'discovery_failed') return error.code
  const { origin, reason } = unreachableFacts(error)
  const facts = [origin, reason].filter(fact => fact !== undefined).join(': ')
  return `${error.code}: ${error.description}${facts && `, ${facts}`}`
}
