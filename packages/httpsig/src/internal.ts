// For the other packages of this project, not for users: these names may change in any release (no semver).

export { base64urlDecode, base64urlDecodeText, base64urlEncode, base64urlEncodeText } from '#base64url'
export { checkOptions, checkOptionsOffPage } from '#check-options'
export { ascii as asciiBytes } from '#crypto'
export { errorWords as httpSigErrorWords } from '#error-words'
export { offPage } from '#off-page'
export { type CoverageNeeds, requiredComponents } from './component/covered-components.js'
export { checkedStream, contentDigestCheck } from './digest/content-digest-stream.js'
export { errorSentence, refusal as httpSigRefusal } from './error.js'
export { type ReceivedBase, type ReceivedComponent, receivedBase } from './explain/received-base.js'
export { algorithmNamed, isSignatureLength, registeredName } from './key/algorithm.js'
export { signBytes } from './key/sign-bytes.js'
export { chooseAuthority } from './message/authority.js'
export { connectionOfRequest } from './message/connection.js'
export { type GatheredBytes, gatherBytes } from './message/gathered-bytes.js'
export { randomText, textHash } from './message/opaque-text.js'
export {
  looksLikeRequest,
  parseRawRequest,
  RawMessageError,
  type RawRequest,
  rawHeader,
  rawParts,
} from './message/raw-request.js'
export { hasBody, trimOws } from './message/received-message.js'
export { pathOfRequest, streamOf } from './message/received-request.js'
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
export { listedUnder } from './reason/listed-under.js'
export type { ErrorWords } from './reason/reason.js'
export { type CountTable, countTable, type DigestKey, digestKey } from './replay/compact-table.js'
export { type ReplayRoom, replayRoomOf, tokenRoom } from './replay/replay-room.js'
export { fullWait, tokenEntry } from './replay/replay-set.js'
export { hasShare, type RoomShare } from './replay/room-share.js'
export { signCheckedRequest } from './signature/sign.js'
export { isSigned } from './signature/signature-lines.js'
export { checkCovers, checkFirstByte, proveSignature, verifyBody } from './signature/verify.js'
export { componentValue, signaturesTagged } from './signature/verify-message.js'
export { type Deadline, inTime, signalledInTime } from './time/in-time.js'
