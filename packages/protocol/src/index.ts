export { checkIdentifier } from '#check-identifier'
export { AAuthError, type AAuthErrorOptions, asAAuthError, type ErrorCode } from './error.js'
export { type BoundedMap, boundedMap } from './internal/bounded-map.js'
export { type CauseFacts, causeFacts } from './internal/cause-facts.js'
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
} from './internal/check-options.js'
export { errorFields } from './internal/error-fields.js'
export { foldedName, foldedPath, shortNameFolders, withoutStreams } from './internal/folded-path.js'
export { freezeJson } from './internal/freeze-json.js'
export { type LogLimit, logLimit } from './internal/log-limit.js'
export { corsCheck, identifiersCheck, proxiesCheck } from './internal/shared-checks.js'
export { type SharedMap, sharedMap, type Worth } from './internal/shared-map.js'
export { checkKeySchedule, type KeyPlan, type KeySchedule, planKeys, type ScheduledKey } from './key/key-schedule.js'
export { findKey, jwks, type PublicKeyEntry, type PublishedKey } from './key/published-key.js'
export { type AgentAuth, parseAgentAuth, serializeAgentAuth } from './message/agent-auth.js'
export { parseAgentInteraction, serializeAgentInteraction } from './message/agent-interaction.js'
export { pageSafety, seeOther } from './message/browser-response.js'
export { checkContentCoding } from './message/content-coding.js'
export { type Cookies, cookiesOf } from './message/cookie.js'
export {
  type Cors,
  type CorsOrigins,
  type CorsRequest,
  createCors,
  type HeaderFields,
  withCors,
} from './message/cors.js'
export { type ErrorResponseOptions, errorResponse } from './message/error-response.js'
export { parseForm, parseQuery } from './message/form.js'
export { answerRoute, type Route, type Routes } from './message/route.js'
export { textOf, textResponse } from './message/text-response.js'
export { documentResponse, jwksResponse, privateResponse } from './metadata/document-response.js'
export {
  type AgentMetadata,
  type AuthServerMetadata,
  type MetadataOptions,
  parseAgentMetadata,
  parseAuthServerMetadata,
  parseResourceMetadata,
  type ResourceMetadata,
} from './metadata/metadata.js'
export { answerUrl, checkRedirectUri } from './metadata/redirect-uri.js'
export {
  authorityOf,
  type IdentifierOptions,
  isIdentifier,
  schemeOf,
  type WellKnownDocument,
  wellKnownUrl,
} from './term/identifier.js'
export { checkIdentifierList, type IdentifierList, isListed } from './term/identifier-list.js'
export { type Level, satisfies } from './term/level.js'
export { identityScopes, identityScopesIn, missingScope, parseScope, serializeScope, unionScope } from './term/scope.js'
export { type AgentTokenClaims, checkAgentToken } from './token/agent-token.js'
export { type Act, type AuthTokenClaims, checkAuthToken } from './token/auth-token.js'
export { isSafeId } from './token/claims.js'
export { type JsonLimits, parseJson } from './token/json.js'
export { isObject, maxJwsBytes } from './token/jws.js'
export {
  type KeyProofClaims,
  type ParsedKeyProof,
  parseKeyProof,
  signKeyProof,
  verifyKeyProof,
} from './token/key-proof.js'
export { checkResourceToken, type ResourceTokenClaims } from './token/resource-token.js'
export { signJws } from './token/sign-jws.js'
export { signToken } from './token/sign-token.js'
export {
  type ParsedToken,
  type ParseTokenOptions,
  parseToken,
  type TokenType,
  verifyTokenSignature,
} from './token/token.js'
