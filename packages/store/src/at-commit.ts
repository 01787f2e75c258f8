import type { Kysely, QueryExecutorProvider } from 'kysely'
import { StoreError } from './store-error.js'

/** Does what writes have left for the end of their transaction, for all of them at once. */
export type AtCommitWork<I> = (tx: Kysely<unknown>, items: readonly I[]) => Promise<unknown>

/** What one write has left, in order. */
export type AtCommitItems = Array<{ readonly work: AtCommitWork<never>; readonly item: never }>

const itemsOf = new WeakMap<object, AtCommitItems>()

/**
 * Leaves work for the end of a write's transaction, where it runs once for all writes that share the transaction: one statement in place
 * of one for each write. If the write fails, what it left is dropped; if the work fails, the writes fail with it.
 * @param work runs after the changes, with what was left, in order
 * @returns leaves an item; it throws StoreError `misuse` where `tx` is not that of a write which is under way
 */
export function atCommit<I>(work: AtCommitWork<I>): (tx: QueryExecutorProvider, item: I) => void {
  return (tx, item) => {
    // bound: one call
    const items = itemsOf.get(tx)
    if (items === undefined) throw new StoreError('misuse', 'work was left outside a write, or after it had ended')
    items.push({ work: work as AtCommitWork<never>, item: item as never })
  }
}

/** Lets work be left on `tx` until `end` is called, which returns it. */
export function collectItems(tx: object): { end(): AtCommitItems } {
  const items: AtCommitItems = []
  itemsOf.set(tx, items)
  return {
    end() {
      // What is left later, by a statement without `await`, is refused, not lost.
      itemsOf.delete(tx)
      return items
    },
  }
}

/** Does the work that was left. */
export async function doItems<T>(tx: Kysely<T>, items: AtCommitItems): Promise<void> {
  for (const work of new Set(items.map(each => each.work)))
    await work(
      tx as unknown as Kysely<unknown>,
      items.filter(each => each.work === work).map(({ item }) => item),
    )
}
