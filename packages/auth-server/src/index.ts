export { type AuthServer, createAuthServer } from './auth-server.js'
export type { RequestQuota } from './bound/request-quota.js'
export type { AuthServerEvent, ExchangeFacts } from './event.js'
export type { ExchangeOptions, ExchangeRule } from './exchange/exchange-rule.js'
export {
  type DemoLogin,
  type DemoUser,
  demoUsers,
  type LoginMethod,
  type LoginProvider,
  type LoginStart,
  type UpstreamAccount,
  type UserClaims,
} from './login/login-method.js'
export type { LoginEvent } from './login/sign-in.js'
export type { ChainHop } from './mandate/chain.js'
export type { AuthServerOptions } from './options.js'
export { askUsers, directGrants, firstOf } from './policies.js'
export type { Decision, DirectGrant, Policy, PolicyRequest, UpstreamFacts, UserQuestion } from './policy.js'
export { type Restored, type RestoreOptions, restoreAuthServer } from './restore.js'
