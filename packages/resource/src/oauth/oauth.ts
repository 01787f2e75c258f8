// What the guard and the OAuth side of a resource (`@countersign/resource/oauth`) know of each other.

/** Tokens of an OAuth provider. */
export interface OAuthTokenSet {
  readonly access_token: string
  readonly refresh_token?: string
  /** Seconds from when it was given; absent where the provider does not say. */
  readonly expires_in?: number
}

/** The owner of tokens: one user, one delegate of one agent, and the chain that called it. */
export interface OAuthOwner {
  readonly user: { readonly iss: string; readonly sub: string }
  readonly agent: string
  readonly delegate?: string
  /** The callers of that agent, newest first; absent if it had none. A consent for one chain is no consent for another. */
  readonly chain?: readonly { readonly iss: string; readonly agent: string; readonly agent_delegate?: string }[]
}

/** What begins at the provider, and what finishing it needs: short strings. */
export interface OAuthStart {
  readonly url: string
  readonly saved: Readonly<Record<string, string>>
}

/** An API behind OAuth 2.0: made by `oauthApi`, called by `aauth.oauth(api, url)`. */
export interface OAuthApi {
  readonly id: string
  readonly issuer: string
  readonly origins: readonly string[]
  /** Where the browser goes. @throws AAuthError `temporarily_unavailable` */
  // unchecked options o: only packages of ours call it, and TypeScript checks them
  begin(o: { readonly redirectUri: string; readonly state: string }): Promise<OAuthStart>
  /**
   * What the browser brought back, as tokens.
   * @throws AAuthError `access_denied` when the provider or the user said no, `temporarily_unavailable` when it does not answer
   */
  // unchecked options o: only packages of ours call it, and TypeScript checks them
  finish(o: {
    readonly url: string
    readonly state: string
    readonly saved: Readonly<Record<string, string>>
  }): Promise<OAuthTokenSet>
  /**
   * Undefined when the provider says that the refresh token is worth nothing: the user must be asked again.
   * @throws AAuthError `temporarily_unavailable`, or `access_denied` when it refuses for another reason
   */
  refresh(tokens: OAuthTokenSet): Promise<OAuthTokenSet | undefined>
  /** Tells the provider that the tokens are not needed any more, where it wants to know; never rejects. */
  revoke(tokens: OAuthTokenSet): Promise<void>
}

/** Tokens of OAuth APIs, encrypted. Made by `oauthTokens`; close it when the process ends. */
export interface OAuthTokens {
  /** A token that still works, refreshed where it must be; absent when the user must be asked. @throws AAuthError `temporarily_unavailable` */
  accessToken(api: OAuthApi, owner: OAuthOwner): Promise<string | undefined>
  /** Stores the tokens of a consent, and replaces earlier ones. */
  keep(api: OAuthApi, owner: OAuthOwner, tokens: OAuthTokenSet): Promise<void>
  /** Replaces a token that the API has refused; absent when the user must be asked. @throws AAuthError `temporarily_unavailable` */
  renew(api: OAuthApi, owner: OAuthOwner, refused: string): Promise<string | undefined>
  /** Forgets what an owner has there, and revokes it: for when the user, the agent or its grant is gone. */
  forget(api: OAuthApi, owner: OAuthOwner): Promise<void>
  close(): Promise<void>
}

/** Where a user on the way to an OAuth provider is expected back, and for which API. */
export interface PendingOAuthFacts {
  /** The id of the API. */
  readonly api: string
  /** The owner of the tokens that it ends in. */
  readonly owner: OAuthOwner
  readonly state: string
  readonly url: string
  /** What finishing needs to know. */
  readonly saved: string
}

/** A user on the way to an OAuth provider: first to where the user of the request is known (`sign-in`), then there. */
export type PendingOAuth =
  | (PendingOAuthFacts & { readonly kind: 'sign-in' })
  | (PendingOAuthFacts & { readonly kind: 'oauth' })
