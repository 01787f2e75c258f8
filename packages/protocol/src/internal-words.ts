// For the other packages of this project, not for users: these names may change in any release (no semver).

export { type ClaimWords, checkTokenClaims, type TokenWords, tokenWords } from './token/token-words.js'
