import type { Also } from '@countersign/audit/internal'
import type { HistoryEntry, LoginTables, User } from '@countersign/auth-server/internal'
import type { Transaction } from '@countersign/store/internal'

/** The user of a session. */
export interface SessionUser extends User {
  /** The id of the login method. */
  readonly provider: string
  /** When the user was last verified in this session, Unix seconds; see `isFresh`. */
  readonly verified: number
}

/** Who enters, and what their history says of it. */
export interface Entered {
  readonly user: User
  /** The id of the login method. */
  readonly provider: string
  /** When the user was verified, Unix seconds: now by a passkey, or by the provider at this server's demand; 0 for neither. */
  readonly verified: number
  readonly history: ReadonlyArray<readonly [what: HistoryEntry, about: string]>
}

/** Finds or makes the user in the transaction that signs them in. What it throws signs nobody in. */
export type Entrance = (tx: Transaction<LoginTables>, at: number) => Promise<Entered>

/** Who signs in, and what is written with it. */
export interface Entering {
  readonly session: BrowserSession
  readonly entrance: Entrance
  readonly also?: Also<Entered>
}

/** One browser, and who is signed in with it. */
export interface BrowserSession {
  /** Names the browser, before and after a sign-in or a change of user. Requests are claimed under it. No secret. */
  readonly id: string
  /** Every form must send it back; it changes at each sign-in. */
  readonly csrf: string
  readonly user?: SessionUser
}
