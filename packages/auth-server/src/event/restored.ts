/** How many rows a restore has ended. */
export interface Restored {
  /** Requests and codes: used codes would work again. */
  readonly requests: number
  /** Links that make an account: used ones would work again. */
  readonly invitations: number
  /** Browsers and links of the admin page: some admins may have been removed since. */
  readonly admins: number
  /** Browser sessions: some users may have signed out since. */
  readonly sessions: number
  /** Grants of users: some may have been revoked since. */
  readonly grants: number
  /** Remembered consents, by scope: some may have been withdrawn since. */
  readonly consents: number
  /** Own keys of a rotation: some may have been revoked since. */
  readonly keys: number
}
