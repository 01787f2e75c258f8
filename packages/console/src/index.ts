export type {
  AuditExport,
  AuditPage,
  AuditQuery,
  AuditReader,
  EventProof,
  Exported,
  PlacedEvent,
} from '@countersign/audit'
export type { AuthServer, AuthServerEvent, BlockedFacts, PolicyRequest } from '@countersign/auth-server'
export type { ReceivedMessage } from '@countersign/httpsig'
export type { Conditions } from '@countersign/protocol'
export type { EpochKeeper, OperatorKeys } from '@countersign/store'
export type { TrustedProxies } from '@countersign/verify'
export type { AdminOptions } from './admin/admin-options.js'
export { adminPage } from './admin/admin-page.js'
export type { AdminPage } from './admin/open-admin.js'
export {
  type OpenOperator,
  type Operator,
  type OperatorOptions,
  openOperator,
  operatorOf,
} from './operator/open-operator.js'
export type { AdminBrowser, AdminLink, OperatorAdmin, OperatorAdmins } from './operator/operator-admins.js'
export type {
  Affected,
  AgentBlock,
  OperatorAgent,
  OperatorAgentDetails,
  OperatorAgents,
  StandingBlock,
} from './operator/operator-agents.js'
export type { OperatorAudit } from './operator/operator-audit.js'
export type { Blocked } from './operator/operator-context.js'
export type { GrantFilter, GrantListOptions, OperatorGrant, OperatorGrants } from './operator/operator-grants.js'
export type { OperatorUser, OperatorUserDetails, OperatorUsers, UserListOptions } from './operator/operator-users.js'
export type { OperatorPage, PageOptions } from './operator/page.js'
