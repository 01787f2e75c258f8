import { readFileSync } from 'node:fs'
import type { VectorWorld } from './answer.js'
import { type AnswerKind, type VectorInputs, vectorKinds } from './kinds.js'
import type {
  DroppedAnswer,
  ReceivedVectorRequest,
  RefusedResult,
  Vector,
  VectorBody,
  VectorRequest,
} from './vector.js'

export type {
  VectorAsked,
  VectorBotDirectory,
  VectorRefusal,
  VectorResponse,
  VectorTokenAnswer,
  VectorWorld,
} from './answer.js'
export type {
  VectorArguments,
  VectorCondition,
  VectorConditionList,
  VectorConditionLists,
  VectorConditions,
  VectorData,
} from './condition.js'
export { type AnswerKind, type VectorInputs, vectorKinds } from './kinds.js'
export type {
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
export type {
  AcceptedResult,
  DroppedAnswer,
  ReceivedVectorRequest,
  RefusedResult,
  Vector,
  VectorBody,
  VectorPatch,
  VectorReceiver,
  VectorRequest,
  VectorToken,
} from './vector.js'

/** A vector of one kind. */
export type VectorOf<Kind extends keyof VectorInputs> = Vector<
  VectorInputs[Kind],
  Kind extends AnswerKind ? DroppedAnswer : RefusedResult
>

/**
 * Reads the vectors of one kind.
 * @param result only those that are accepted, or only those that are refused; default both
 * @example
 * ```ts
 * import { readVectors } from '@countersign/vectors'
 *
 * for (const { id, title, input, expect } of readVectors('signed-requests'))
 *   console.log(id, title, input.method, input.target, expect.result)
 * ```
 */
export function readVectors<Kind extends keyof VectorInputs>(
  kind: Kind,
  result?: 'accept' | 'refuse',
): ReadonlyArray<VectorOf<Kind>> {
  if (!vectorKinds.includes(kind)) throw new TypeError('there are no vectors of this kind')
  const { vectors } = readJson(kind) as { vectors: ReadonlyArray<VectorOf<Kind>> }
  return result === undefined ? vectors : vectors.filter(one => one.expect.result === result)
}

/** Reads world.json: keys, what participants publish, and how receivers are set up. */
export function readWorld(): VectorWorld {
  return readJson('world') as VectorWorld
}

/**
 * A request of a vector with its body as bytes.
 * @example
 * ```ts
 * import { readVectors, requestOf } from '@countersign/vectors'
 *
 * const [first] = readVectors('signed-requests')
 * if (first !== undefined) console.log(requestOf(first.input).body?.length)
 * ```
 */
export function requestOf({ method, target, headers, body }: VectorRequest): ReceivedVectorRequest {
  return body === undefined ? { method, target, headers } : { method, target, headers, body: bytesOf(body) }
}

/** The bytes of a body. */
export function bytesOf(body: VectorBody): Uint8Array {
  return new Uint8Array('text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64'))
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../json/${name}.json`, import.meta.url), 'utf8'))
}
