export type { TrustedProxies } from '@countersign/verify'
export { type AAuth, type Actor, aauthOf, type Guarded } from './aauth.js'
export type { Authorization } from './authorization.js'
export { type Bearer, type BearerFacts, type BearerRequest, type BearerVerifier, bearer } from './bearer.js'
export { type Count, type Counter, type MemoryCounter, memoryCounter } from './counter.js'
export type { Ask } from './decision.js'
export { type Deny, type DenyLists, isDenied, type UserOfAgent } from './deny.js'
export type { DownstreamOptions } from './downstream.js'
export type { Asking, DecisionEvent, Observer, ResourceEvent } from './event.js'
export type { AnswerHead } from './handed-on.js'
export {
  type InteractionAnswer,
  type InteractionClaim,
  type InteractionLimits,
  type InteractionSession,
  type InteractionSessions,
  memoryInteractions,
} from './interaction-sessions.js'
export type { Limits, SiteOf } from './limits.js'
export { type EventLogger, logTo, recordOf } from './log-events.js'
export type { OAuthApi, OAuthTokens, PendingOAuth } from './oauth.js'
export type { OAuthOptions } from './oauth-downstream.js'
export type { Resource, ResourceOptions } from './options.js'
export type { Rate } from './rate.js'
export type { RequestNamer } from './request-name.js'
export type { IdentityScope, Policy, Requirement } from './requirement.js'
export { createResource } from './resource.js'
export type { Decision, Measurement, Telemetry } from './telemetry.js'
