export type { Exchanged, Pending } from '@countersign/agent'
export type { Condition, Conditions } from '@countersign/conditions'
export type { BotDirectory, Discovery, DiscoveryEvent } from '@countersign/discovery'
export type { BodyCheck, ReceivedMessage, ReplaySet } from '@countersign/httpsig'
export type {
  AAuthError,
  Cors,
  CorsOrigins,
  CorsRequest,
  HeaderFields,
  IdentifierList,
  Level,
  LogLimit,
  PublishedKey,
} from '@countersign/protocol'
export type { Caller, TrustedProxies, User } from '@countersign/verify'
export { revocableResponse, type WhileOpen } from './adapter/revocable.js'
export type { AnswerRule } from './answer/answer-rule.js'
export { projectResponse } from './answer/project-response.js'
export type { Describe, DescribedCaller, DescribedRequest } from './approval/describe.js'
export { type DisplayValue, display } from './approval/display.js'
export { describeBy } from './approval/template.js'
export type { DescribedDataView, DescribedOperation, ResourceWords } from './approval/words.js'
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
export type { AAuth, Actor, Guarded } from './guard/aauth.js'
export type { Authorization, Questions } from './guard/authorization.js'
export { type Bearer, type BearerFacts, type BearerRequest, type BearerVerifier, bearer } from './guard/bearer.js'
export type { Answered } from './guard/called.js'
export type { Ask, Question } from './guard/decision.js'
export type { Deny, DenyLists, UserOfAgent } from './guard/deny.js'
export type { DescribedScope } from './guard/described-scope.js'
export type { Asking, DecisionEvent, Observer, ResourceEvent } from './guard/event.js'
export type { AnswerHead } from './guard/handed-on.js'
export type { RequestNamer } from './guard/request-name.js'
export type { BodyRule, IdentityScope, MessageCall, Policy, Requirement, RouteHandling } from './guard/requirement.js'
export type { StreamedBody } from './guard/streamed-body.js'
export { type AlsoAccept, type WebBot, webBot } from './guard/web-bot.js'
export type { CallWindow, CountedCall } from './limit/call-windows.js'
export { type Count, type Counter, type MemoryCounter, memoryCounter } from './limit/counter.js'
export type { Limits, SiteOf } from './limit/limits.js'
export type { Rate } from './limit/rate.js'
export type { OAuthApi, OAuthStart, OAuthTokens, PendingOAuth, PendingOAuthFacts } from './oauth/oauth.js'
export type { Resource, ResourceOptions } from './options.js'
export { createResource } from './resource.js'
export {
  type GrantName,
  type MemoryRevocationSetOptions,
  memoryRevocationSet,
  type Revocation,
  type RevocationListener,
  type RevocationSet,
} from './revocation/revocation-set.js'
