import { conditionsOf } from '@countersign/conditions'
import { AAuthError, errorResponse } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { AnswerRule } from '../answer/answer-rule.js'
import { conditionsIn } from './conditions.js'
import type { GuardedRequest } from './guarded-request.js'

/**
 * What of the answer to a request goes out; undefined where no condition is about it.
 * @param tell receives the refusal, of an answer that cannot be shown
 */
export function answerRuleOf(
  { guard, verified: { caller } }: GuardedRequest,
  tell: (error: AAuthError) => void,
): AnswerRule | undefined {
  const conditions = conditionsIn(caller)
  if (conditions === undefined) return undefined
  const fields = conditionsOf(conditions, 'data', guard.id).map(condition => condition.fields)
  if (fields.length === 0) return undefined
  return {
    fields,
    withhold(thrown) {
      const error = asWithheld(thrown)
      tell(error)
      return errorResponse(error, { headers: [['vary', 'Signature-Key']], now: guard.now })
    },
  }
}

/** What a body throws while it is read may hold some of it. */
function asWithheld(thrown: unknown): AAuthError {
  const isOurs = thrown instanceof AAuthError && thrown.reason === 'answer_withheld'
  return isOurs ? thrown : refusal('answer_withheld', { about: 'it could not be read' })
}
