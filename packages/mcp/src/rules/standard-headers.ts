import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { base64urlDecode, trimOws } from '@countersign/httpsig/internal'
import type { AAuthError } from '@countersign/protocol'
import { isObject, refusal } from '@countersign/protocol/internal'

/** How a message is carried: in a session (revision 2025-11-25 and before), or by itself (2026-07-28 and later). */
export type Revision = 'sessions' | 'stateless'

/** The first revision without sessions. */
const stateless = '2026-07-28'

/** The member of `params._meta` that names the revision of a stateless request. */
export const versionMember = 'io.modelcontextprotocol/protocolVersion'

/** The member of `params` that `Mcp-Name` repeats, by method. */
const namedBy: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
])

/** A message, as its body says it. */
export interface SaidMessage {
  /** Undefined for the answer to a request of the server. */
  readonly method: string | undefined
  readonly params: unknown
  /** Whether it is a request, which is answered, and no notification. */
  readonly isRequest: boolean
}

/**
 * Checks that the headers of a message say what its body says. Otherwise a proxy that reads headers, the guard and the server would see
 * different calls.
 * @returns how the message is carried
 * @throws AAuthError `invalid_request`
 * @see protocol §12, https://modelcontextprotocol.io/specification/2026-07-28/basic/transports#standard-request-headers
 */
export function checkStandardHeaders(message: ReceivedMessage, said: SaidMessage): Revision {
  const { method, params, isRequest } = said
  const version = headerOf(message, 'Mcp-Protocol-Version')
  const claimed = claimedVersion(params)
  // By either: a message must not become one of a session because a header was lost.
  const isStateless = claimed !== undefined || (version ?? '') >= stateless
  compare('Mcp-Method', headerOf(message, 'Mcp-Method'), { said: method, isNeeded: isStateless && isRequest })
  const name = decodedName(headerOf(message, 'Mcp-Name'))
  compare('Mcp-Name', name, { said: method && nameIn(method, params), isNeeded: isStateless && isRequest })
  if (!isStateless) return 'sessions'
  if (claimed !== undefined) compare('Mcp-Protocol-Version', version, { said: claimed, isNeeded: isRequest })
  if (headerValues(message, 'mcp-session-id').length > 0)
    throw refusal('session_id_invalid', { about: `there are no sessions from revision ${stateless} on` })
  return 'stateless'
}

/** The subject by the headers alone, before the body is read; undefined where the body must tell. */
export function namedInHead(message: ReceivedMessage): { readonly method: string; readonly name?: string } | undefined {
  const [version, method, name] = ['mcp-protocol-version', 'mcp-method', 'mcp-name'].map(header => {
    const [value, ...more] = headerValues(message, header)
    return more.length === 0 ? value : undefined
  })
  if (version === undefined || version < stateless || method === undefined) return undefined
  const decoded = name === undefined ? undefined : decodedOrNone(name)
  return { method, ...(decoded === undefined ? {} : { name: decoded }) }
}

/** The value that `Mcp-Name` must repeat; undefined where there is none. */
function nameIn(method: string, params: unknown): string | undefined {
  const member = namedBy.get(method)
  const value = member === undefined || !isObject(params) ? undefined : params[member]
  return typeof value === 'string' ? value : undefined
}

function claimedVersion(params: unknown): string | undefined {
  const meta = isObject(params) ? params['_meta'] : undefined
  if (!isObject(meta) || !Object.hasOwn(meta, versionMember)) return undefined
  return String(meta[versionMember])
}

interface Comparison {
  readonly said: string | undefined
  readonly isNeeded: boolean
}

function compare(header: string, value: string | undefined, { said, isNeeded }: Comparison): void {
  if (value === said || (value === undefined && !isNeeded)) return
  if (value === undefined) throw mismatch(`${header} is missing, and the body says ${quoted(said)}`)
  throw mismatch(`${header} says ${quoted(value)}, and the body ${said === undefined ? 'nothing of it' : quoted(said)}`)
}

/** @throws AAuthError for a header that is there twice: each reader may take another one */
function headerOf(message: ReceivedMessage, name: string): string | undefined {
  const [value, ...more] = headerValues(message, name.toLowerCase())
  if (more.length > 0) throw mismatch(`${name} must not be repeated`)
  return value === undefined ? undefined : trimOws(value)
}

/** @throws AAuthError for a name that cannot be read, or in one way only */
function decodedName(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const name = decodedOrNone(value)
  if (name === undefined) throw mismatch('Mcp-Name must be ASCII, or UTF-8 in base64 between =?base64? and ?=')
  return name
}

const encoded = /^=\?base64\?([A-Za-z0-9+/]*)(={0,2})\?=$/

function decodedOrNone(value: string): string | undefined {
  // As latin1 or as UTF-8: a name with other characters has two readings.
  if (!/^[\x20-\x7e]*$/.test(value)) return undefined
  const [, base64, padding = ''] = encoded.exec(value) ?? []
  if (base64 === undefined) return value
  if ((base64.length + padding.length) % 4 !== 0) return undefined
  try {
    const bytes = base64urlDecode(base64.replaceAll('+', '-').replaceAll('/', '_'))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Short, and of characters that a log line can hold. */
function quoted(value: string | undefined): string {
  return JSON.stringify((value ?? '').slice(0, 100)).replace(/[^\x20-\x7e]/g, '?')
}

function mismatch(description: string): AAuthError {
  return refusal('mcp_headers_mismatched', { about: description })
}
