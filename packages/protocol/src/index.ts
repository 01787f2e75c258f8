export { checkIdentifier } from '#check-identifier'
export { type AgentAuth, parseAgentAuth, serializeAgentAuth } from './agent-auth.js'
export { parseAgentInteraction, serializeAgentInteraction } from './agent-interaction.js'
export { type AgentTokenClaims, checkAgentToken } from './agent-token.js'
export { type Act, type AuthTokenClaims, checkAuthToken } from './auth-token.js'
export { type BoundedMap, boundedMap } from './bounded-map.js'
export { pageSafety, seeOther } from './browser-response.js'
export { type CauseFacts, causeFacts } from './cause-facts.js'
export {
  checkOption,
  checkOptions,
  checkOptionsOffPage,
  each,
  eachMember,
  nearestName,
  type OptionCheck,
  type OptionChecks,
  type OptionMembers,
  type OptionPlace,
  objectOr,
  restriction,
  wrongOption,
} from './check-options.js'
export { checkContentCoding } from './content-coding.js'
export { type Cookies, cookiesOf } from './cookie.js'
export { type Cors, type CorsOrigins, type CorsRequest, createCors, type HeaderFields, withCors } from './cors.js'
export { documentResponse, jwksResponse, privateResponse } from './document-response.js'
export { AAuthError, type AAuthErrorOptions, asAAuthError, type ErrorCode } from './error.js'
export { errorFields } from './error-fields.js'
export { type ErrorResponseOptions, errorResponse } from './error-response.js'
export { foldedName, foldedPath, shortNameFolders, withoutStreams } from './folded-path.js'
export { parseForm, parseQuery } from './form.js'
export { freezeJson } from './freeze-json.js'
export {
  authorityOf,
  type IdentifierOptions,
  isIdentifier,
  schemeOf,
  type WellKnownDocument,
  wellKnownUrl,
} from './identifier.js'
export { checkIdentifierList, type IdentifierList, isListed } from './identifier-list.js'
export { type JsonLimits, parseJson } from './json.js'
export { isObject, maxJwsBytes } from './jws.js'
export { type KeyProofClaims, type ParsedKeyProof, parseKeyProof, signKeyProof, verifyKeyProof } from './key-proof.js'
export { checkKeySchedule, type KeyPlan, type KeySchedule, planKeys, type ScheduledKey } from './key-schedule.js'
export { type Level, satisfies } from './level.js'
export { type LogLimit, logLimit } from './log-limit.js'
export {
  type AgentMetadata,
  type AuthServerMetadata,
  type MetadataOptions,
  parseAgentMetadata,
  parseAuthServerMetadata,
  parseResourceMetadata,
  type ResourceMetadata,
} from './metadata.js'
export { findKey, jwks, type PublicKeyEntry, type PublishedKey } from './published-key.js'
export { answerUrl, checkRedirectUri } from './redirect-uri.js'
export { checkResourceToken, type ResourceTokenClaims } from './resource-token.js'
export { answerRoute, type Route, type Routes } from './route.js'
export { identityScopes, identityScopesIn, missingScope, parseScope, serializeScope, unionScope } from './scope.js'
export { corsCheck, identifiersCheck, proxiesCheck } from './shared-checks.js'
export { type SharedMap, sharedMap, type Worth } from './shared-map.js'
export { signJws } from './sign-jws.js'
export { signToken } from './sign-token.js'
export { textOf, textResponse } from './text-response.js'
export { type ParsedToken, type ParseTokenOptions, parseToken, type TokenType, verifyTokenSignature } from './token.js'
export { isSafeId } from './token-claims.js'
