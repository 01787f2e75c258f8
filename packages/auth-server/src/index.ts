export { type AuthServer, type AuthServerOptions, createAuthServer } from './auth-server.js'
export type { AuthServerEvent } from './event.js'
export { type Decision, type DirectGrant, directGrants, type Policy, type PolicyRequest } from './policy.js'
