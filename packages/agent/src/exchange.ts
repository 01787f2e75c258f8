export { AgentError, type AgentErrorCode, type Refusal, refusalOf } from './error.js'
export {
  type BrowserSignIn,
  type BrowserSignInOptions,
  browserSignIn,
  type Departure,
} from './exchange/browser-sign-in.js'
export {
  type Exchanged,
  type ExchangingAgent,
  type ExchangingAgentOptions,
  exchangingAgent,
  type Pending,
  type PendingConsent,
  type PendingPage,
  type Upstream,
} from './exchange/exchanging-agent.js'
export type { Grant } from './grant/grants.js'
