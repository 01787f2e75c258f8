import { checkOptions } from '#check-options'
import { sha256 } from '#crypto'
import {
  type CountTable,
  countTable,
  type DigestKey,
  type DigestTable,
  digestKey,
  digestTable,
} from './compact-table.js'
import { hasRoom, margin, type ReplayRoomOptions, replayRoomOf, slicesPerWindow, tokenRoom } from './replay-room.js'

/**
 * `early`: the set cannot know whether it has seen the request, which was signed before a restart or before an entry that was dropped.
 * `full`: no room in the partition, or in the share of the site or principal. Neither request is remembered.
 */
export type ReplayVerdict = 'fresh' | 'replayed' | 'full' | 'early'

/** One request that has passed the checks of level, scope and limit. */
export interface ReplayEntry {
  readonly authority: string
  /** Thumbprint of the key that signed. */
  readonly thumbprint: string
  /** The signature base. Not the signature bytes: one request can have many valid ones. */
  readonly base: string
  /** Unix seconds. */
  readonly created: number
  /** Each partition has its own room: pseudonymous callers cannot fill that of identified ones. */
  readonly partition: 'pseudonymous' | 'identified' | 'authorized' | 'token'
  /** The caller. */
  readonly principal: string
  /**
   * Principals that one owner can make at no cost share a site: the registrable domain of names, the /48 or /24 of callers without a
   * name. Default: the principal is a site of its own.
   */
  readonly site?: string | undefined
}

/** The use of a token that is good for one request and lives at most five minutes. */
export interface TokenUse extends Pick<ReplayEntry, 'partition' | 'principal' | 'site'> {
  readonly issuer: string
  readonly jti: string
  /** Unix seconds. */
  readonly iat: number
}

/** Remembers requests for as long as they could be replayed. */
export interface ReplaySet {
  /** Whether the request is new. If it is, it is remembered in the same step, so that only one of several at once is fresh. */
  check(entry: ReplayEntry): Promise<ReplayVerdict>
  /**
   * Whether the request is remembered; it does not remember it. Called before a request is counted against the limit of its caller, so
   * that replays do not use up the limit while they wait for `check`. Only `check` decides that a request is new. Optional.
   */
  seen?(entry: ReplayEntry): Promise<boolean>
  /**
   * Whether a token is used for the first time. If it is, the use is remembered in the same step, until the token has expired by a minute.
   * `early`: the token is older than what the set knows, and may have been used. Optional; without it there are no such tokens.
   */
  takeToken?(use: TokenUse): Promise<ReplayVerdict>
  /** Whether a token was used; it takes none. For a request that is refused before its token is taken. Optional. */
  usedToken?(use: TokenUse): Promise<boolean>
  /**
   * Resolves once a request created now is not `early`: a set that does not survive a restart refuses requests created in the
   * second in which it was made. A server reports that it is ready only then, so that its first request is not refused.
   */
  ready?(): Promise<void>
}

/** A replay set in the memory of one process. */
export interface MemoryReplaySet extends ReplaySet {
  seen(entry: ReplayEntry): Promise<boolean>
  takeToken(use: TokenUse): Promise<ReplayVerdict>
  usedToken(use: TokenUse): Promise<boolean>
  ready(): Promise<void>
}

/** The options of {@link memoryReplaySet}. */
export interface MemoryReplaySetOptions extends ReplayRoomOptions {
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
  /**
   * Seconds of a monotonic clock. Default: that of the platform, or `now` when that is given. With a clock that leaps, entries are
   * dropped too soon, and requests signed before are then `early`.
   */
  readonly monotonic?: () => number
}

/** A token as an entry of a set of its own. */
export function tokenEntry({ issuer, jti, iat, ...share }: TokenUse): ReplayEntry {
  return { authority: issuer, thumbprint: 'token', base: jti, created: iat, ...share }
}

/** The requests received during one slice of time; dropped as a whole. */
interface Slice {
  readonly number: number
  readonly seen: DigestTable
  /** By principal and by site. */
  readonly shares: CountTable
  readonly partitions: Map<string, number>
  /** The latest `created` in it. */
  created: number
}

/** The digests of one entry. */
interface Digests {
  readonly request: DigestKey
  readonly principal: DigestKey
  /** Undefined where the principal is a site of its own. */
  readonly site?: DigestKey | undefined
}

/** A check looks through all slices, so a clock that is set back repeatedly must not make them more and more. */
const maxSlices = 5 * slicesPerWindow

function latin1Of(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

/** Resolves when a clock of Unix seconds has reached the next whole second after `start`; after a second and a millisecond at the latest. */
async function wholeSecondAfter(start: number, now: () => number): Promise<void> {
  const left = Math.min(1, Math.ceil(start) - now())
  if (left > 0) await fullWait(left)
}

/** Resolves no sooner than after so many seconds: a timer of Node may fire up to a millisecond before its time. */
export function fullWait(seconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.ceil(seconds * 1000) + 1))
}

/**
 * A replay set in this process's memory. It does not survive a restart, so it answers `early` for requests created before it was made,
 * and for `window / 2` seconds also for those created more than 5 s ahead.
 *
 * System clocks are set: a step back makes dropped requests valid again, a leap ahead makes entries look old. Entries are therefore
 * kept by a monotonic clock, and as long as they could be replayed by the system clock. A request created at or before the latest
 * dropped one is `early`, since it may be that one.
 * @throws RangeError for a number that is not positive, TypeError for another option that is wrong
 * @see protocol §3.7
 */
export function memoryReplaySet(options: MemoryReplaySetOptions = {}): MemoryReplaySet {
  checkOptions('memoryReplaySet', options, {
    window: 'any',
    rate: 'any',
    capacity: 'any',
    siteShare: 'any',
    share: 'any',
    now: 'function',
    monotonic: 'function',
  })
  const { now: clock = () => Date.now() / 1000 } = options
  const monotonic = options.monotonic ?? (options.now === undefined ? () => performance.now() / 1000 : undefined)
  const clocks = { clock, monotonic, start: clock() }
  const tokens = createSet({ ...options, ...tokenRoom(options) }, clocks)
  return {
    ...createSet(options, clocks),
    takeToken: use => tokens.check(tokenEntry(use)),
    usedToken: use => tokens.seen(tokenEntry(use)),
  }
}

interface Clocks {
  readonly clock: () => number
  readonly monotonic: (() => number) | undefined
  /** When both sets began to remember. */
  readonly start: number
}

function createSet(
  options: ReplayRoomOptions,
  { clock, monotonic, start }: Clocks,
): Omit<MemoryReplaySet, 'takeToken' | 'usedToken'> {
  const room = replayRoomOf(options)
  const { window } = room
  const length = window / slicesPerWindow
  const began = monotonic?.() ?? start
  // A secret salt: an attacker cannot choose requests whose entries collide.
  const salt = latin1Of(globalThis.crypto.getRandomValues(new Uint8Array(16)))
  // bound: 40; bytes: those of the entries; grown by a stranger; shared: as the entries; filled by replay-clock.test.ts
  // "a bounded number of slices"
  let slices: Slice[] = []
  /** A request created at this time or before may have been dropped. */
  let forgotten = Number.NEGATIVE_INFINITY
  let latest = start

  /** Drops slices that are older than the window, except those with requests that could be replayed since the clock was set back. */
  function forgetOld(now: number, at: number): void {
    slices = slices.filter((slice, index) => {
      if ((slice.number + 1) * length + window + margin > at) return true
      if (slice.created + window / 2 >= now && slices.length - index <= maxSlices) return true
      forgotten = Math.max(forgotten, slice.created)
      return false
    })
  }

  function currentSlice(now: number, at: number): Slice {
    forgetOld(now, at)
    const number = Math.floor(at / length)
    const last = slices.at(-1)
    if (last?.number === number) return last
    const tables = {
      // bound: capacity of each partition; bytes: 32 an entry; grown by a stranger; shared: a tenth for a site; the
      // last tenth for those that hold next to nothing; filled by replay-shares.test.ts "ten subdomains take the tenth"
      seen: digestTable(),
      // bound: two of each entry; bytes: 64 an entry; grown by a stranger; shared: as the entries; filled by
      // replay-shares.test.ts "ten subdomains take the tenth"
      shares: countTable(),
      // bound: four; bytes: small; grown by a stranger; shared: each its own; filled by replay-shares.test.ts "another
      // partition has its own room"
      partitions: new Map<string, number>(),
    }
    const slice: Slice = { number, ...tables, created: Number.NEGATIVE_INFINITY }
    slices.push(slice)
    return slice
  }

  function isEarly(created: number, now: number, at: number): boolean {
    // Later where the clock was behind at the start and was set since: requests of before would seem to be newer (F-83).
    if (created < Math.max(start, now - (at - began))) return true // sig.replay.restart
    return created <= forgotten || (at < began + window / 2 && created > now + 5) // sig.replay.early
  }

  function sum(count: (slice: Slice) => number): number {
    let all = 0
    for (const slice of slices) all += count(slice)
    return all
  }

  function judge({ created, partition }: ReplayEntry, { request, principal, site }: Digests): ReplayVerdict {
    const now = clock()
    latest = Math.max(latest, now)
    const at = monotonic?.() ?? latest
    const slice = currentSlice(now, at)
    if (slices.some(({ seen }) => seen.has(request))) return 'replayed' // sig.replay.unsafe
    if (isEarly(created, now, at)) return 'early' // sig.replay.restart
    const ofPrincipal = sum(({ shares }) => shares.get(principal))
    const ofSite = site === undefined ? ofPrincipal : sum(({ shares }) => shares.get(site))
    const inPartition = sum(({ partitions }) => partitions.get(partition) ?? 0)
    if (!hasRoom({ inPartition, ofSite, ofPrincipal }, room)) return 'full' // sig.replay.bounded
    slice.seen.add(request)
    slice.shares.increment(principal)
    if (site !== undefined) slice.shares.increment(site)
    slice.partitions.set(partition, (slice.partitions.get(partition) ?? 0) + 1)
    slice.created = Math.max(slice.created, created)
    return 'fresh'
  }

  const digest = async (text: string): Promise<DigestKey> => digestKey(await sha256(`${salt}\0${text}`))
  const shares = cacheDigests(digest)
  const digestOf = ({ authority, thumbprint, base }: ReplayEntry): Promise<DigestKey> =>
    digest(`${authority}\0${thumbprint}\0${base}`)

  return {
    async check(entry) {
      const { partition, principal, site } = entry
      return judge(entry, {
        request: await digestOf(entry),
        principal: await shares(`${partition}\0${principal}`),
        site: site === undefined ? undefined : await shares(`site\0${partition}\0${site}`),
      })
    },
    async seen(entry) {
      const request = await digestOf(entry)
      return slices.some(({ seen }) => seen.has(request))
    },
    ready: () => wholeSecondAfter(start, clock),
  }
}

/** Caches digests of short texts, up to 256: few callers send most requests. */
function cacheDigests(digest: (text: string) => Promise<DigestKey>): (text: string) => Promise<DigestKey> {
  // bound: 256 names of 256 characters; bytes: 256 × 700; grown by a stranger; shared: all go when it is full, and are
  // hashed again; filled by replay-shares.test.ts "no remembered request is dropped"
  const known = new Map<string, DigestKey>()
  return async text => {
    const before = known.get(text)
    if (before !== undefined) return before
    const key = await digest(text)
    if (known.size >= 256) known.clear()
    if (text.length <= 256) known.set(text, key)
    return key
  }
}
