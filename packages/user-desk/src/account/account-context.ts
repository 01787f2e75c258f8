import type { Reporter } from '@countersign/audit/internal'
import type { AuthServerEvent } from '@countersign/auth-server'
import type { Tables, UserAccess } from '@countersign/auth-server/internal'
import type { Discovery } from '@countersign/discovery'
import type { Store } from '@countersign/store'
import type { Login } from '../login/sign-in.js'
import type { ConsentDefaults } from '../pages/limits-view.js'
import type { Looks } from '../pages/look.js'

/** The questions about single calls that a user was asked. */
export interface OwnQuestions {
  /** How many wait in their inbox. */
  count(sub: string): Promise<number>
  /** The agents that the user has told to stop asking, and where. */
  stops(sub: string): Promise<ReadonlyArray<{ readonly agent: string; readonly resource: string }>>
  /** All that is stored of them, for the user's copy of their data. */
  copy(sub: string): Promise<object>
}

/** What the account pages need. */
export interface AccountContext {
  readonly issuer: { readonly issuer: string; readonly lifetime: number }
  readonly development: boolean
  readonly login: Login
  readonly looks: Looks
  readonly store: Store<Tables>
  readonly access: UserAccess
  readonly discovery: Discovery
  /** What the forms of consent pages hold at first. */
  readonly defaults: ConsentDefaults
  readonly questions: OwnQuestions
  readonly now: () => number
  readonly report: Reporter<AuthServerEvent>
}
