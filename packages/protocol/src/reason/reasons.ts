import { messageReasons, type ReasonEntry, signatureDiagnoses, signatureReasons } from '@countersign/httpsig/reasons'
import { accessReasons } from './access-reasons.js'
import { availabilityReasons } from './availability-reasons.js'
import { conditionReasons } from './condition-reasons.js'
import { delegateReasons } from './delegate-reasons.js'
import { discoveryReasons } from './discovery-reasons.js'
import { hopReasons } from './hop-reasons.js'
import type { Reason } from './reason.js'
import { requestReasons } from './request-reasons.js'
import { tokenReasons } from './token-reasons.js'
import { userReasons } from './user-reasons.js'

export { type ReasonEntry, signatureDiagnoses } from '@countersign/httpsig/reasons'
export type { Reason } from './reason.js'

/** Every reason of a refusal: its codes, meaning, fix and clause. Errors and docs are made from it. */
export const reasons: Readonly<Record<Reason, ReasonEntry>> = {
  ...messageReasons,
  ...signatureReasons,
  ...tokenReasons,
  ...accessReasons,
  ...conditionReasons,
  ...requestReasons,
  ...discoveryReasons,
  ...userReasons,
  ...delegateReasons,
  ...hopReasons,
  ...availabilityReasons,
}

/** The same entries in the groups of docs/reasons.md, each under its heading; and the diagnoses of signatures, which no response has. */
export const reasonGroups: ReadonlyArray<readonly [heading: string, entries: Readonly<Record<string, ReasonEntry>>]> = [
  ['The message', messageReasons],
  ['The signature', signatureReasons],
  ['Tokens', tokenReasons],
  ['Levels, scopes, policies and limits', accessReasons],
  ['Delegation policies and approvals', conditionReasons],
  ['Routes, bodies and parameters', requestReasons],
  ['Metadata and keys', discoveryReasons],
  ['Codes, sign-in and consent', userReasons],
  ['Delegates', delegateReasons],
  ['Gateways and MCP servers', hopReasons],
  ['Not available now', availabilityReasons],
  ['Mistakes of a signer', signatureDiagnoses],
]
