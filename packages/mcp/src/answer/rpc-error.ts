import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError, Reason } from '@countersign/protocol'
import { idInBody } from '../rules/rpc.js'

/** The codes of refusals that MCP itself knows. @see https://modelcontextprotocol.io/specification/2026-07-28/basic */
const codes: ReadonlyMap<Reason, number> = new Map([
  ['rpc_malformed', -32_600],
  ['session_id_invalid', -32_600],
  ['subject_unknown', -32_602],
  ['continuation_unknown', -32_602],
  ['mcp_headers_mismatched', -32_020],
])

/**
 * The answer to a message that is no good as a message of MCP, in the form that MCP clients read: `data` holds what other refusals have
 * in their body. Undefined for every other refusal.
 */
export function rpcErrorOf(error: AAuthError, refused: ReceivedMessage): Response | undefined {
  const { code: refusal, description, reason, status, cause } = error
  const known = codes.get(reason)
  if (known === undefined) return undefined
  // JSON that cannot be parsed has a code of its own.
  const code = reason === 'rpc_malformed' && cause instanceof SyntaxError ? -32_700 : known
  return rpcError({ code, message: description, data: { error: refusal, reason } }, { id: idInBody(refused), status })
}

/** The parts of a JSON-RPC error. */
export interface RpcErrorParts {
  readonly code: number
  readonly message: string
  readonly data: { readonly error: string; readonly reason: Reason }
}

/** A JSON-RPC error as a response that no cache keeps. */
export function rpcError(
  error: RpcErrorParts,
  { id, status }: { readonly id: string | number | undefined; readonly status: number },
): Response {
  return Response.json({ jsonrpc: '2.0', id: id ?? null, error }, { status, headers: { 'cache-control': 'no-store' } })
}
