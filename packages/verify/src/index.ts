export type { Directory, Discovery, SiteOf } from '@countersign/discovery'
export type { OpenedSignature, ReceivedMessage, ReplaySet, VerifyKey } from '@countersign/httpsig'
export type {
  AgentTokenClaims,
  AuthTokenClaims,
  Condition,
  Conditions,
  IdentifierList,
  ResourceTokenClaims,
} from '@countersign/protocol'
export type {
  AnonymousCaller,
  AuthorizedCaller,
  Caller,
  Credential,
  IdentifiedCaller,
  PseudonymousCaller,
  User,
  Verified,
} from './caller.js'
export type { PerRequest, VerifierOptions } from './options.js'
export { checkReplay, type ReplayCheck, refuseSeen } from './replay.js'
export { type TokenCheck, verifyAgentToken, verifyAuthToken, verifyResourceToken } from './token.js'
export { userOf } from './token-facts.js'
export { type ClientOf, clientOf, type TrustedProxies } from './trusted-proxies.js'
export { createVerifier, type Verifier } from './verifier.js'
