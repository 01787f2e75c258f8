import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, type Cors } from '@countersign/protocol'

/** What knows whose pages may ask. */
interface Site {
  readonly id: string
  readonly cors?: Cors
}

const allowed = 'Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID'

/**
 * Refuses what a page of another site has sent, but those that CORS lets in: by a name that leads to this machine
 * (DNS rebinding), any page could call the tools that need no signature.
 * @throws AAuthError 403
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
 */
export function checkOrigin(message: ReceivedMessage, { id, cors }: Site): void {
  const [origin, ...more] = headerValues(message, 'origin')
  if (origin === undefined) return
  if (more.length === 0 && (origin === new URL(id).origin || isExposed(cors, message))) return
  throw new AAuthError('invalid_request', 'pages of this origin may not call this server', { status: 403 })
}

function isExposed(cors: Cors | undefined, message: ReceivedMessage): boolean {
  const headers = new Headers()
  cors?.expose(message, headers)
  return headers.has('access-control-allow-origin')
}

/** The answer to a preflight, which allows what MCP needs, too; undefined for any other request. */
export function preflightOf(message: ReceivedMessage, { cors }: Site): Response | undefined {
  const response = cors?.preflight(message)
  add(response?.headers, 'access-control-allow-headers', allowed)
  return response
}

/** Lets the asking page read which session it has, where it may read the answer. */
export function exposeSession(headers: Headers): void {
  add(headers, 'access-control-expose-headers', 'Mcp-Session-Id')
}

function add(headers: Headers | undefined, name: string, more: string): void {
  if (headers?.has(name)) headers.append(name, more)
}
