import type { ShownAccess, ShownNotice } from '@countersign/auth-server/internal'
import type { PageUser } from './page-user.js'

/** What the account page shows. */
export interface AccountView {
  readonly csrf: string
  readonly user: PageUser
  readonly access: readonly ShownAccess[]
  readonly notices: readonly ShownNotice[]
  readonly page: number
  readonly pages: number
  /** Questions that wait in the inbox. */
  readonly waiting: number
  /** How many grants were just taken back. */
  readonly done?: number | undefined
  /** Limits were just added. */
  readonly narrowed?: boolean | undefined
  readonly now: number
  /** Seconds that a token lives after its grant has ended, where the resource is not reached. */
  readonly tokenLife: number
}
