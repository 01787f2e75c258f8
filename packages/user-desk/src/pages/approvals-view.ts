import type { ShownCall } from './approval-view.js'
import type { PageUser } from './page-user.js'

/** A question that waits in the inbox. Times are Unix seconds. */
export interface ShownQuestion {
  readonly id: string
  readonly agent: string
  readonly resource: string
  readonly call: ShownCall
  readonly until: number
}

/** A call that the user has approved. */
export interface ApprovedCall {
  readonly agent: string
  readonly delegate?: string | undefined
  readonly resource: string
  readonly call: ShownCall
  readonly at: number
}

/** An agent that the user has told to stop asking. */
export interface ShownStop {
  readonly agent: string
  readonly resource: string
  readonly since: number
}

/** What just happened. */
export type ApprovalsDone = 'approved' | 'refused' | 'stopped' | 'allowed' | 'on' | 'off'

/** What the page of approvals shows. */
export interface ApprovalsView {
  readonly csrf: string
  readonly user: PageUser
  readonly inbox: 'on' | 'off'
  readonly questions: readonly ShownQuestion[]
  readonly stops: readonly ShownStop[]
  readonly history: readonly ApprovedCall[]
  readonly done?: ApprovalsDone | undefined
}
