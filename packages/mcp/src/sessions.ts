import { AAuthError } from '@countersign/protocol'
import { crowdOf, holderOf, type Owner } from './owner.js'

/** Something that lasts over several requests of one caller. */
export interface Session<T> {
  readonly id: string
  readonly value: T
  owner: Owner
  /** Answers under way, streams among them. */
  open: number
  /** Unix seconds of the last request. */
  used: number
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
  /** Takes note of a request of its owner's. */
  use(session: Session<T>): void
  /** Nothing when there is no room. */
  add(id: string, value: T, owner: Owner): Session<T> | undefined
  remove(id: string): void
  all(): Iterable<Session<T>>
}

/**
 * @param o.end ends what a session holds
 * @param o.now Unix seconds
 */
export function createSessions<T>(o: SessionLimits & { end(value: T): void; now(): number }): Sessions<T> {
  // In the order of their last use, the longest unused first.
  const sessions = new Map<string, Session<T>>()
  const remove = (id: string): void => {
    const session = sessions.get(id)
    sessions.delete(id)
    if (session !== undefined) o.end(session.value)
  }
  const endIdle = (): void => {
    for (const session of sessions.values()) {
      if (session.used + o.idle > o.now()) return
      if (session.open === 0) remove(session.id)
    }
  }
  /** Makes room by ending one that nobody uses at the moment. */
  const endUnused = (isMeant: (session: Session<T>) => boolean): boolean => {
    for (const session of sessions.values()) {
      if (session.open > 0 || !isMeant(session)) continue
      remove(session.id)
      return true
    }
    return false
  }
  const largestCrowd = (): string | undefined => {
    const sizes = new Map<string, { all: number; unused: number }>()
    for (const { owner, open } of sessions.values()) {
      const { all, unused } = sizes.get(crowdOf(owner)) ?? { all: 0, unused: 0 }
      sizes.set(crowdOf(owner), { all: all + 1, unused: unused + (open === 0 ? 1 : 0) })
    }
    const [largest] = [...sizes].filter(([, { unused }]) => unused > 0).toSorted(([, a], [, b]) => b.all - a.all)
    return largest?.[0]
  }
  return {
    get size() {
      return sessions.size
    },
    get(id) {
      endIdle()
      return sessions.get(id)
    },
    use(session) {
      session.used = o.now()
      if (!sessions.delete(session.id)) return
      sessions.set(session.id, session)
    },
    add(id, value, owner) {
      endIdle()
      const holder = holderOf(owner)
      const isOwn = (session: Session<T>): boolean => holderOf(session.owner) === holder
      const own = [...sessions.values()].filter(isOwn).length
      if (own >= o.perCaller && !endUnused(isOwn)) return undefined
      if (sessions.size >= o.sessions) {
        const crowd = largestCrowd()
        if (!endUnused(session => crowdOf(session.owner) === crowd)) return undefined
      }
      const session = { id, value, owner, open: 0, used: o.now() }
      sessions.set(id, session)
      return session
    },
    remove,
    all: () => [...sessions.values()],
  }
}
