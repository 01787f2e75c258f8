export { type AgentServer, type AgentServerOptions, createAgentServer } from './agent-server.js'
export type { Delegate, Invitation } from './delegates.js'
export type { AgentServerEvent } from './event.js'
