import type { IncomingMessage } from 'node:http'
import { type HeaderLine, headerLines, headerValue } from '../../wire/message.js'
import { badRequest, headerTooLarge } from './refusal.js'

/** A request as a peer received it. */
export interface PeerRequest {
  readonly method: string
  /** The raw target. */
  readonly target: string
  readonly path: string
  /** Without its `?`; undefined where the target has none. */
  readonly query: string | undefined
  readonly headers: readonly HeaderLine[]
  /** Address of the connection. */
  readonly peer: string
  /** The bytes of the body, as they come. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** A request of Node's server, taken apart. */
export function receivedRequest(incoming: IncomingMessage): PeerRequest {
  const { rawHeaders, method = '', url: target = '' } = incoming
  const mark = target.indexOf('?')
  return {
    method,
    target,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? undefined : target.slice(mark + 1),
    headers: rawHeaders.flatMap((name, at): HeaderLine[] => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? '']] : [])),
    peer: incoming.socket.remoteAddress ?? '',
    chunks: incoming,
  }
}

/** Refuses what two readers could read differently. @see protocol §3.3 */
export function checkTarget({ target, path, headers, method }: PeerRequest): void {
  if (!target.startsWith('/')) throw badRequest('target_malformed', 'the target is no path')
  if (target.startsWith('//')) throw badRequest('target_malformed', 'the target begins with //')
  if (!/^[!-~]*$/.test(target)) throw badRequest('target_malformed', 'the target has a character that must be escaped')
  if (/[\\#]/.test(target)) throw badRequest('target_malformed', 'the target has \\ or #')
  if (/%(?![0-9A-Fa-f]{2})/.test(target)) throw badRequest('target_malformed', 'the target has a bad escape')
  if (/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) throw badRequest('target_malformed', 'the path has a dot segment')
  if (/[a-z]/.test(method)) throw badRequest('method_malformed', 'the method has a lower-case letter')
  if (headerLines({ headers }, 'host').length !== 1) throw badRequest('header_ambiguous', 'there is not one Host')
}

/** Refuses headers over their limits before they are parsed. @see protocol §11 */
export function checkHeaderSizes(request: PeerRequest): void {
  const bytes = (name: string): number => (headerValue(request, name) ?? '').length
  if (bytes('signature-key') > 7 * 1024) throw headerTooLarge('header_too_long', 'Signature-Key is too long')
  if (bytes('signature-input') > 8 * 1024) throw headerTooLarge('header_too_long', 'Signature-Input is too long')
  if (bytes('signature') > 8 * 1024) throw headerTooLarge('header_too_long', 'Signature is too long')
  if (bytes('content-digest') > 4 * 1024) throw headerTooLarge('header_too_long', 'Content-Digest is too long')
}
