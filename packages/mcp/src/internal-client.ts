// For the other packages of this project, not for users: these names may change in any release (no semver).
// What clients of both SDKs and the bridge share. It needs no SDK: names of `./client` stand here, too, for those without SDK 2.

export { type ElicitCodeOptions, elicitCode } from './elicitation/elicit-code.js'
export { type ElicitUrlOptions, elicitUrl } from './elicitation/elicit-url.js'
export type { ElicitingClient, UrlQuestion, UserAnswer } from './elicitation/eliciting-client.js'
export {
  type Answer,
  cancelled,
  cancelledId,
  isAnswer,
  isFailure,
  isNotification,
  isRequest,
  isResult,
  type Params,
  type RequestId,
  type RpcFailure,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResult,
  rpcCodes,
} from './message/json-rpc.js'
export {
  type AgentTransportOptions,
  agentFetch,
  checkTransportOptions,
  type Lost,
  reconnection,
} from './transport/agent-fetch.js'
