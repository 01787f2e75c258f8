import { checkOptions, type OptionChecks } from '@countersign/protocol/internal'
import { defaultFetcher } from '#default-fetcher'
import { type DiscoveryEvent, safeListener } from './discovery-event.js'
import type { Fetcher } from './fetcher.js'
import type { ParticipantsOptions } from './participants.js'
import type { SiteOf } from './share-site.js'
import { createSharedFetches } from './shared-fetches.js'

/** How `createDiscovery` and `createBotDirectory` fetch, and how much they keep. */
export interface DiscoveryOptions {
  /** Default on Node: `guardedFetcher()` from `@countersign/discovery/node`, for a bot directory with its `mediaTypes`; elsewhere it is required. */
  readonly fetcher?: Fetcher
  /** Unix seconds; default: the system clock. */
  readonly now?: () => number
  /** Admits loopback `http` identifiers. Default: false. */
  readonly development?: boolean
  /**
   * Identifiers kept for each role (agents, resources, auth servers, bots); default 10 000. Together they take 4 KiB × `maxEntries` of
   * memory, or 32 MiB where that is more. Identifiers that have given a key are evicted after those that have not.
   */
  readonly maxEntries?: number
  /**
   * Fetches that run at the same time for each role: one set of slots for known participants (they have given a key), another of
   * the same size for unknown ones. One origin gets at most an eighth of a set, one site a tenth, and one network of callers a tenth
   * of the slots for unknown participants. Four times as many fetches wait; further ones are refused with 503. In development sites
   * and networks are not counted. Default 64.
   */
  readonly maxConcurrent?: number
  /**
   * The site of a host name; all names of a site share one part of the fetch slots. Default: the registrable domain by the ICANN
   * part of the Public Suffix List on Node, the last two labels elsewhere.
   */
  readonly siteOf?: SiteOf
  /** Seconds a fetch may take, with its wait for a slot, whatever the fetcher does; above 0, at most 60. Default 5. */
  readonly timeout?: number
  /** Called with each fetch, hit, refusal and so on, for metrics; an error that it throws is ignored. */
  readonly onEvent?: (event: DiscoveryEvent) => void
}

const checks: OptionChecks<DiscoveryOptions> = {
  fetcher: 'function',
  now: 'function',
  development: 'boolean',
  maxEntries: 'number',
  maxConcurrent: 'number',
  timeout: 'number',
  siteOf: 'function',
  onEvent: 'function',
}

/** Refuses options that there are not. @throws TypeError, RangeError */
export function checkDiscoveryOptions(taker: string, options: DiscoveryOptions): void {
  checkOptions(taker, options, checks)
  const { timeout = 5 } = options
  if (!(timeout > 0 && timeout <= 60)) throw new RangeError('timeout must be above 0 and at most 60 seconds')
}

type SharedParts = Omit<ParticipantsOptions<unknown>, 'document' | 'first' | 'open'>

/**
 * What the roles of one cache share: their fetches, clock and bounds.
 * @param mediaTypes what the default fetcher reads
 * @throws TypeError when no `fetcher` is passed in on a platform that has no control over addresses
 */
export function sharedParts(options: DiscoveryOptions, mediaTypes: readonly string[]): SharedParts {
  const { now = () => Date.now() / 1000, development = false, maxEntries = 10_000, maxConcurrent = 64 } = options
  const { fetcher = defaultFetcher(development, mediaTypes), timeout = 5, siteOf } = options
  const tell = safeListener(options.onEvent)
  const fetches = createSharedFetches({ fetcher, now, timeout, tell })
  return { fetches, now, development, siteOf, maxEntries, maxConcurrent, tell }
}
