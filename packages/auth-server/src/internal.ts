// For the other packages of this project, not for users: these names may change in any release (no semver).

export { type TakenBack, takenBackEvent, type UserAccess } from './access/access.js'
export type { NarrowedAccess } from './access/narrow-access.js'
export type { ShownAccess, ShownNotice } from './access/shown-access.js'
export { type ApprovalAnswer, answerQuestion } from './approval/answer.js'
export type { Approvals } from './approval/approvals.js'
export { approvedCalls, countInbox, inboxOf, questionsOf } from './approval/history.js'
export { isInboxOn, setInbox } from './approval/inbox.js'
export { allowAsking, stopsOf } from './approval/stops.js'
export type { NotedAlarm, NotedAlarms } from './audit/noted-alarms.js'
export { blockLists, isOfSite } from './block/block-lists.js'
export { type Blocks, findBlock, mostBlocks } from './block/blocks.js'
export { checkDelegate, checkDeny, checkSite } from './block/deny.js'
export { agentsOfSite, type EndingContext, endAccess, endBlocked, endOne, findGrant } from './block/end-access.js'
export { agentsOf, callerOf } from './block/parties.js'
export { type Charge, type Counts, countLifetime, countsIn } from './bound/counts.js'
export { type RateLimit, rateLimit } from './bound/rate-limit.js'
export { sweepAtMost } from './bound/sweep.js'
export { type DeskServer, deskOf, linkCallbackPath, setupOf, type UserDesk } from './desk.js'
export { toldOf } from './event/login-event.js'
export { type ExchangeContext, exchangeFacts, upstreamFacts } from './exchange/exchange.js'
export { exchangedGrantsIn } from './exchange/exchanged-grants.js'
export type { Links, UpstreamUser } from './exchange/links.js'
export { ownMandatesIn } from './exchange/own-mandate.js'
export {
  type ConsentKey,
  type RememberedYes,
  rememberConsent,
  rememberedWords,
  rememberedYes,
} from './grant/consents.js'
export { policyRequest } from './grant/decide.js'
export { principalIn } from './grant/grant.js'
export { grantOf } from './grant/grant-row.js'
export { grantFacts } from './grant/grants.js'
export { identityClaims, resourceScopes } from './grant/identity-claims.js'
export { refreshTokenLifetime } from './grant/refresh-token.js'
export { checkStopped } from './grant/stopped.js'
export { conditionFacts } from './grant/token-conditions.js'
export { type PolicyVerdict, tryPolicy } from './grant/try-policy.js'
export { lentBy } from './lent.js'
export { chainOf } from './mandate/chain.js'
export { conditionsIn, purposesIn } from './mandate/conditions-text.js'
export { countsPerGrant } from './mandate/counts-per-grant.js'
export { conditionsCheck } from './policy/check-policy.js'
export { askPolicy } from './policy/read-policy.js'
export type { HowClaimed } from './request/claim-row.js'
export { consentKey, type UserDecision } from './request/decide-row.js'
export type { OpenedLink } from './request/opened-link.js'
export { type RequestBy, type RequestOf, readRequest, type StoredRequest, upstreamOf } from './request/read-request.js'
export { checkStillListed, isLoopbackRedirect } from './request/redirect-uri.js'
export { type PageFacts, refusedEvent } from './request/refused-event.js'
export { type Requests, requestFacts, requestsIn } from './request/requests.js'
export { newUserCode, shownUserCode, typedUserCode } from './request/user-code.js'
export { createDelivery } from './revocation/delivery.js'
export type { RowsNamed } from './revocation/end-waiting.js'
export { writeNotices } from './revocation/notices.js'
export { sha256 } from './secret/sha256.js'
export { authServerKind } from './setup/kind.js'
export type { AccountTables, HistoryRow, IdentityRow, InvitationRow } from './tables/account-tables.js'
export type { AdminKeyRow } from './tables/admin-tables.js'
export type { ApprovalRow } from './tables/approval-tables.js'
export type { BlockRow } from './tables/block-tables.js'
export type { HistoryEntry } from './tables/history-entry.js'
export type { LoginTables, SessionRow, UserRow } from './tables/login-tables.js'
export type { PasskeyRow, PasskeyTables } from './tables/passkey-tables.js'
export { type GrantRow, migrations, room, type Tables } from './tables/tables.js'
export { loadOf } from './telemetry.js'
export { approvalOutcome } from './token/approval-code.js'
export { recheckExchange } from './token/exchange-code.js'
export { answerRefresh } from './token/refresh-answer.js'
export { sessionIdle, sessionLife, sweepAdmins, sweepInvitations, sweepSessions } from './users/sweep-people.js'
export {
  claimsOf,
  earlierSub,
  isUser,
  lockUser,
  newSub,
  newUser,
  noteLogin,
  noteReturn,
  ownIssuer,
  type User,
  type Users,
  usersIn,
} from './users/users.js'
