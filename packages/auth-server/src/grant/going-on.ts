import type { Conditions } from '@countersign/conditions'
import type { Store } from '@countersign/store'
import { conditionsIn, conditionsText } from '../mandate/conditions-text.js'
import { countsPerGrant } from '../mandate/counts-per-grant.js'
import type { GrantRow, Tables } from '../tables/tables.js'
import type { Grant } from './grant.js'
import { deleteGrants, renameGrant } from './grant-writer.js'

/** What a grant that goes on holds from then on. */
interface GoingOn {
  readonly scope?: string
  readonly conditions?: Conditions | undefined
}

/**
 * Lets a grant go on under a new name, since tokens of the old one hold more. Resources count calls by that name, so one whose user
 * allowed so many calls in all ends instead: under a new name they would pass once more.
 */
export async function goOn(
  tx: Store<Tables>['db'],
  row: Pick<GrantRow, 'refresh_hash' | 'conditions'>,
  next: GoingOn,
): Promise<void> {
  const { refresh_hash, conditions } = row
  if (countsPerGrant(conditionsIn(conditions) ?? [])) {
    await deleteGrants(tx, { refresh_hash })
    return
  }
  const { scope, conditions: narrowed } = next
  await renameGrant(tx, refresh_hash, {
    ...(scope === undefined ? {} : { scope }),
    ...(narrowed === undefined ? {} : { conditions: conditionsText(narrowed) }),
  })
}

/**
 * Tells whether a token of this grant would begin a count anew. Conditions of operators are today's, and known only here: a grant that
 * has gone on under a new name is worth nothing once they count so, and its user is asked anew.
 */
export function countsAnew({ isRenamed }: Pick<Grant, 'isRenamed'>, conditions: Conditions): boolean {
  return isRenamed === true && countsPerGrant(conditions)
}
