/** A client that an operator has registered at the authorization server. */
export interface RegisteredClient {
  readonly client_id: string
  readonly client_secret?: string
  readonly token_endpoint_auth_method?: 'client_secret_basic' | 'private_key_jwt'
  readonly jwks?: { readonly keys: readonly object[] }
  readonly redirect_uris: readonly string[]
  readonly response_types?: readonly string[]
  readonly grant_types: readonly string[]
}

/** An API that an operator has registered there as an audience. */
export interface RegisteredApi {
  readonly id: string
  readonly scopes: readonly string[]
}

/** The configuration file of the OAuth authorization server. */
export interface OAuthServerConfig {
  readonly issuer: string
  readonly clients: readonly RegisteredClient[]
  readonly apis: readonly RegisteredApi[]
  /** Whether clients may register themselves. */
  readonly dynamicRegistration: boolean
  /** Users, by account id. */
  readonly users: Readonly<Record<string, string>>
  /** Its own signing keys. */
  readonly jwks: { readonly keys: readonly object[] }
  readonly cookieKeys: readonly string[]
}

/** The configuration file of an API behind it. */
export interface OAuthApiConfig {
  readonly id: string
  readonly name: string
  readonly issuer: string
  /** What it is to the authorization server when it asks whether a token is valid, or exchanges one. */
  readonly client_id: string
  readonly client_secret: string
  /** The API that it calls for its callers. */
  readonly rooms?: string
}

/** The configuration file of the client. */
export interface OAuthClientConfig {
  readonly issuer: string
  readonly client_id: string
  readonly client_secret: string
  readonly redirect_uri: string
}

/** The grant type of RFC 8693. */
export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** Seconds that an access token of the OAuth world lives. */
export const accessTokenLifetime = 300
