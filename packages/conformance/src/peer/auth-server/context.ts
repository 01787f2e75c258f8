import type { TestKey } from '../../signing/key.js'
import type { Documents } from '../shared/documents.js'
import type { ReplaySet } from '../shared/replay.js'
import type { Settings } from './settings.js'
import type { State } from './state.js'

/** What all parts of the auth server share. */
export interface Context {
  readonly id: string
  readonly settings: Settings
  readonly key: TestKey
  readonly kid: string
  readonly state: State
  readonly documents: Documents
  readonly replays: ReplaySet
  readonly now: () => number
}
