export type {
  AuditEvent,
  AuditExport,
  AuditOptions,
  AuditPage,
  AuditQuery,
  AuditReader,
  AuditValue,
  CosignAnswer,
  CosignRequest,
  EventProof,
  Exported,
  KeptEvent,
  PersonalValue,
  PlacedEvent,
  Witness,
} from '@countersign/audit'
export type { Condition, Conditions, ConditionType, HoursCondition } from '@countersign/conditions'
export type { Discovery, Fetcher, SiteOf } from '@countersign/discovery'
export type { ReceivedMessage, ReplaySet, SigningKey } from '@countersign/httpsig'
export type { IssuerAnswer, IssuerEvent, IssuerTelemetry } from '@countersign/issuer'
export type { CorsOrigins, ErrorCode, PublishedKey, Reason } from '@countersign/protocol'
export type {
  EpochKeeper,
  KeyRotation,
  OperatorKey,
  OperatorKeys,
  RestoreDatabaseOptions,
  RotatedKeys,
} from '@countersign/store'
export type { TrustedProxies } from '@countersign/verify'
export type { AccountName, AgentAccess, AgentAccessPage, AppAccess, TakeBack } from './access/app-access.js'
export type { ApprovalLimits } from './approval/approval-limits.js'
export type { ApprovalNotice } from './approval/approvals.js'
export { type AuthServer, createAuthServer } from './auth-server.js'
export type { DenyLists } from './block/deny.js'
export type { RequestQuota } from './bound/request-quota.js'
export type { Desk } from './desk.js'
export type {
  AdminEvent,
  AskedFacts,
  AuthServerEvent,
  BlockedFacts,
  ExchangeFacts,
  GrantedFacts,
  IssuedFacts,
  LinkRefusal,
  PendingFacts,
} from './event/event.js'
export type { LoginEvent } from './event/login-event.js'
export type { NoticeEvent } from './event/notice-event.js'
export type { Restored } from './event/restored.js'
export type { ExchangeOptions, ExchangeRule } from './exchange/exchange-rule.js'
export type { ChainHop } from './mandate/chain.js'
export type { AuthServerOptions } from './options.js'
export { askUsers, directGrants, firstOf } from './policy/policies.js'
export type {
  Decision,
  DirectGrant,
  Policy,
  PolicyAnswer,
  PolicyRequest,
  UpstreamFacts,
  UserQuestion,
} from './policy/policy.js'
export { type RestoreOptions, restoreAuthServer } from './restore.js'
export type { AuthServerAnswer, AuthServerEndpoint, AuthServerLoad, AuthServerTelemetry } from './telemetry.js'
export type { UpstreamAccount, UserClaims } from './users/user-claims.js'
