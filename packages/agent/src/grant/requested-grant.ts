/** Members of a token request. */
export type Form = Readonly<Record<string, string>>

/** What is asked of an auth server: a scope at a resource. */
export interface RequestedGrant {
  readonly issuer: string
  readonly resource: string
  readonly scope: readonly string[]
}
