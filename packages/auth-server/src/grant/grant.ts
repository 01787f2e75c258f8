/** Whose a grant is: one agent, and exactly one of its delegates or none. Not a key. */
export interface Principal {
  readonly agent: string
  readonly delegate?: string
}

/** What was granted. */
export interface Grant {
  readonly id: string
  readonly resource: string
  /** Serialised, identity scopes included. */
  readonly scope: string
  readonly purpose?: string
  /** The audit id that its tokens carry, where the resource named one. */
  readonly txn?: string
  /** Who allowed it; absent for a direct grant. */
  readonly user?: GrantUser
}

/** The user of a grant. */
export interface GrantUser {
  readonly sub: string
  /** Those that the granted identity scopes stand for, as of the consent. */
  readonly claims: Readonly<Record<string, unknown>>
}
