import type { Exchanged, Pending } from '@countersign/agent'
import { shareSite } from '@countersign/discovery/internal'
import { checkOptions, refusal } from '@countersign/protocol/internal'
import type { Asking } from '../guard/event.js'
import type { PendingOAuth } from '../oauth/oauth.js'

/** A user who must be asked before a request can go on, somewhere else than here. */
export interface InteractionSession {
  /** 256 random bits: the first browser that knows it may begin. */
  readonly id: string
  /** The agent whose user is asked. */
  readonly agent: string
  /** The (iss, sub, agent, delegate) of the token that the request came with. */
  readonly principal: string
  /** The same, and the audit id, as events tell it. */
  readonly asking: Asking
  /** The question and the service that asks it. Its `state` comes back here. */
  readonly pending: Pending | PendingOAuth
  /** Unix seconds. */
  readonly expires: number
  readonly claim?: InteractionClaim
  /** Of a question whose user comes back by themselves: the code under which the answer is kept. */
  readonly code?: string
}

/** The browser that opened a session first, and where it goes in the end. */
export interface InteractionClaim {
  /** Hash of the browser's cookie. */
  readonly browser: string
  readonly returnUrl: string
  /** The caller's own. */
  readonly state: string
}

/** The result of a user's answer, kept until the request that carries its code. */
export interface InteractionAnswer {
  readonly principal: string
  /** Absent if the result of the consent could not be fetched yet: the auth server remembers it. */
  readonly answer?: Exchanged
  /** The user has refused. Only kept where no browser carries it back. */
  readonly denied?: true
  /** Unix seconds. */
  readonly expires: number
}

/**
 * Keeps interactions: the port behind every question that a resource passes on. Each method is one step that happens
 * whole or not at all. The stored values are JSON; anyone who can read them can answer in a user's place.
 */
export interface InteractionSessions {
  /** @throws AAuthError `temporarily_unavailable` where no more can be held */
  add(session: InteractionSession): Promise<void>
  /** The session as it is by now. */
  find(id: string): Promise<InteractionSession | undefined>
  /** Gives a session to a browser unless another has it; the session as it is then. */
  claim(id: string, claim: InteractionClaim): Promise<InteractionSession | undefined>
  /** Takes the session whose question has this `state`, if this browser owns it; it is gone then. */
  take(state: string, browser: string): Promise<InteractionSession | undefined>
  /** Keeps an answer by its code. */
  keep(code: string, answer: InteractionAnswer): Promise<void>
  /** Takes the answer of a code, if it is this principal's; it is gone then. */
  redeem(code: string, principal: string): Promise<InteractionAnswer | undefined>
}

/** How much is held in memory. */
export interface InteractionLimits {
  /** Questions under way; default 10 000. */
  readonly capacity?: number
  /** Of one agent, for all its users; default 1000. */
  readonly perAgent?: number
  /** Of the agents of one site, a registrable domain, together; default a tenth of `capacity`. */
  readonly perSite?: number
  /** Of one user at one agent; the oldest gives way. Default 16. */
  readonly perPrincipal?: number
  /** Bytes that all questions take, and as many for all answers; default 2 KiB for each of `capacity`. */
  readonly maxBytes?: number
}

/** The limits, with those that were left out. */
// unchecked options limits: what keeps the entries has checked them
export function interactionRoom(limits: InteractionLimits): Required<InteractionLimits> {
  const { capacity = 10_000, perAgent = 1000, perPrincipal = 16 } = limits
  const { perSite = Math.max(perAgent, Math.floor(capacity / 10)), maxBytes = 2048 * capacity } = limits
  return { capacity, perAgent, perSite, perPrincipal, maxBytes }
}

/**
 * Keeps interactions in the memory of this process. A restart ends the open ones; their users are asked again only if their auth
 * server does not remember the consent.
 * @param now Unix seconds
 */
export function memoryInteractions(now: () => number, limits: InteractionLimits = {}): InteractionSessions {
  checkOptions('memoryInteractions', limits, {
    capacity: 'number',
    perAgent: 'number',
    perSite: 'number',
    perPrincipal: 'number',
    maxBytes: 'number',
  })
  const { capacity, perAgent, perSite, perPrincipal, maxBytes } = interactionRoom(limits)
  // bound: capacity, 10 000 questions; bytes: 2 KiB × capacity; grown by a stranger; shared: a tenth for a site, 16 for
  // a user at an agent; filled by bounded-collections-fills.test.ts "questions to users"
  const sessions = shelf<InteractionSession>(now)
  // bound: capacity, 10 000 answers; bytes: 2 KiB × capacity; grown by a stranger; shared: 16 for a user at an agent,
  // each of a question of theirs; filled by bounded-collections-fills.test.ts "questions to users"
  const answers = shelf<InteractionAnswer & { readonly agent?: string }>(now)
  // bound: the questions; bytes: 150 a question; grown by a stranger; shared: as the questions; filled by
  // bounded-collections-fills.test.ts "questions to users"
  const ids = new Map<string, string>()
  // A question that is put in place of a session has the same `state`.
  const forgetState = ({ id, pending }: InteractionSession): void => {
    if (ids.get(pending.state) === id) ids.delete(pending.state)
  }
  const remove = (session: InteractionSession): void => {
    sessions.remove(session.id)
    forgetState(session)
  }
  return {
    async add(session) {
      for (const gone of sessions.sweep()) forgetState(gone)
      const own = sessions.of(session.principal)
      const [oldest] = own
      if (own.length >= perPrincipal && oldest !== undefined) remove(oldest)
      // A flood of sessions of one agent must not remove those of other agents.
      const ofAgent = sessions.count(session.agent)
      const ofSite = sessions.count(siteOf(session))
      if (sessions.size() >= capacity || ofAgent >= perAgent || ofSite >= perSite || sessions.bytes() >= maxBytes)
        throw refusal('capacity_exceeded', { about: 'users who are asked', retryAfter: 60 })
      sessions.put(session.id, session)
      ids.set(session.pending.state, session.id)
    },
    find: async id => sessions.get(id),
    async claim(id, claim) {
      const session = sessions.get(id)
      if (session === undefined || session.claim !== undefined) return session
      const claimed = { ...session, claim }
      sessions.replace(id, claimed)
      return claimed
    },
    async take(state, browser) {
      const session = sessions.get(ids.get(state) ?? '')
      if (session?.claim?.browser !== browser) return undefined
      remove(session)
      return session
    },
    async keep(code, answer) {
      answers.sweep()
      const [oldest] = answers.keysOf(answer.principal)
      if (answers.keysOf(answer.principal).length >= perPrincipal && oldest !== undefined) answers.remove(oldest)
      // As many as there were questions, each for one of them.
      if (answers.size() < capacity && answers.bytes() < maxBytes) answers.put(code, answer)
    },
    async redeem(code, principal) {
      const answer = answers.get(code)
      if (answer?.principal !== principal) return undefined
      answers.remove(code)
      return answer
    },
  }
}

/** Subdomains cost nothing: what agents of one domain may hold they share. */
function siteOf({ agent }: { readonly agent: string }): string {
  return `site ${shareSite(agent)}`
}

interface Kept {
  readonly principal: string
  readonly agent?: string
  readonly expires: number
}

/** Entries that expire in the order in which they were added, with counts by agent and site. */
interface Shelf<T extends Kept> {
  get(key: string): T | undefined
  put(key: string, entry: T): void
  replace(key: string, entry: T): void
  remove(key: string): void
  /** Removes the expired entries, and returns them. */
  sweep(): T[]
  of(principal: string): T[]
  keysOf(principal: string): string[]
  /** How many are of an agent, or of a site. */
  count(whose: string): number
  size(): number
  bytes(): number
}

function shelf<T extends Kept>(now: () => number): Shelf<T> {
  // bound: capacity; bytes: 2 KiB × capacity; grown by a stranger; shared: as the questions; filled by
  // bounded-collections-fills.test.ts "questions to users"
  const entries = new Map<string, T>()
  // bound: the entries; bytes: 150 an entry; grown by a stranger; shared: as the questions; filled by
  // bounded-collections-fills.test.ts "questions to users"
  const keys = new Map<string, Set<string>>()
  // bound: agents and sites of the entries; bytes: 300 an entry; grown by a stranger; shared: as the questions; filled
  // by bounded-collections-fills.test.ts "questions to users"
  const agents = new Map<string, number>()
  let bytes = 0
  const countFor = (entry: T, more: 1 | -1): void => {
    bytes += more * bytesOf(entry)
    const { agent } = entry
    if (agent === undefined) return
    for (const whose of [agent, siteOf({ agent })]) {
      const count = (agents.get(whose) ?? 0) + more
      if (count === 0) agents.delete(whose)
      else agents.set(whose, count)
    }
  }
  const remove = (key: string): void => {
    const entry = entries.get(key)
    if (entry === undefined) return
    entries.delete(key)
    countFor(entry, -1)
    const own = keys.get(entry.principal)
    own?.delete(key)
    if (own?.size === 0) keys.delete(entry.principal)
  }
  const get = (key: string): T | undefined => {
    const entry = entries.get(key)
    return entry !== undefined && entry.expires > now() ? entry : undefined
  }
  const keysOf = (principal: string): string[] => [...(keys.get(principal) ?? [])]
  return {
    get,
    remove,
    keysOf,
    put(key, entry) {
      entries.set(key, entry)
      countFor(entry, 1)
      // bound: 16 of a user at an agent; bytes: 16 × 100; grown by a stranger; shared: as the questions; filled by
      // bounded-collections-fills.test.ts "questions to users"
      keys.set(entry.principal, (keys.get(entry.principal) ?? new Set()).add(key))
    },
    replace(key, entry) {
      const before = entries.get(key)
      if (before !== undefined) bytes += bytesOf(entry) - bytesOf(before)
      entries.set(key, entry)
    },
    sweep() {
      const ended: T[] = []
      for (const [key, entry] of entries) {
        if (entry.expires > now()) break
        ended.push(entry)
        remove(key)
      }
      return ended
    },
    of: principal => keysOf(principal).flatMap(key => get(key) ?? []),
    count: whose => agents.get(whose) ?? 0,
    size: () => entries.size,
    bytes: () => bytes,
  }
}

/** What an entry takes, roughly: strings may take two bytes a character. */
function bytesOf(entry: object): number {
  return 2 * JSON.stringify(entry).length
}
