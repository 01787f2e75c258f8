import { inTime } from '@countersign/httpsig/internal'
import type { Kysely, KyselyPlugin } from 'kysely'
import { type AtCommitItems, collectItems } from './at-commit.js'
import { StoreError } from './store-error.js'

/** A change inside one transaction. It may run more than once, so it touches nothing but `tx`. */
export type Change<T, R> = (tx: Kysely<T>) => Promise<R>

/**
 * Runs a change with a `tx` that works only until the change ends, so that a statement without `await` fails instead of running in
 * a later transaction.
 * @returns its result, and what it left for the end of the transaction
 * @throws StoreError `timeout` when the change takes longer than `seconds`: it would delay every other write.
 */
export async function runChange<T, R>(
  connection: Kysely<T>,
  change: Change<T, R>,
  seconds: number,
): Promise<{ readonly value: R; readonly left: AtCommitItems }> {
  const scope = { open: true }
  const tx = connection.withPlugin(openOnly(scope))
  const items = collectItems(tx)
  try {
    const value = await inTime({ seconds, late: tookTooLong }, Promise.resolve(change(tx)))
    return { value, left: items.end() }
  } finally {
    scope.open = false
    items.end()
  }
}

function openOnly(scope: { readonly open: boolean }): KyselyPlugin {
  return {
    transformQuery({ node }) {
      if (scope.open) return node
      throw new StoreError('misuse', 'tx was used after its write had ended; is an await missing?')
    },
    transformResult: async ({ result }) => result,
  }
}

function tookTooLong(): StoreError {
  return new StoreError('timeout', 'a write did not end in time; inside write() only tx may be used and awaited')
}

/**
 * Refuses statements that change data: outside `write()` they have neither its order nor its durability.
 * Refuses all statements once the store is closed: the driver's own error would look like a mistake of the caller.
 */
export function readsOnly(isClosed: () => boolean): KyselyPlugin {
  return {
    transformQuery({ node }) {
      if (isClosed()) throw new StoreError('closed', 'the store is closed')
      if (node.kind === 'SelectQueryNode' || node.kind === 'RawNode') return node
      throw new StoreError('misuse', 'db only reads; use write() to change something')
    },
    transformResult: async ({ result }) => result,
  }
}
