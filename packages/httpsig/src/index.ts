export { base64urlDecode, base64urlDecodeText, base64urlEncode, base64urlEncodeText } from '#base64url'
export { checkOptions, checkOptionsOffPage } from '#check-options'
export { ascii as asciiBytes } from '#crypto'
export { signBytes } from '#sign-bytes'
export { type CoverageNeeds, requiredComponents } from './component/covered-components.js'
export type { DictionaryLimits } from './component/structured-field.js'
export type { StructuredFieldType, StructuredFieldTypes } from './component/structured-field-type.js'
export {
  type ContentDigest,
  matchesContentDigest,
  parseContentDigest,
  writeContentDigest,
} from './digest/content-digest.js'
export {
  type BodyCheck,
  checkContentDigest,
  checkedStream,
  contentDigestCheck,
  type DigestedStream,
  digestStream,
} from './digest/content-digest-stream.js'
export type { HashName } from './digest/hash.js'
export { HttpSigError, type HttpSigErrorCode, type HttpSigErrorOptions } from './error.js'
export type { SignatureCause, SignatureFinding } from './explain/cause.js'
export {
  type ExplainedComponent,
  type ExplainOptions,
  explainSignature,
  type SignatureExplanation,
} from './explain/explain-signature.js'
export { type Algorithm, algorithms, isSignatureLength } from './key/algorithm.js'
export {
  type CurvePublicJwk,
  type PrivateJwk,
  type PublicJwk,
  parsePublicJwk,
  type RsaPrivateJwk,
  type RsaPublicJwk,
  signatureLength,
  thumbprint,
} from './key/jwk.js'
export {
  generatePrivateJwk,
  generateSigningKey,
  importSigningKey,
  importVerifyKey,
  type SigningKey,
} from './key/key.js'
export { SigningKeyError } from './key/signing-key-error.js'
export type { VerifyKey } from './key/verify-key.js'
export { type VerifyKeyCache, verifyKeyCache } from './key/verify-key-cache.js'
export { chooseAuthority } from './message/authority.js'
export { type GatheredBytes, gatherBytes } from './message/gathered-bytes.js'
export {
  fetchRequestMessage,
  fetchResponseMessage,
  type HeaderLines,
  type HttpMessage,
  type HttpRequestMessage,
  type HttpResponseMessage,
  requestMessage,
} from './message/http-message.js'
export { randomText, textHash } from './message/opaque-text.js'
export {
  type HeadJudgement,
  hasBody,
  headerValues,
  type JudgedHead,
  type JudgeHead,
  type ReceivedMessage,
} from './message/received-message.js'
export { fromRequest, pathOfRequest } from './message/received-request.js'
export { checkTarget } from './message/request-target.js'
export { pathOf, queryOf } from './message/target-parts.js'
export { nearestName } from './option/nearest-name.js'
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
} from './option/option-check.js'
export {
  type MemoryReplaySetOptions,
  memoryReplaySet,
  type ReplayEntry,
  type ReplaySet,
  type ReplayVerdict,
} from './replay/replay-set.js'
export { hasShare, type RoomShare } from './replay/room-share.js'
export {
  type AcceptSignatureAnswer,
  type AnsweringKey,
  type AnswerOptions,
  answerAcceptSignature,
  parseAcceptSignature,
  type RefusedRequest,
  type SignatureRequest,
  serializeAcceptSignature,
} from './signature/accept-signature.js'
export { judgeHead, openHead, refusedHead } from './signature/judge-head.js'
export { type SignOptions, signRequest } from './signature/sign.js'
export { type SignMessageOptions, signMessage } from './signature/sign-message.js'
export type { SignatureParameters } from './signature/signature-dictionary.js'
export {
  type ParsedSignatureKey,
  parseSignatureKey,
  type SignatureKey,
  serializeSignatureKey,
} from './signature/signature-key.js'
export { isSigned } from './signature/signature-lines.js'
export { type UnreadRequest, unreadRequest } from './signature/unread-request.js'
export {
  type OpenedSignature,
  type OpenOptions,
  openSignature,
  reopenSignature,
  verifyBody,
  verifySignature,
} from './signature/verify.js'
export {
  type SignatureCandidate,
  type VerifiedMessageSignature,
  type VerifyMessageOptions,
  verifyMessage,
} from './signature/verify-message.js'
