// For the other packages of this project, not for users: these names may change in any release (no semver).

export { refusalOf } from './error.js'
export {
  type BrowserSignIn,
  type BrowserSignInOptions,
  browserSignIn,
  type Departure,
} from './exchange/browser-sign-in.js'
export {
  type ExchangingAgent,
  type ExchangingAgentOptions,
  exchangingAgent,
  type Upstream,
} from './exchange/exchanging-agent.js'
