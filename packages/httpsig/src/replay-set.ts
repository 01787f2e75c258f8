import { sha256 } from '#crypto'
import { type CountTable, countTable, type DigestTable, digestTable } from './compact-table.js'

/** `early`: the set cannot know whether it was seen before a restart. `full`: no room in the partition or the principal's share. */
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
  /** Whose share of the partition it takes. */
  readonly principal: string
}

/** Remembers requests for as long as they could be replayed. */
export interface ReplaySet {
  /** Whether the request is new; if so it is remembered in the same step, so that of many at once one is fresh. */
  check(entry: ReplayEntry): Promise<ReplayVerdict>
}

/** How large and how long-lived a replay set in memory is. */
export interface MemoryReplaySetOptions {
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
  /** How long an entry is kept, seconds: twice the tolerance of `created`; default 120. */
  readonly window?: number
  /** Entries per partition; default 100 000. */
  readonly capacity?: number
  /** Entries per principal within its partition; default 10 000. */
  readonly share?: number
}

/** What came in during one slice of time; dropped whole when the slice is over the window. */
interface Slice {
  readonly number: number
  readonly seen: DigestTable
  readonly perPrincipal: CountTable
  readonly perPartition: Map<string, number>
}

const slicesPerWindow = 8
// A signer's clock counts whole seconds, so a request can stay valid almost a second beyond the window.
const margin = 1

function hexOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

/**
 * A replay set in this process's memory. It does not survive a restart, so it answers `early` for requests created before it was made,
 * and for `window / 2` seconds also for those created more than 5 s ahead.
 * @see docs/protocol.md §3.7
 */
export function memoryReplaySet(options: MemoryReplaySetOptions = {}): ReplaySet {
  const { window = 120, capacity = 100_000, share = 10_000 } = options
  if (!(window > 0) || !(capacity > 0) || !(share > 0))
    throw new RangeError('window, capacity and share must be positive')
  const clock = options.now ?? (() => Date.now() / 1000)
  const length = window / slicesPerWindow
  const start = clock()
  // Secret, so that nobody can choose requests whose entries collide.
  const salt = hexOf(globalThis.crypto.getRandomValues(new Uint8Array(16)))
  let slices: Slice[] = []
  let latest = start

  function current(now: number): Slice {
    // A clock that steps back must not bring old slices to life again, nor drop live ones.
    latest = Math.max(latest, now)
    const number = Math.floor(latest / length)
    const live = slices.filter(slice => (slice.number + 1) * length + window + margin > latest)
    slices = live
    const last = live.at(-1)
    if (last?.number === number) return last
    const slice: Slice = { number, seen: digestTable(), perPrincipal: countTable(), perPartition: new Map() }
    live.push(slice)
    return slice
  }

  function isEarly(created: number, now: number): boolean {
    return created < start || (now < start + window / 2 && created > now + 5)
  }

  function judge(entry: ReplayEntry, digest: Uint8Array, principal: Uint8Array): ReplayVerdict {
    const now = clock()
    const slice = current(now)
    if (slices.some(({ seen }) => seen.has(digest))) return 'replayed'
    if (isEarly(entry.created, now)) return 'early'
    const inPartition = slices.reduce((sum, { perPartition }) => sum + (perPartition.get(entry.partition) ?? 0), 0)
    const ofPrincipal = slices.reduce((sum, { perPrincipal }) => sum + perPrincipal.get(principal), 0)
    if (inPartition >= capacity || ofPrincipal >= share) return 'full'
    slice.seen.add(digest)
    slice.perPrincipal.increment(principal)
    slice.perPartition.set(entry.partition, (slice.perPartition.get(entry.partition) ?? 0) + 1)
    return 'fresh'
  }

  return {
    async check(entry) {
      const [digest, principal] = await Promise.all([
        sha256(`${salt}\0${entry.authority}\0${entry.thumbprint}\0${entry.base}`),
        sha256(`${salt}\0${entry.partition}\0${entry.principal}`),
      ])
      return judge(entry, digest, principal)
    },
  }
}
