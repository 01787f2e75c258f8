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
import { hasRoom, margin, type ReplayRoomOptions, replayRoomOf, slicesPerWindow } from './replay-room.js'

/**
 * `early`: the set cannot know whether it saw the request, which was signed before a restart or before something that it has forgotten.
 * `full`: no room in the partition, or in the share of the site or the principal. Neither was remembered.
 */
export type ReplayVerdict = 'fresh' | 'replayed' | 'full' | 'early'

/** One request that was let pass level, scope and limit. */
export interface ReplayEntry {
  readonly authority: string
  /** Thumbprint of the key that signed. */
  readonly thumbprint: string
  /** The signature base. Never the signature bytes: two honest requests can share them, one request can have many. */
  readonly base: string
  /** Unix seconds. */
  readonly created: number
  /** Levels do not share room: strangers cannot fill it for those who are known. */
  readonly partition: 'pseudonymous' | 'identified' | 'authorized' | 'token'
  /** Who sent it. */
  readonly principal: string
  /**
   * What principals cost their holder together: the registrable domain of names, the /48 or /24 of callers without one. Default: the
   * principal is a site of its own.
   */
  readonly site?: string | undefined
}

/** Remembers requests for as long as they could be replayed. */
export interface ReplaySet {
  /** Whether the request is new; if so it is remembered in the same step, so that of many at once one is fresh. */
  check(entry: ReplayEntry): Promise<ReplayVerdict>
  /**
   * Whether the request is remembered; remembers nothing. Asked before a request is counted against its caller's limit, so that
   * replays do not fill it while they wait for `check`. Only `check` decides that a request is new. Default: not asked.
   */
  seen?(entry: ReplayEntry): Promise<boolean>
  /**
   * Resolves once a request created now is not `early`: a set that does not survive a restart refuses what was created in the
   * second in which it began. A server says that it is ready after this, so that its first request is not refused.
   */
  ready?(): Promise<void>
}

/** How large and how long-lived a replay set in memory is, and its clocks. */
export interface MemoryReplaySetOptions extends ReplayRoomOptions {
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
  /**
   * Seconds of a clock that nobody sets. Default: that of the platform, or `now` where it is given. With a clock that leaps, an entry
   * is forgotten too soon, and requests signed before it are then `early`.
   */
  readonly monotonic?: () => number
}

/** What came in during one slice of time; forgotten as a whole. */
interface Slice {
  readonly number: number
  readonly seen: DigestTable
  /** By principal and by site. */
  readonly shares: CountTable
  readonly partitions: Map<string, number>
  /** The latest `created` that it remembers. */
  created: number
}

/** What is counted of one entry. */
interface Digests {
  readonly request: DigestKey
  readonly principal: DigestKey
  /** Undefined where the principal is a site of its own. */
  readonly site?: DigestKey | undefined
}

/** Every check looks through all slices, so a clock that is set back again and again must not keep more and more of them. */
const maxSlices = 5 * slicesPerWindow

function hexOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

/** Resolves when a clock of Unix seconds reaches the next whole second after `start`; after a second at the latest. */
export async function wholeSecondAfter(start: number, now: () => number): Promise<void> {
  const left = Math.min(1, Math.ceil(start) - now())
  if (left > 0) await new Promise(resolve => setTimeout(resolve, Math.ceil(left * 1000)))
}

/**
 * A replay set in this process's memory. It does not survive a restart, so it answers `early` for requests created before it was made,
 * and for `window / 2` seconds also for those created more than 5 s ahead.
 *
 * Clocks are set: one that steps back makes requests valid again that were forgotten, one that leaps ahead makes entries look old.
 * Entries therefore live by a monotonic clock, and as long as the system clock says that they could be replayed; what was created at
 * or before anything that was forgotten is `early`, since it may be just that.
 * @throws RangeError for a number that is not positive, TypeError for another option that is wrong
 * @see protocol §3.7
 */
export function memoryReplaySet(options: MemoryReplaySetOptions = {}): ReplaySet {
  checkOptions('memoryReplaySet', options, {
    ...{ window: 'any', rate: 'any', capacity: 'any', siteShare: 'any', share: 'any' },
    ...{ now: 'function', monotonic: 'function' },
  })
  const room = replayRoomOf(options)
  const { window } = room
  const { now: clock = () => Date.now() / 1000 } = options
  const monotonic = options.monotonic ?? (options.now === undefined ? () => performance.now() / 1000 : undefined)
  const length = window / slicesPerWindow
  const start = clock()
  const began = monotonic?.() ?? start
  // Secret, so that nobody can choose requests whose entries collide.
  const salt = hexOf(globalThis.crypto.getRandomValues(new Uint8Array(16)))
  let slices: Slice[] = []
  /** What was created then or before may have been forgotten. */
  let forgotten = Number.NEGATIVE_INFINITY
  let latest = start

  /** Forgets slices that are older than the window, but for those that hold what could still be replayed after the clock was set back. */
  function forgetOld(now: number, at: number): void {
    slices = slices.filter((slice, index) => {
      if ((slice.number + 1) * length + window + margin > at) return true
      if (slice.created + window / 2 >= now && slices.length - index <= maxSlices) return true
      forgotten = Math.max(forgotten, slice.created)
      return false
    })
  }

  function current(now: number, at: number): Slice {
    forgetOld(now, at)
    const number = Math.floor(at / length)
    const last = slices.at(-1)
    if (last?.number === number) return last
    const tables = { seen: digestTable(), shares: countTable(), partitions: new Map<string, number>() }
    const slice: Slice = { number, ...tables, created: Number.NEGATIVE_INFINITY }
    slices.push(slice)
    return slice
  }

  function isEarly(created: number, now: number, at: number): boolean {
    return created < start || created <= forgotten || (at < began + window / 2 && created > now + 5)
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
    const slice = current(now, at)
    if (slices.some(({ seen }) => seen.has(request))) return 'replayed'
    if (isEarly(created, now, at)) return 'early'
    const ofPrincipal = sum(({ shares }) => shares.get(principal))
    const ofSite = site === undefined ? ofPrincipal : sum(({ shares }) => shares.get(site))
    const inPartition = sum(({ partitions }) => partitions.get(partition) ?? 0)
    if (!hasRoom({ inPartition, ofSite, ofPrincipal }, room)) return 'full'
    slice.seen.add(request)
    slice.shares.increment(principal)
    if (site !== undefined) slice.shares.increment(site)
    slice.partitions.set(partition, (slice.partitions.get(partition) ?? 0) + 1)
    slice.created = Math.max(slice.created, created)
    return 'fresh'
  }

  const digest = (text: string): Digest => {
    const bytes = sha256(`${salt}\0${text}`)
    return bytes instanceof Promise ? bytes.then(digestKey) : digestKey(bytes)
  }
  const shares = remembered(digest)
  const digestOf = ({ authority, thumbprint, base }: ReplayEntry): Digest =>
    digest(`${authority}\0${thumbprint}\0${base}`)

  return {
    async check(entry) {
      const { partition, principal, site } = entry
      const digests = {
        request: digestOf(entry),
        principal: shares(`${partition}\0${principal}`),
        site: site === undefined ? undefined : shares(`site\0${partition}\0${site}`),
      }
      return judge(entry, isKnown(digests) ? digests : await allOf(digests))
    },
    async seen(entry) {
      const request = await digestOf(entry)
      return slices.some(({ seen }) => seen.has(request))
    },
    ready: () => wholeSecondAfter(start, clock),
  }
}

/** Made at once where the runtime hashes without a promise. */
type Digest = DigestKey | Promise<DigestKey>

/** {@link Digests}, some of which may still be under way. */
type Digesting = { readonly [K in keyof Digests]: Digests[K] | Promise<DigestKey> }

function isKnown(digests: Digesting): digests is Digests {
  const { request, principal, site } = digests
  return !(request instanceof Promise || principal instanceof Promise || site instanceof Promise)
}

async function allOf({ request, principal, site }: Digesting): Promise<Digests> {
  return { request: await request, principal: await principal, site: await site }
}

/** Few callers send most requests: their names need not be hashed for each. Long names are, and no flood of names takes more memory. */
function remembered(digest: (text: string) => Digest): (text: string) => Digest {
  const known = new Map<string, DigestKey>()
  const learn = (text: string, key: DigestKey): DigestKey => {
    if (known.size >= 256) known.clear()
    if (text.length <= 256) known.set(text, key)
    return key
  }
  return text => {
    const before = known.get(text)
    if (before !== undefined) return before
    const key = digest(text)
    return key instanceof Promise ? key.then(made => learn(text, made)) : learn(text, key)
  }
}
