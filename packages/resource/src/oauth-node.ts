export { type OAuthApiOptions, oauthApi } from './oauth/oauth-api.js'
export { type OAuthTokensOptions, oauthTokens } from './oauth/oauth-tokens.js'
export type { OAuthApi, OAuthOwner, OAuthTokenSet, OAuthTokens } from './oauth.js'
