import type { ReceivedMessage } from '@countersign/httpsig'
import type { Guarded } from '@countersign/resource'
import type { AuthInfo } from '@modelcontextprotocol/server'
import type { Endpoint } from '../endpoint.js'
import { listNames } from '../rules/names.js'
import type { McpMessage } from '../rules/rpc.js'
import { versionMember } from '../rules/standard-headers.js'
import { authInfoOf } from './auth-info.js'

/** A message as the server gets it. */
export interface PassedMessage {
  readonly rpc: McpMessage
  readonly value: McpMessage['value']
  readonly authInfo: AuthInfo
}

/** Passes a message to a server made for it. */
export function passToServer<S extends string>(
  message: ReceivedMessage,
  { rpc, value, authInfo }: PassedMessage,
  { resource, handler }: Endpoint<S>,
): Promise<Response> {
  const { signal = null } = message.connection ?? {}
  const request = new Request(`${resource.id}${message.target}`, { method: 'POST', signal })
  // Set on the request: headers that are made before it are copied into it, each checked again.
  const { headers } = request
  for (const [name, line] of message.headers) {
    const lower = name.toLowerCase()
    if (passedHeaders.has(lower) || lower.startsWith('mcp-param-')) headers.append(lower, line)
  }
  // The server compares it with the body, where its own id is by now.
  const taskId = rpc.value === value ? undefined : Object(value['params']).taskId
  if (typeof taskId === 'string' && headers.has('mcp-name')) headers.set('mcp-name', asHeader(taskId))
  return handler.fetch(request, { parsedBody: value, authInfo })
}

/** The headers that the server gets: none with a credential. */
const passedHeaders: ReadonlySet<string> = new Set([
  'accept',
  'content-type',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'origin',
  'user-agent',
])

function asHeader(value: string): string {
  if (/^[\x21-\x7e]+$/.test(value) && !value.startsWith('=?')) return value
  const binary = Array.from(new TextEncoder().encode(value), byte => String.fromCharCode(byte)).join('')
  return `=?base64?${btoa(binary)}?=`
}

/**
 * Refuses names that only the rule `*` covers while some rule names nothing the server has: that rule may be a slip.
 * @returns undefined where there is no doubt
 */
export function proveRules<S extends string>(
  { subject }: McpMessage,
  aauth: Guarded,
  { rules, proof, unwatched, resource }: Endpoint<S>,
): Promise<void> | undefined {
  const doubt = rules.doubt(subject)
  if (doubt === undefined) return undefined
  return proof.prove(doubt, kind =>
    listNames(kind, async (method, params) => {
      const request = new Request(resource.id, {
        method: 'POST',
        headers: { ...ownHeaders, 'mcp-method': method },
      })
      const parsedBody = { jsonrpc: '2.0', id: 0, method, params: { ...params, _meta: ownEnvelope } }
      const response = await unwatched.fetch(request, { parsedBody, authInfo: authInfoOf(aauth) })
      // A handler that tells of progress makes a stream of it.
      const text = await response.text()
      const data = text.startsWith('{') ? text : text.slice(text.lastIndexOf('\ndata: ') + '\ndata: '.length)
      return Object(JSON.parse(data)).result
    }),
  )
}

const ownVersion = '2026-07-28'

const ownHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': ownVersion,
}

const ownEnvelope = {
  [versionMember]: ownVersion,
  'io.modelcontextprotocol/clientInfo': { name: 'countersign', version: '0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
