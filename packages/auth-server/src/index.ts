export { type AuthServer, type AuthServerOptions, createAuthServer } from './auth-server.js'
export type { AuthServerEvent } from './event.js'
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
export {
  askUsers,
  type Decision,
  type DirectGrant,
  directGrants,
  firstOf,
  type Policy,
  type PolicyRequest,
  type UserQuestion,
} from './policy.js'
export type { RequestQuota } from './requests.js'
