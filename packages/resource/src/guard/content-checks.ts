import { conditionsOf, meetsArguments } from '@countersign/conditions'
import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { refusal } from '@countersign/protocol/internal'
import { jsonType } from '../answer/json-type.js'
import { isConditional } from '../answer/whole-answer.js'
import type { Check } from './check.js'
import { asksApproval, conditionsIn } from './conditions.js'
import type { Refusal } from './decision.js'
import type { GuardedRequest } from './guarded-request.js'
import { isUnsafe } from './unsafe.js'

// Checks of what is in a request and what its answer may be.

/** Refuses before the handler runs what could not be answered under `data`. */
export const data: Check<GuardedRequest> = {
  name: 'data',
  async refusal({ message, route, guard: { id }, verified: { caller }, call }) {
    if (conditionsOf(conditionsIn(caller) ?? [], 'data', id).length === 0) return undefined
    // A guard that does not see the answer would let all of it out.
    if (route.handling?.answers !== 'projected') return final('conditions_unsupported', 'data')
    if (call?.opensStream === true) return final('condition_data', 'a stream')
    // A part of an answer cannot be judged, and `If-Match` tells by its outcome what an `ETag` would.
    if (isUnsafe(message, route) && message.headers.some(([name]) => isConditional(name)))
      return final('condition_data', 'Range or If-...')
    return undefined
  },
}

/** The body of a request for an operation that `arguments` names has nothing in it but what the condition lists. */
export const operands: Check<GuardedRequest> = {
  name: 'arguments',
  async refusal(request) {
    const { message, route, guard, verified, call } = request
    const { id } = guard
    const { caller } = verified
    // A user approves a body, and is shown some of it.
    if (route.handling?.bodies === 'unseen' && asksApproval(caller, route, id))
      return final('conditions_unsupported', 'approval, since bodies are not seen here')
    const listed = conditionsOf(conditionsIn(caller) ?? [], 'arguments', id)
    const named = listed.filter(({ of }) => of === route.operation)
    if (named.length === 0) return undefined
    // In the query more arguments could go along.
    const body = message.target.includes('?') ? undefined : (call?.operand ?? jsonBody(message))
    if (body !== undefined && meetsArguments(named, body)) return undefined
    return final('condition_arguments')
  },
}

/** Whether the body of a request is JSON in UTF-8 by its headers, and nothing else. */
export function isJson(message: ReceivedMessage): boolean {
  const types = headerValues(message, 'content-type')
  const isOfType = types.length === 1 && jsonType(types[0]) !== undefined
  return isOfType && headerValues(message, 'content-encoding').length === 0
}

/** The body of a request that is JSON, where it was read before the handler runs. */
function jsonBody(message: ReceivedMessage): Uint8Array | undefined {
  return isJson(message) ? message.body : undefined
}

function final(reason: 'condition_arguments' | 'condition_data' | 'conditions_unsupported', about?: string): Refusal {
  return { error: refusal(reason, { about }), ask: 'nothing' }
}
