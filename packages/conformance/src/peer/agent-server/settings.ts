/** How the agent server is started. */
export interface Settings {
  readonly port: number
  /** Enrolment codes that work once each. */
  readonly codes: readonly string[]
  /** An OpenID issuer, and the `sub` of its tokens that may enrol. */
  readonly oidc?: { readonly issuer: string; readonly sub: string }
  /** The cookie of a browser that is signed in, and whose it is. */
  readonly session?: { readonly cookie: string; readonly user: string }
}
