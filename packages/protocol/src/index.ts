export type { Algorithm, HttpSigReason, PublicJwk, SigningKey, VerifyKey } from '@countersign/httpsig'
export {
  type ApprovalCondition,
  type ArgumentRule,
  type ArgumentsCondition,
  type CallsCondition,
  type ChainCondition,
  type Condition,
  type ConditionOptions,
  type Conditions,
  type ConditionType,
  conditionTypes,
  type DataCondition,
  type HoursCondition,
  type PurposesCondition,
  type ResourcesCondition,
  type ScopesCondition,
  type UntilCondition,
} from './condition/condition.js'
export type { JudgedCondition, JudgedFacts, JudgedType } from './condition/holds.js'
export { maxConditionBytes, maxConditions, parseConditions } from './condition/parse.js'
export { AAuthError, type AAuthErrorOptions, type ErrorCode } from './error.js'
export { findKey, jwks, type PublicKeyEntry, type PublishedKey } from './key/published-key.js'
export { type LogLimit, logLimit } from './log-limit.js'
export { type AgentAuth, parseAgentAuth, serializeAgentAuth } from './message/agent-auth.js'
export { parseAgentInteraction, serializeAgentInteraction } from './message/agent-interaction.js'
export type { Cors, CorsOrigins, CorsRequest, HeaderFields } from './message/cors.js'
export { type ErrorResponseOptions, errorResponse } from './message/error-response.js'
export {
  type AgentMetadata,
  type AuthServerMetadata,
  parseAgentMetadata,
  parseAuthServerMetadata,
  parseResourceMetadata,
  type ResourceMetadata,
} from './metadata/metadata.js'
export type { MetadataOptions } from './metadata/read-members.js'
export type { DataViewWords, OperationWords } from './metadata/words.js'
export type {
  AccessReason,
  AvailabilityReason,
  ConditionReason,
  DelegateReason,
  DiscoveryReason,
  HopReason,
  Reason,
  RequestReason,
  TokenReason,
  UserReason,
} from './reason/reason.js'
export {
  authorityOf,
  type IdentifierOptions,
  isIdentifier,
  type WellKnownDocument,
  wellKnownUrl,
} from './term/identifier.js'
export { type IdentifierList, isListed } from './term/identifier-list.js'
export { type Level, satisfies } from './term/level.js'
export { isWord } from './term/name.js'
export { parsePurposes } from './term/purposes.js'
export { identityScopes, missingScope, parseScope, serializeScope } from './term/scope.js'
export { type AgentTokenClaims, checkAgentToken } from './token/agent-token.js'
export { type Act, type AuthTokenClaims, checkAuthToken } from './token/auth-token.js'
export {
  type KeyProofClaims,
  type ParsedKeyProof,
  parseKeyProof,
  signKeyProof,
  verifyKeyProof,
} from './token/key-proof.js'
export { isDisplay, type Operation, parseOperation } from './token/operation.js'
export { operationDigest } from './token/operation-digest.js'
export { checkResourceToken, type ResourceTokenClaims } from './token/resource-token.js'
export { signToken } from './token/sign-token.js'
export type { ReadClaims } from './token/token.js'
export {
  type ParsedToken,
  type ParseTokenOptions,
  parseToken,
  type TokenType,
  verifyTokenSignature,
} from './token/token.js'
