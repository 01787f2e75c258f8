/** What is wrong with an export. Lines are counted from 1, events from 0. */
export type AuditFault =
  /** A checkpoint is not of its form, of another log, or not signed by a key of the log. `kept` is one that was given. */
  | { readonly kind: 'signature'; readonly of: 'checkpoint' | 'checkpoints' | 'kept'; readonly at?: number }
  /** The line is not what was logged at this place. */
  | { readonly kind: 'changed'; readonly index: number; readonly line: number }
  /** Events that were logged are not there. */
  | { readonly kind: 'removed'; readonly first: number; readonly last: number }
  /** The line was never logged. */
  | { readonly kind: 'inserted'; readonly line: number }
  /** The line was logged at another place. */
  | { readonly kind: 'moved'; readonly index: number; readonly line: number }
  /** The lines are right, and say other places than their own. */
  | { readonly kind: 'misnumbered'; readonly first: number; readonly last: number }
  /** The log has signed two trees of which neither begins with the other. */
  | { readonly kind: 'fork'; readonly size: number }
  /** The export ends before a checkpoint that was kept elsewhere. */
  | { readonly kind: 'truncated'; readonly size: number; readonly expected: number }
  /** The tree is not the one that was signed: what differs stands between the two sizes. */
  | { readonly kind: 'root'; readonly after: number; readonly size: number }
  /** The export lacks a file that every export has; `size`: it is there, and lacks the newest checkpoint, of that size. */
  | { readonly kind: 'missing'; readonly path: string; readonly size?: number }
  /** A tile or bundle is missing, of a wrong length, or not of this tree. */
  | { readonly kind: 'tile'; readonly path: string }
  /** A checkpoint that was given has no cosignature of the witness. */
  | { readonly kind: 'witness' }

/** Faults that were found, the first of them. */
export interface FaultList {
  readonly found: readonly AuditFault[]
  /** Whether there are more than are listed. */
  readonly isCut: boolean
  add(fault: AuditFault): void
}

/** The most faults that are listed: a file of nothing but faults fills no memory. */
const most = 100

/** An empty list of faults. */
export function listFaults(): FaultList {
  // bound: one call
  const found: AuditFault[] = []
  let isCut = false
  return {
    found,
    get isCut() {
      return isCut
    },
    add(fault) {
      if (found.length < most) found.push(fault)
      else isCut = true
    },
  }
}
