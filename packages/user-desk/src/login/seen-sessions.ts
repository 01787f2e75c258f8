import { boundedMap } from '@countersign/protocol/internal'

/** A session that was live when it was seen. */
interface SeenSession {
  /** The id of its browser. */
  readonly browser: string
  readonly sub: string
}

/**
 * The users of sessions that this instance has seen, by the hash of their secret. For counting only: a session may have ended elsewhere
 * since. Nobody can be put in here without being signed in.
 */
export interface SeenSessions {
  note(hash: string, session: SeenSession): void
  forget(hash: string): void
  /** The user of the session with this secret, in this browser; undefined where none was seen. */
  userOf(hash: string, browser: string): string | undefined
}

/** Sessions that are remembered. */
const mostSeen = 10_000

/** Remembers none yet. */
export function seenSessions(): SeenSessions {
  // bound: 10 000 sessions of users who are signed in; the oldest is forgotten first, and is seen again at its next
  // page; bytes: 10 000 × 300; grown by a stranger; shared: by use: a session that is forgotten has the share of its
  // network until its next page; filled by bounded-collections-fills.test.ts "a bounded map"
  const seen = boundedMap<string, SeenSession>(mostSeen)
  return {
    note: (hash, session) => seen.set(hash, session),
    forget: hash => seen.delete(hash),
    userOf(hash, browser) {
      const session = seen.get(hash)
      return session?.browser === browser ? session.sub : undefined
    },
  }
}
