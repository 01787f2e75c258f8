export { type Bridge, type BridgeOptions, bridge } from './bridge/bridge.js'
export type { BridgeTransport, RemoteTransport, SendOptions } from './bridge/transport.js'
export type { ElicitingClient, UrlQuestion, UserAnswer } from './elicitation/eliciting-client.js'
export type {
  Answer,
  Params,
  RequestId,
  RpcFailure,
  RpcMessage,
  RpcNotification,
  RpcRequest,
  RpcResult,
} from './message/json-rpc.js'
export type { Lost } from './transport/agent-fetch.js'
