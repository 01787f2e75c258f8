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
export { type Decision, type DirectGrant, directGrants, type Policy, type PolicyRequest } from './policy.js'
