import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import type { Cors } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'

/** The part of a resource that decides whose pages may call. */
interface Site {
  readonly id: string
  readonly cors?: Cors
}

const allowed = 'Mcp-Method, Mcp-Name, Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID'

/**
 * Refuses requests of pages of other sites, except those that CORS allows. Otherwise any page could call tools that need no
 * signature, by a name that resolves to this machine (DNS rebinding).
 * @throws AAuthError 403
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
 */
export function checkOrigin(message: ReceivedMessage, { id, cors }: Site): void {
  const [origin, ...more] = headerValues(message, 'origin')
  if (origin === undefined) return
  if (more.length === 0 && (origin === new URL(id).origin || isExposed(cors, message))) return
  throw refusal('origin_not_allowed')
}

function isExposed(cors: Cors | undefined, message: ReceivedMessage): boolean {
  const headers = new Headers()
  cors?.expose(message, headers)
  return headers.has('access-control-allow-origin')
}

/** The answer to a preflight, with the headers of MCP allowed, too; undefined for any other request. */
export function preflightOf(message: ReceivedMessage, { cors }: Site): Response | undefined {
  const response = cors?.preflight(message)
  add(response?.headers, 'access-control-allow-headers', allowed)
  return response
}

/** Lets a page that may read the response read its session id, too. */
export function exposeSession(headers: Headers): void {
  add(headers, 'access-control-expose-headers', 'Mcp-Session-Id')
}

function add(headers: Headers | undefined, name: string, more: string): void {
  if (headers?.has(name)) headers.append(name, more)
}
