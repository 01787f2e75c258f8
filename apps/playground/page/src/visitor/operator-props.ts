import type { OperatorAct, VisitorState } from '../../../src/visitor/contract.js'
import type { Action } from './api.js'

/** What a part of the operator's view gets. */
export interface OperatorProps {
  readonly visitor: VisitorState
  readonly action: Action
  readonly act: (act: OperatorAct, on: string) => void
}
