/** The claims of a login about its user; each only where the provider gave it in its proper type. */
export interface UserClaims {
  readonly name?: string
  readonly email?: string
  /** Whether the provider vouches for `email`. */
  readonly email_verified?: boolean
}

/** An account at a login provider. It is identified by `issuer` and `subject`; e-mail addresses change hands. */
export interface UpstreamAccount {
  /** What `subject` is unique under, e.g. the provider's issuer URL. */
  readonly issuer: string
  readonly subject: string
  readonly claims: UserClaims
  /** When the provider verified the user, Unix seconds; only where `reauthenticate` asked for it, and the provider says so. */
  readonly verifiedAt?: number
}
