/** How often one user is asked to approve single calls. @see protocol §9.4 */
export interface ApprovalLimits {
  /** Open questions of one delegate. Default 5. */
  readonly delegate?: number
  /** Open questions of one agent with all its delegates. Default 10. */
  readonly agent?: number
  /**
   * Questions in 24 hours. Default 50. Callers that the user has given nothing have a count of their own, so that they cannot use up
   * the user's day.
   */
  readonly day?: number
}

/** The defaults. */
export const defaultApprovalLimits: Required<ApprovalLimits> = { delegate: 5, agent: 10, day: 50 }
