export type { DictionaryLimits } from './component/structured-field.js'
export type { StructuredFieldType, StructuredFieldTypes } from './component/structured-field-type.js'
export {
  type ContentDigest,
  matchesContentDigest,
  parseContentDigest,
  writeContentDigest,
} from './digest/content-digest.js'
export type { BodyCheck } from './digest/content-digest-stream.js'
export { checkContentDigest, type DigestedStream, digestStream } from './digest/content-digest-stream.js'
export type { HashName } from './digest/hash.js'
export { HttpSigError, type HttpSigErrorCode, type HttpSigErrorOptions } from './error.js'
export {
  type ExplainedComponent,
  type ExplainOptions,
  explainSignature,
  type SignatureExplanation,
} from './explain/explain-signature.js'
export type { FindingReason, SignatureFinding } from './explain/finding.js'
export { type Algorithm, algorithms } from './key/algorithm.js'
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
export {
  fetchRequestMessage,
  fetchResponseMessage,
  type HeaderLines,
  type HttpMessage,
  type HttpRequestMessage,
  type HttpResponseMessage,
  requestMessage,
} from './message/http-message.js'
export {
  type CallerConnection,
  headerValues,
  type ReceivedMessage,
  readBody,
  type UnreadBody,
} from './message/received-message.js'
export { fromRequest, receiveRequest } from './message/received-request.js'
export type { HttpSigReason, SignatureDiagnosis } from './reason/reason.js'
export type { ReplayRoomOptions } from './replay/replay-room.js'
export {
  type MemoryReplaySet,
  type MemoryReplaySetOptions,
  memoryReplaySet,
  type ReplayEntry,
  type ReplaySet,
  type ReplayVerdict,
  type TokenUse,
} from './replay/replay-set.js'
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
export { type SignOptions, signRequest } from './signature/sign.js'
export { type SignMessageOptions, signMessage } from './signature/sign-message.js'
export type { SignatureParameters } from './signature/signature-dictionary.js'
export {
  type ParsedSignatureKey,
  parseSignatureKey,
  type SignatureKey,
  serializeSignatureKey,
} from './signature/signature-key.js'
export { type OpenedSignature, type OpenOptions, openSignature, verifySignature } from './signature/verify.js'
export {
  type SignatureCandidate,
  type VerifiedMessageSignature,
  type VerifyMessageOptions,
  verifyMessage,
} from './signature/verify-message.js'
