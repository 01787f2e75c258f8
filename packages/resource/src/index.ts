export type { TrustedProxies } from '@countersign/verify'
export type { DownstreamOptions } from './downstream/downstream.js'
export {
  type InteractionAnswer,
  type InteractionClaim,
  type InteractionLimits,
  type InteractionSession,
  type InteractionSessions,
  memoryInteractions,
} from './downstream/interaction-sessions.js'
export type { OAuthOptions } from './downstream/oauth-downstream.js'
export { type EventLogger, logTo, recordOf } from './event/log-events.js'
export type { Decision, Measurement, Telemetry } from './event/telemetry.js'
export { type AAuth, type Actor, aauthOf, type Guarded } from './guard/aauth.js'
export type { Authorization } from './guard/authorization.js'
export { type Bearer, type BearerFacts, type BearerRequest, type BearerVerifier, bearer } from './guard/bearer.js'
export type { Ask } from './guard/decision.js'
export { type Deny, type DenyLists, isDenied, type UserOfAgent } from './guard/deny.js'
export type { Asking, DecisionEvent, Observer, ResourceEvent } from './guard/event.js'
export type { AnswerHead } from './guard/handed-on.js'
export type { RequestNamer } from './guard/request-name.js'
export type { IdentityScope, Policy, Requirement } from './guard/requirement.js'
export { type Count, type Counter, type MemoryCounter, memoryCounter } from './limit/counter.js'
export type { Limits, SiteOf } from './limit/limits.js'
export type { Rate } from './limit/rate.js'
export type { OAuthApi, OAuthTokens, PendingOAuth } from './oauth/oauth.js'
export type { Resource, ResourceOptions } from './options.js'
export { createResource } from './resource.js'
