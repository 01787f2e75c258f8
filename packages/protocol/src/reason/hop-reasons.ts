import type { ReasonEntry } from '@countersign/httpsig/reasons'
import type { HopReason } from './reason.js'

const codes = ['invalid_request'] as const

/** Refusals by gateways and MCP endpoints. */
export const hopReasons: Readonly<Record<HopReason, ReasonEntry>> = {
  header_ambiguous: {
    codes,
    meaning: 'A header could make the API behind read another request than the verified one.',
    fix: 'Leave the header out, or spell it with hyphens.',
    clause: 'sig.replay.handed-on',
  },
  method_overridden: {
    codes,
    meaning: 'A parameter of the query or the body, such as _method, names another method than the one of the request.',
    fix: 'Send the request with the method that is meant, and leave the parameter out.',
    clause: 'sig.method.parameter',
  },
  facts_too_long: {
    codes,
    status: 431,
    meaning: 'The verified facts are too long to be passed on in headers.',
    fix: 'Use shorter names and fewer scopes.',
    clause: 'error.header-too-large',
  },
  origin_not_allowed: {
    codes: ['invalid_request', 'unauthorized_client'],
    status: 403,
    meaning: 'Pages of this origin may not call this server.',
    fix: 'Ask the operator to allow the origin.',
    clause: 'mcp.origin',
  },
  session_unknown: {
    codes,
    status: 404,
    meaning: 'The caller has no session with this id.',
    fix: 'Begin a session with initialize.',
    clause: 'mcp.session-owner',
  },
  session_id_invalid: {
    codes,
    meaning: 'Mcp-Session-Id is missing, repeated, or sent with initialize.',
    fix: 'Send the id that initialize returned, once.',
    clause: 'mcp.session-owner',
  },
  event_unknown: {
    codes,
    meaning: 'The event named in Last-Event-ID is not kept any more, or the header is repeated.',
    fix: 'Open a new stream.',
    clause: 'mcp.stream-resumed',
  },
  rpc_malformed: {
    codes,
    meaning: 'The body is not one JSON-RPC message that can be read in one way only.',
    fix: 'Send one JSON-RPC 2.0 request or notification.',
    clause: 'mcp.one-reading',
  },
  mcp_headers_mismatched: {
    codes,
    meaning: 'Mcp-Method, Mcp-Name or Mcp-Protocol-Version disagrees with the body, or is not there exactly once.',
    fix: 'Send each header once, with the value that stands in the body.',
    clause: 'mcp.headers',
  },
  continuation_unknown: {
    codes,
    meaning: 'The task or request state is not known, has expired, was answered before, or belongs to another caller.',
    fix: 'Call the tool again.',
    clause: 'mcp.continued',
  },
  rpc_id_in_use: {
    codes,
    meaning: 'A request with this id is still running.',
    fix: 'Use a new id for each request.',
    clause: 'mcp.once',
  },
  subject_unknown: {
    codes,
    meaning: 'No tool, prompt or resource can have this name: every JavaScript object has a member of it.',
    fix: 'Use the exact names that the server lists.',
    clause: 'mcp.no-rule',
  },
  upgrade_not_alone: {
    codes,
    meaning: 'A request to change the protocol has a body, or shares its connection with another request.',
    fix: 'Send the request without a body on a connection of its own.',
    clause: 'error.invalid-request',
  },
  websocket_handshake_invalid: {
    codes,
    meaning: 'The request is not a WebSocket handshake of version 13.',
    fix: 'Send Connection, Upgrade and Sec-WebSocket-Version: 13.',
    clause: 'error.invalid-request',
  },
  websocket_unsupported: {
    codes,
    meaning: 'WebSockets are not supported on this route.',
    fix: 'Use plain HTTP requests.',
    clause: 'error.invalid-request',
  },
  body_unseen: {
    codes: ['policy_denied'],
    meaning: 'The check does not see the body of this signed request, so it cannot compare it with the signature.',
    fix: 'Ask the operator to show bodies to the check, or send a request without a body.',
    clause: 'sig.body.bytes',
  },
}
