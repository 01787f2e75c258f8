export { type BrowserSignIn, type BrowserSignInOptions, browserSignIn, type Departure } from './browser-sign-in.js'
export { AgentError, type AgentErrorCode, type Refusal, refusalOf } from './error.js'
export {
  type Exchanged,
  type ExchangingAgent,
  type ExchangingAgentOptions,
  exchangingAgent,
  type Pending,
  type PendingConsent,
  type PendingPage,
  type Upstream,
} from './exchanging-agent.js'
export type { Grant } from './grants.js'
