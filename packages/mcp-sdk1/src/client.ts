export type { Agent, DeviceCode, Visit, VisitUrl } from '@countersign/agent'
export {
  type ElicitCodeOptions,
  type ElicitingClient,
  type ElicitUrlOptions,
  elicitCode,
  elicitUrl,
  type RequestId,
  type UrlQuestion,
  type UserAnswer,
} from '@countersign/mcp/internal/client'
export { type AgentTransportOptions, agentTransport, type Lost } from './transport/agent-transport.js'
