/** What a delegate may be used for, and where. @see protocol §9.1 */
export interface Limits {
  readonly delegation: readonly object[]
  readonly receivers: readonly string[]
}

/** How the agent server is started. */
export interface Settings {
  readonly port: number
  /** Enrolment codes that work once each. */
  readonly codes: readonly string[]
  /** Codes of delegates with conditions, and the receivers that may get their tokens. */
  readonly limited: Limits & { readonly codes: readonly string[] }
  /** An OpenID issuer, and the `sub` of its tokens that may enrol. */
  readonly oidc?: { readonly issuer: string; readonly sub: string }
  /** The cookie of a browser that is signed in, and whose it is. */
  readonly session?: { readonly cookie: string; readonly user: string }
}
