import { isObject } from '@countersign/protocol/internal'

// Messages as MCP has them, without an SDK: both lines of it pass these.

/** The id of a request: unique among those of one side that are under way. */
export type RequestId = string | number

/** A request, which is answered. */
export interface RpcRequest {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly method: string
  readonly params?: Params | undefined
}

/** A message that is not answered. */
export interface RpcNotification {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: Params | undefined
}

/** The result of a request. */
export interface RpcResult {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly result: Params
}

/** The error of a request; without an id it answers none. */
export interface RpcFailure {
  readonly jsonrpc: '2.0'
  readonly id?: RequestId | undefined
  readonly error: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** A result or an error. */
export type Answer = RpcResult | RpcFailure

/** A message of JSON-RPC. */
export type RpcMessage = RpcRequest | RpcNotification | Answer

/** Members of a message. */
export type Params = { readonly [member: string]: unknown }

/** The JSON-RPC error codes that the bridge answers with. */
export const rpcCodes = { methodNotFound: -32_601, invalidParams: -32_602, internal: -32_603 } as const

export function isRequest(message: unknown): message is RpcRequest {
  return isObject(message) && typeof message['method'] === 'string' && isId(message['id'])
}

export function isNotification(message: unknown): message is RpcNotification {
  return isObject(message) && typeof message['method'] === 'string' && message['id'] === undefined
}

export function isAnswer(message: unknown): message is Answer {
  return isResult(message) || isFailure(message)
}

export function isResult(message: unknown): message is RpcResult {
  return isObject(message) && isObject(message['result']) && isId(message['id'])
}

export function isFailure(message: unknown): message is RpcFailure {
  return isObject(message) && isObject(message['error']) && typeof message['error']['code'] === 'number'
}

/** The id of the request that this message cancels. */
export function cancelledId(message: unknown): RequestId | undefined {
  if (!isNotification(message) || message.method !== 'notifications/cancelled') return undefined
  const id = message.params?.['requestId']
  return isId(id) ? id : undefined
}

/** The notification that cancels a request. */
export function cancelled(requestId: RequestId, reason: string | undefined): RpcNotification {
  const params = { requestId, ...(reason === undefined ? {} : { reason }) }
  return { jsonrpc: '2.0', method: 'notifications/cancelled', params }
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'string' || typeof value === 'number'
}
