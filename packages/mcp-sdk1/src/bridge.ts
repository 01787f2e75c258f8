export type {
  Answer,
  ElicitingClient,
  Lost,
  Params,
  RequestId,
  RpcFailure,
  RpcMessage,
  RpcNotification,
  RpcRequest,
  RpcResult,
  UrlQuestion,
  UserAnswer,
} from '@countersign/mcp/internal/client'
export { type Bridge, type BridgeOptions, bridge } from './bridge/bridge.js'
export type { BridgeTransport, RemoteTransport, SendOptions } from './bridge/transport.js'
