// For the other packages of this project, not for users: these names may change in any release (no semver).

export { detailOf } from './event/event.js'
export { appendAuditIfUsed } from './report/open-audit.js'
export {
  auditChecks,
  type OpenReporting,
  openReporting,
  type ReportingSetup,
  recordIfUsed,
} from './report/open-reporting.js'
export { type Reporting, type ReportingParts, reportTo } from './report/report-to.js'
export { type Also, named, type Reporter, type Transaction } from './report/reporter.js'
export type { Counted, Share } from './report/shares.js'
