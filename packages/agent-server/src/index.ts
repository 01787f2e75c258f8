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
export type { Condition, Conditions } from '@countersign/conditions'
export type { Fetcher } from '@countersign/discovery'
export type { Algorithm, ReceivedMessage, ReplaySet, SigningKey } from '@countersign/httpsig'
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
export { type AgentServer, createAgentServer, type PublishedAgent } from './agent-server.js'
export type { AgentServerOptions } from './agent-server-options.js'
export type { WebBotKeys } from './bot-directory.js'
export type { Delegate, DelegatesPage, EnrollmentCount, EnrollmentsPage } from './delegate/delegate-list.js'
export type { Oversight } from './delegate/oversight.js'
export type { Delegation } from './delegation/delegation.js'
export { codes } from './enrollment/codes.js'
export { type CustomAdmission, custom } from './enrollment/custom.js'
export type { Enrollment, EnrollmentRequest } from './enrollment/enrollment.js'
export type { Invitation, InvitationOptions } from './enrollment/invitations.js'
export { oidc } from './enrollment/oidc.js'
export type { ClaimRule, OidcAlgorithm, OidcIssuer, OidcOptions } from './enrollment/oidc-rule.js'
export { type SessionOptions, type SignedInSession, session } from './enrollment/session.js'
export type { AgentServerEvent } from './event.js'
export { type Restored, type RestoreOptions, restoreAgentServer } from './restore.js'
export type { AgentServerAnswer, AgentServerEndpoint, AgentServerLoad, AgentServerTelemetry } from './telemetry.js'
