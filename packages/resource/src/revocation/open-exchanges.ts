import { type GrantName, grantKey, type RevocationSet } from './revocation-set.js'

/** Responses, streams and sockets that are open under a grant. */
export interface OpenExchanges {
  /**
   * Ends an exchange as soon as its grant is revoked; at once where it is revoked already.
   * @param end called at most once
   * @returns a function that forgets the exchange once it has ended
   */
  enter(grant: GrantName, end: () => void): () => void
}

/**
 * Watches a set of revocations for exchanges that are open.
 * @see protocol §6.6
 */
export function openExchanges(set: RevocationSet): OpenExchanges {
  // bound: the responses and sockets that are open; bytes: 200 × open connections; grown by a stranger; shared: as the
  // connections of the server; filled by open-exchanges.test.ts "one that has left is not ended"
  const open = new Map<string, Set<() => void>>()
  const endAll = (key: string): void => {
    const ends = open.get(key)
    open.delete(key)
    for (const end of ends ?? []) end()
  }
  set.watch(revoked => {
    if (revoked !== 'unknown') endAll(grantKey(revoked))
    // Unreadable for seconds: any of them may be revoked.
    else for (const key of [...open.keys()]) endAll(key)
  })
  return {
    enter(grant, end) {
      const key = grantKey(grant)
      // bound: the responses and sockets that are open under one grant; bytes: as above; grown by a stranger; shared:
      // as the connections of the server; filled by open-exchanges.test.ts "one that has left is not ended"
      const ends = open.get(key) ?? new Set()
      open.set(key, ends)
      ends.add(end)
      // Revoked between the check and here.
      if (set.hasHeard(grant)) endAll(key)
      return () => {
        ends.delete(end)
        if (ends.size === 0 && open.get(key) === ends) open.delete(key)
      }
    },
  }
}
