/** Members of a token request. */
export type Form = Readonly<Record<string, string>>

/** A grant that an auth server is asked for: a scope at a resource. */
export interface RequestedGrant {
  readonly issuer: string
  readonly resource: string
  readonly scope: readonly string[]
}
