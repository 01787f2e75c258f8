import { AAuthError, checkOptions } from '@countersign/protocol'
import { sessionGroups } from './groups.js'
import { crowdOf, holderOf, type Owner } from './owner.js'

/** Something that lasts over several requests of one caller. */
export interface Session<T> {
  readonly id: string
  readonly value: T
  readonly owner: Owner
}

/** Bounds on what callers can make. */
export interface SessionLimits {
  /** In all; default 10 000. Beyond, the one unused longest ends, of the agent that has most; where none is unused nobody gets one. */
  readonly sessions: number
  /** Of one caller; default 100. Beyond, its own unused longest ends. */
  readonly perCaller: number
  /** Seconds without a request or a stream; default 3600. */
  readonly idle: number
}

/** What {@link SessionLimits} are by default. */
export const defaultSessionLimits: SessionLimits = { sessions: 10_000, perCaller: 100, idle: 3600 }

/**
 * The same for a session that is not there and for somebody else's: nobody learns which ids there are.
 * @param tell told of the refusal: who was let in was not let into this
 */
export function sessionNotFound(tell: (error: AAuthError) => void): Response {
  tell(new AAuthError('invalid_request', 'the caller has no session of this id', { status: 404 }))
  const error = { code: -32_001, message: 'Session not found' }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404, headers: { 'cache-control': 'no-store' } })
}

/** The sessions of one server. */
export interface Sessions<T> {
  readonly size: number
  get(id: string): Session<T> | undefined
  /** Takes note of a request of its owner's, who may be known by more than before. */
  use(session: Session<T>, owner: Owner): void
  /**
   * The session is in use: an answer is under way, or a stream.
   * @returns ends that; in vain the second time
   */
  enter(session: Session<T>): () => void
  /** Ends one of the same id. Nothing when there is no room. */
  add(id: string, value: T, owner: Owner): Session<T> | undefined
  remove(id: string): void
  all(): Iterable<Session<T>>
}

interface Held<T> extends Session<T> {
  owner: Owner
  /** What it is counted by, see {@link holderOf} and {@link crowdOf}. */
  holder: string
  crowd: string
  /** Answers under way, streams among them. */
  open: number
  /** Unix seconds of its last request or the end of its last stream. */
  used: number
}

/**
 * Sessions in bounded number. Nothing here takes longer the more there are: what is done for one request must not grow with what
 * strangers have opened.
 * @param o.end ends what a session holds
 * @param o.now Unix seconds
 */
export function createSessions<T>(o: SessionLimits & { end(value: T): void; now(): number }): Sessions<T> {
  checkOptions('createSessions', o, {
    ...{ sessions: 'number', perCaller: 'number', idle: 'number' },
    ...{ end: 'function', now: 'function' },
  })
  const sessions = new Map<string, Held<T>>()
  /** Those that no answer and no stream holds open, the longest unused first. */
  const unused = new Set<Held<T>>()
  const holders = sessionGroups<Held<T>>()
  const crowds = sessionGroups<Held<T>>()

  function rest(session: Held<T>): void {
    session.used = o.now()
    unused.delete(session)
    unused.add(session)
    holders.rest(session.holder, session)
    crowds.rest(session.crowd, session)
  }

  function wake(session: Held<T>): void {
    unused.delete(session)
    holders.wake(session.holder, session)
    crowds.wake(session.crowd, session)
  }

  function count(session: Held<T>, owner: Owner): void {
    session.owner = owner
    session.holder = holderOf(owner)
    session.crowd = crowdOf(owner)
    holders.add(session.holder)
    crowds.add(session.crowd)
  }

  function discount(session: Held<T>): void {
    unused.delete(session)
    holders.remove(session.holder, session)
    crowds.remove(session.crowd, session)
  }

  function remove(id: string): void {
    const session = sessions.get(id)
    if (session === undefined) return
    sessions.delete(id)
    discount(session)
    o.end(session.value)
  }

  function endIdle(): void {
    for (const session of unused) {
      if (session.used + o.idle > o.now()) return
      remove(session.id)
    }
  }

  /** Makes room by ending one that nobody uses at the moment. */
  function endUnused(session: Held<T> | undefined): boolean {
    if (session === undefined) return false
    remove(session.id)
    return true
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
      discount(session)
      count(session, owner)
      session.used = o.now()
      if (session.open === 0) rest(session)
    },
    enter({ id }) {
      const session = sessions.get(id)
      if (session === undefined) return () => undefined
      session.open += 1
      wake(session)
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        session.open -= 1
        if (session.open === 0 && sessions.get(id) === session) rest(session)
      }
    },
    add(id, value, owner) {
      endIdle()
      remove(id)
      const [holder, crowd] = [holderOf(owner), crowdOf(owner)]
      if (holders.sizeOf(holder) >= o.perCaller && !endUnused(holders.longestUnused(holder))) return undefined
      if (sessions.size >= o.sessions) {
        const largest = crowds.largest()
        if (largest === undefined || !endUnused(crowds.longestUnused(largest))) return undefined
      }
      const session: Held<T> = { id, value, owner, holder, crowd, open: 0, used: o.now() }
      sessions.set(id, session)
      count(session, owner)
      rest(session)
      return session
    },
    remove,
    all: () => [...sessions.values()],
  }
}
