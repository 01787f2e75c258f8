import type {
  VectorArguments,
  VectorConditionList,
  VectorConditionLists,
  VectorConditions,
  VectorData,
} from './condition.js'
import type {
  VectorDigest,
  VectorForm,
  VectorIdentifier,
  VectorKeyProof,
  VectorKeySet,
  VectorLine,
  VectorMetadata,
  VectorOperation,
  VectorPublicKey,
  VectorPurposes,
  VectorRedirect,
  VectorScope,
} from './message.js'
import type { VectorRequest, VectorToken } from './vector.js'

/** The input of each kind of vectors; each kind is a file in `json/`. */
export interface VectorInputs {
  readonly 'agent-tokens': VectorToken
  readonly 'auth-tokens': VectorToken
  readonly challenges: VectorLine
  readonly 'condition-arguments': VectorArguments
  readonly 'condition-data': VectorData
  readonly 'condition-lists': VectorConditionList
  readonly conditions: VectorConditions
  readonly 'content-digests': VectorDigest
  readonly forms: VectorForm
  readonly identifiers: VectorIdentifier
  readonly 'interaction-codes': VectorLine
  readonly jwks: VectorKeySet
  readonly 'key-proofs': VectorKeyProof
  readonly metadata: VectorMetadata
  readonly 'narrowed-conditions': VectorConditionLists
  readonly 'operation-digests': VectorOperation
  readonly 'public-keys': VectorPublicKey
  readonly purposes: VectorPurposes
  readonly 'redirect-uris': VectorRedirect
  readonly 'resource-tokens': VectorToken
  readonly scopes: VectorScope
  readonly 'signature-bases': VectorRequest
  readonly 'signature-keys': VectorLine
  readonly 'signed-requests': VectorRequest
}

/** The names of all kinds. */
export const vectorKinds: ReadonlyArray<keyof VectorInputs> = [
  'agent-tokens',
  'auth-tokens',
  'challenges',
  'condition-arguments',
  'condition-data',
  'condition-lists',
  'conditions',
  'content-digests',
  'forms',
  'identifiers',
  'interaction-codes',
  'jwks',
  'key-proofs',
  'metadata',
  'narrowed-conditions',
  'operation-digests',
  'public-keys',
  'purposes',
  'redirect-uris',
  'resource-tokens',
  'scopes',
  'signature-bases',
  'signature-keys',
  'signed-requests',
]
