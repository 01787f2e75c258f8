import { crowdOf, holderOf, type Owner } from '@countersign/mcp/internal'
import type { AAuthError } from '@countersign/protocol'
import { checkOptions, refusal } from '@countersign/protocol/internal'
import { type SessionGroups, sessionGroups } from './groups.js'

/** A session of one caller. */
export interface Session<T> {
  readonly id: string
  readonly value: T
  readonly owner: Owner
}

/** Limits on sessions. */
export interface SessionLimits {
  /**
   * All sessions; default 10 000. For one more, the longest unused session of the agent with the most sessions ends; when all
   * sessions are in use, no new one is opened.
   */
  readonly sessions: number
  /** Sessions of one caller; default 100. For one more, its longest unused session ends. */
  readonly perCaller: number
  /** Seconds without a request or a stream after which a session ends; default 3600. */
  readonly idle: number
}

/** The default limits. */
export const defaultSessionLimits: SessionLimits = { sessions: 10_000, perCaller: 100, idle: 3600 }

/**
 * The response to a caller without a session of this id. It is the same for the id of another caller's session: a stranger must
 * not learn which ids exist.
 * @param tell receives the refusal, for the events of the resource
 */
export function sessionNotFound(tell: (error: AAuthError) => void): Response {
  tell(refusal('session_unknown'))
  const error = { code: -32_001, message: 'Session not found', data: { reason: 'session_unknown' } }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404, headers: { 'cache-control': 'no-store' } })
}

/** The sessions of one server. */
export interface Sessions<T> {
  readonly size: number
  get(id: string): Session<T> | undefined
  /** Records a request of the owner, of which more may be known than before. */
  use(session: Session<T>, owner: Owner): void
  /**
   * Marks the session as in use, by a request or a stream.
   * @returns call it once when the request or stream ends; further calls do nothing
   */
  enter(session: Session<T>): () => void
  /** Adds a session; one with the same id ends. Returns undefined when there is no room. */
  add(id: string, value: T, owner: Owner): Session<T> | undefined
  remove(id: string): void
  all(): Iterable<Session<T>>
}

interface CountedSession<T> extends Session<T> {
  owner: Owner
  /** The groups that it is counted in, see {@link holderOf} and {@link crowdOf}. */
  holder: string
  crowd: string
  /** Running requests and open streams. */
  open: number
  /** Unix seconds of the last request, or of the end of the last stream. */
  used: number
}

/** Counts the sessions by holder and crowd, in use and unused. Every method takes constant time. */
interface SessionLedger<T> {
  /** The sessions that are not in use, longest unused first. */
  readonly unused: ReadonlySet<CountedSession<T>>
  readonly holders: SessionGroups<CountedSession<T>>
  readonly crowds: SessionGroups<CountedSession<T>>
  /** Counts a session for its owner, as in use. */
  add(session: CountedSession<T>, owner: Owner): void
  remove(session: CountedSession<T>): void
  /** Marks a session as unused since now. */
  rest(session: CountedSession<T>): void
  /** Marks a session as in use. */
  wake(session: CountedSession<T>): void
}

function sessionLedger<T>(now: () => number): SessionLedger<T> {
  // bound: the sessions; bytes: 10 000 × 50; grown by a stranger; shared: as the sessions; filled by
  // sessions-many.test.ts "among ten as among 10 000"
  const unused = new Set<CountedSession<T>>()
  // bound: the sessions; bytes: 10 000 × 200; grown by a stranger; shared: as the sessions; filled by
  // sessions-many.test.ts "among ten as among 10 000"
  const holders = sessionGroups<CountedSession<T>>()
  // bound: the sessions; bytes: 10 000 × 200; grown by a stranger; shared: as the sessions; filled by
  // sessions-many.test.ts "among ten as among 10 000"
  const crowds = sessionGroups<CountedSession<T>>()
  return {
    unused,
    holders,
    crowds,
    add(session, owner) {
      session.owner = owner
      session.holder = holderOf(owner)
      session.crowd = crowdOf(owner)
      holders.add(session.holder)
      crowds.add(session.crowd)
    },
    remove(session) {
      unused.delete(session)
      holders.remove(session.holder, session)
      crowds.remove(session.crowd, session)
    },
    rest(session) {
      session.used = now()
      unused.delete(session)
      unused.add(session)
      holders.rest(session.holder, session)
      crowds.rest(session.crowd, session)
    },
    wake(session) {
      unused.delete(session)
      holders.wake(session.holder, session)
      crowds.wake(session.crowd, session)
    },
  }
}

/**
 * Creates a bounded set of sessions. Every method takes constant time: strangers can open many sessions, and must not slow down
 * requests with them.
 * @param o.end called with the value of each session that ends
 * @param o.now Unix seconds
 */
export function createSessions<T>(o: SessionLimits & { end(value: T): void; now(): number }): Sessions<T> {
  checkOptions('createSessions', o, {
    sessions: 'number',
    perCaller: 'number',
    idle: 'number',
    end: 'function',
    now: 'function',
  })
  // bound: 10 000, 100 of a caller; bytes: 10 000 × what a server of the program takes; grown by a stranger; shared:
  // the largest site ends one that it has; filled by sessions-many.test.ts "among ten as among 10 000"
  const sessions = new Map<string, CountedSession<T>>()
  const ledger = sessionLedger<T>(o.now)
  const { holders, crowds } = ledger

  function remove(id: string): void {
    const session = sessions.get(id)
    if (session === undefined) return
    sessions.delete(id)
    ledger.remove(session)
    o.end(session.value)
  }

  function endIdle(): void {
    for (const session of ledger.unused) {
      if (session.used + o.idle > o.now()) return
      remove(session.id)
    }
  }

  /** Makes room by ending an unused session. @returns whether there was one */
  function endUnused(session: CountedSession<T> | undefined): boolean {
    if (session === undefined) return false
    remove(session.id)
    return true
  }

  /** @returns whether there is room for one more session of this holder */
  function makeRoom(holder: string): boolean {
    if (holders.sizeOf(holder) >= o.perCaller && !endUnused(holders.longestUnused(holder))) return false
    if (sessions.size < o.sessions) return true
    const largest = crowds.largest()
    return largest !== undefined && endUnused(crowds.longestUnused(largest))
  }

  return {
    get size() {
      return sessions.size
    },
    get(id) {
      endIdle()
      return sessions.get(id)
    },
    use({ id }, owner) {
      const session = sessions.get(id)
      if (session === undefined) return
      ledger.remove(session)
      ledger.add(session, owner)
      session.used = o.now()
      if (session.open === 0) ledger.rest(session)
    },
    enter({ id }) {
      const session = sessions.get(id)
      if (session === undefined) return () => undefined
      session.open += 1
      ledger.wake(session)
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        session.open -= 1
        if (session.open === 0 && sessions.get(id) === session) ledger.rest(session)
      }
    },
    add(id, value, owner) {
      endIdle()
      remove(id)
      const [holder, crowd] = [holderOf(owner), crowdOf(owner)]
      if (!makeRoom(holder)) return undefined
      const session: CountedSession<T> = { id, value, owner, holder, crowd, open: 0, used: o.now() }
      sessions.set(id, session)
      ledger.add(session, owner)
      ledger.rest(session)
      return session
    },
    remove,
    all: () => [...sessions.values()],
  }
}
