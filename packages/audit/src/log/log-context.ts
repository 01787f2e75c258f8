import type { Store } from '@countersign/store'
import type { AuditTableNames } from './tables.js'

/** What every step of a log needs. */
export interface LogContext {
  readonly store: Store<unknown>
  readonly tables: AuditTableNames
  /** Unix seconds. */
  readonly now: () => number
}
