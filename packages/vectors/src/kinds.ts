import type { VectorBotDirectory, VectorRefusal, VectorTokenAnswer } from './answer.js'
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
  readonly 'bot-directories': VectorBotDirectory
  readonly 'bot-requests': VectorRequest
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
  readonly 'mcp-requests': VectorRequest
  readonly metadata: VectorMetadata
  readonly 'narrowed-conditions': VectorConditionLists
  readonly 'operation-digests': VectorOperation
  readonly 'public-keys': VectorPublicKey
  readonly purposes: VectorPurposes
  readonly 'redirect-uris': VectorRedirect
  readonly refusals: VectorRefusal
  readonly 'resource-tokens': VectorToken
  readonly 'revocation-notices': VectorRequest
  readonly scopes: VectorScope
  readonly 'signature-bases': VectorRequest
  readonly 'signature-keys': VectorLine
  readonly 'signed-requests': VectorRequest
  readonly 'token-answers': VectorTokenAnswer
}

/** The kinds of answers, which an agent drops in silence where they are wrong. */
export type AnswerKind = 'refusals' | 'token-answers'

/** The names of all kinds. */
export const vectorKinds: ReadonlyArray<keyof VectorInputs> = [
  'agent-tokens',
  'auth-tokens',
  'bot-directories',
  'bot-requests',
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
  'mcp-requests',
  'metadata',
  'narrowed-conditions',
  'operation-digests',
  'public-keys',
  'purposes',
  'redirect-uris',
  'refusals',
  'resource-tokens',
  'revocation-notices',
  'scopes',
  'signature-bases',
  'signature-keys',
  'signed-requests',
  'token-answers',
]
