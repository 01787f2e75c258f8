import { checkOptions } from '@countersign/protocol/internal'

/** The name of a grant: its issuer, and the claim `grant` of its tokens. */
export interface GrantName {
  readonly issuer: string
  readonly grant: string
}

/** A grant as one key; identifiers and names of grants hold no spaces. */
export function grantKey({ issuer, grant }: GrantName): string {
  return `${issuer} ${grant}`
}

/** A grant whose tokens are refused. */
export interface Revocation extends GrantName {
  /** When the last token of the grant expires, Unix seconds. The revocation is kept until 60 s later. */
  readonly exp: number
}

/**
 * Told of each grant that is revoked, also at another instance; `'unknown'` where the set has not been readable for so long that
 * any grant may be.
 */
export type RevocationListener = (revoked: GrantName | 'unknown') => void

/** Remembers revoked grants, for all instances of one resource: the port behind `revocation_endpoint`. */
export interface RevocationSet {
  /**
   * Keeps a revocation. Resolves with `kept` only once every instance refuses the tokens of the grant.
   * @returns `full` where the share of the issuer is used up; nothing is forgotten to make room
   */
  add(revocation: Revocation): Promise<'kept' | 'full'>
  /** Whether a grant is revoked. Rejects where the set cannot be read. */
  has(grant: GrantName): Promise<boolean>
  /** Whether this process has heard that a grant is revoked. Never waits: a revocation at another instance may still be on its way. */
  hasHeard(grant: GrantName): boolean
  /** Calls the listener for each revocation from now on, within a second. @returns a function that ends this */
  watch(listener: RevocationListener): () => void
  /**
   * Unix seconds since when the set knows all revocations; tokens of grants issued before are refused. It may become later while the
   * set is in use, and is read after an answer of `has`. Undefined for a set that forgets nothing.
   */
  readonly since?: number | undefined
  /** Rejects where the set cannot be read: then a server reports that it is not ready. Optional. */
  ready?(): Promise<void>
}

/** The options of {@link memoryRevocationSet}. */
export interface MemoryRevocationSetOptions {
  /** Grants kept of each issuer. Default 50 000, of some 150 bytes each. */
  readonly capacity?: number
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
  /** Seconds of a clock that is never set. Default: that of the platform, or `now` when that is given. */
  readonly monotonic?: () => number
}

/** Seconds for which a revocation is kept after the last token has expired: clocks differ. */
export const revocationTolerance = 60

/**
 * Remembers revoked grants in the memory of this process. It does not survive a restart: tokens issued before the start, or in the 5 s
 * after it, are refused, and their agents get new ones.
 * @throws RangeError for a capacity below 1
 * @see protocol §6.6
 */
export function memoryRevocationSet(options: MemoryRevocationSetOptions = {}): RevocationSet {
  checkOptions('memoryRevocationSet', options, { capacity: 'number', now: 'function', monotonic: 'function' })
  const { capacity = 50_000, now = () => Date.now() / 1000 } = options
  const monotonic = options.monotonic ?? options.now ?? (() => performance.now() / 1000)
  const start = now()
  const began = monotonic === options.now ? start : monotonic()
  if (!(capacity >= 1)) throw new RangeError('capacity must be at least 1')
  // bound: the auth servers of the resource; grown by the program
  const issuers = new Map<string, IssuerRevocations>()
  // bound: one for each resource; grown by the program
  const listeners = new Set<RevocationListener>()
  const has = ({ issuer, grant }: GrantName): boolean => {
    const until = issuers.get(issuer)?.grants.get(grant)
    return until !== undefined && until > now()
  }
  return {
    get since() {
      // Later where the clock was behind at the start and was set since: tokens of before would seem to be newer (F-83).
      return Math.max(start, now() - (monotonic() - began))
    },
    has: async grant => has(grant),
    hasHeard: has,
    async add({ issuer, grant, exp }) {
      const until = exp + revocationTolerance
      // bound: capacity of each issuer, 50 000 grants; bytes: 150 × capacity × issuers; grown by a peer; shared: each
      // issuer has its own; nothing is forgotten to make room; filled by resource/src/token/revocation.test.ts "has a
      // share for each auth server"
      const revocations = issuers.get(issuer) ?? { grants: new Map<string, number>(), sweptAt: 0 }
      issuers.set(issuer, revocations)
      const { grants } = revocations
      if (!grants.has(grant) && !hasRoom(revocations, { capacity, now: now() })) return 'full'
      grants.set(grant, Math.max(until, grants.get(grant) ?? 0))
      for (const listener of listeners) listener({ issuer, grant })
      return 'kept'
    },
    watch(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** The revocations of one issuer: only issuers that the resource lists have any. */
interface IssuerRevocations {
  /** Until when each grant is refused, Unix seconds. */
  readonly grants: Map<string, number>
  /** When ended revocations were removed last, Unix seconds. */
  sweptAt: number
}

/** Removes what has ended, at most once a second, where the share is used up. */
function hasRoom(revocations: IssuerRevocations, o: { readonly capacity: number; readonly now: number }): boolean {
  const { grants } = revocations
  if (grants.size < o.capacity) return true
  if (o.now < revocations.sweptAt + 1) return false
  revocations.sweptAt = o.now
  for (const [grant, until] of grants) if (until <= o.now) grants.delete(grant)
  return grants.size < o.capacity
}
