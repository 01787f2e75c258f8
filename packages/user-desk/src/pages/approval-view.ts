import type { ConsentView } from './consent-view.js'

/** A single call that a user is asked about, or has approved. */
export interface ShownCall {
  /** The name of its operation. */
  readonly operation: string
  /** The resource's description of the operation. */
  readonly words: string
  /** The resource says that it is far-reaching. */
  readonly grave: boolean
  /** By turns the resource's words and values of the call; undefined where the resource says no more. */
  readonly display: readonly string[] | undefined
}

/** What the page shows on which a user approves a single call. Texts of strangers are unchanged here: the page makes them harmless. */
export interface ApprovalView
  extends Pick<
    ConsentView,
    | ('csrf' | 'action' | 'hidden' | 'returnTo' | 'user')
    | ('agent' | 'delegate' | 'resource' | 'purpose' | 'exchange' | 'way')
  > {
  readonly call: ShownCall
}
