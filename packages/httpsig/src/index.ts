export { base64urlDecode, base64urlDecodeText, base64urlEncode, base64urlEncodeText } from '#base64url'
export { checkOptions, checkOptionsOffPage } from '#check-options'
export { ascii as asciiBytes } from '#crypto'
export { signBytes } from '#sign-bytes'
export {
  type AcceptSignatureAnswer,
  type AnsweringKey,
  type AnswerOptions,
  answerAcceptSignature,
  parseAcceptSignature,
  type RefusedRequest,
  type SignatureRequest,
  serializeAcceptSignature,
} from './accept-signature.js'
export { type Algorithm, algorithms, isSignatureLength } from './algorithm.js'
export { chooseAuthority } from './authority.js'
export { type ContentDigest, matchesContentDigest, parseContentDigest, writeContentDigest } from './content-digest.js'
export {
  type BodyCheck,
  checkContentDigest,
  checkedStream,
  contentDigestCheck,
  type DigestedStream,
  digestStream,
} from './content-digest-stream.js'
export { type CoverageNeeds, requiredComponents } from './covered-components.js'
export { HttpSigError, type HttpSigErrorCode, type HttpSigErrorOptions } from './error.js'
export {
  type ExplainedComponent,
  type ExplainOptions,
  explainSignature,
  type SignatureExplanation,
} from './explain-signature.js'
export type { SignatureCause, SignatureFinding } from './explain-signature-cause.js'
export { type GatheredBytes, gatherBytes } from './gathered-bytes.js'
export type { HashName } from './hash.js'
export {
  fetchRequestMessage,
  fetchResponseMessage,
  type HeaderLines,
  type HttpMessage,
  type HttpRequestMessage,
  type HttpResponseMessage,
  requestMessage,
} from './http-message.js'
export { judgeHead, openHead, refusedHead } from './judge-head.js'
export {
  type CurvePublicJwk,
  type PrivateJwk,
  type PublicJwk,
  parsePublicJwk,
  type RsaPrivateJwk,
  type RsaPublicJwk,
  signatureLength,
  thumbprint,
} from './jwk.js'
export {
  generatePrivateJwk,
  generateSigningKey,
  importSigningKey,
  importVerifyKey,
  type SigningKey,
  type VerifyKey,
} from './key.js'
export { nearestName } from './nearest-name.js'
export { randomText, textHash } from './opaque-text.js'
export {
  checkOption,
  each,
  eachMember,
  type OptionCheck,
  type OptionChecks,
  type OptionMembers,
  type OptionPlace,
  objectOr,
  restriction,
  wrongOption,
} from './option-check.js'
export {
  type HeadJudgement,
  hasBody,
  headerValues,
  type JudgedHead,
  type JudgeHead,
  type ReceivedMessage,
} from './received-message.js'
export { fromRequest, pathOfRequest } from './received-request.js'
export {
  type MemoryReplaySetOptions,
  memoryReplaySet,
  type ReplayEntry,
  type ReplaySet,
  type ReplayVerdict,
} from './replay-set.js'
export { checkTarget } from './request-target.js'
export { hasShare, type RoomShare } from './room-share.js'
export { type SignOptions, signRequest } from './sign.js'
export { type SignMessageOptions, signMessage } from './sign-message.js'
export type { SignatureParameters } from './signature-dictionary.js'
export {
  type ParsedSignatureKey,
  parseSignatureKey,
  type SignatureKey,
  serializeSignatureKey,
} from './signature-key.js'
export { isSigned } from './signature-lines.js'
export { SigningKeyError } from './signing-key-error.js'
export type { DictionaryLimits } from './structured-field.js'
export type { StructuredFieldType, StructuredFieldTypes } from './structured-field-type.js'
export { pathOf, queryOf } from './target-parts.js'
export { type UnreadRequest, unreadRequest } from './unread-request.js'
export {
  type OpenedSignature,
  type OpenOptions,
  openSignature,
  reopenSignature,
  verifyBody,
  verifySignature,
} from './verify.js'
export { type VerifyKeyCache, verifyKeyCache } from './verify-key-cache.js'
export {
  type SignatureCandidate,
  type VerifiedMessageSignature,
  type VerifyMessageOptions,
  verifyMessage,
} from './verify-message.js'
