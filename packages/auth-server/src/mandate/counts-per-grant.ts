import { type Conditions, conditionsOf } from '@countersign/conditions'

/** Tells whether calls are counted for the life of a grant. */
export function countsPerGrant(conditions: Conditions): boolean {
  return conditionsOf(conditions, 'calls').some(({ per }) => per === 'grant')
}
