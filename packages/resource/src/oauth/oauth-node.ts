export type { OAuthApi, OAuthOwner, OAuthTokenSet, OAuthTokens } from './oauth.js'
export { type OAuthApiOptions, oauthApi } from './oauth-api.js'
export { type OAuthTokensOptions, oauthTokens } from './oauth-tokens.js'
