import type { VerifyKey } from '@countersign/httpsig'
import {
  AAuthError,
  type AgentMetadata,
  type AuthServerMetadata,
  parseAgentMetadata,
  parseAuthServerMetadata,
  parseResourceMetadata,
  type ResourceMetadata,
  type WellKnownDocument,
} from '@countersign/protocol'
import { checkOptions, freezeJson, type OptionChecks } from '@countersign/protocol/internal'
import { defaultFetcher } from '#default-fetcher'
import type { Directory } from './directory.js'
import { type DiscoveryEvent, safeListener } from './discovery-event.js'
import { type FetchBudget, type FetchCaller, fetchBudget } from './fetch-budget.js'
import type { Fetcher } from './fetcher.js'
import { createParticipants, type Participants } from './participants.js'
import type { SiteOf } from './share-site.js'
import { createSharedFetches } from './shared-fetches.js'

/** Fetches that one inbound request may cause; a cold exchange needs 6. @see protocol §10 */
const maxFetchesPerRequest = 8

/** A {@link Directory} that is safe to use for identifiers that strangers name. @see protocol §10 */
export interface Discovery extends Directory {
  /**
   * A view on the same cache for one inbound request, which may begin `maxFetches` fetches; default 8. With `caller.network`
   * (a /48, a v4 /24) all requests from that network share one part of the fetch slots.
   * @throws RangeError when `maxFetches` is not a whole number, 0 or more
   */
  limited(maxFetches?: number, caller?: FetchCaller): Discovery
  /** Removes the metadata and keys of an identifier from the cache, for example because one of its keys was stolen. */
  purge(id: string): void
}

/** How {@link createDiscovery} fetches and how much it keeps. */
export interface DiscoveryOptions {
  /** Default on Node: `guardedFetcher()` from `@countersign/discovery/node`; elsewhere it is required. */
  readonly fetcher?: Fetcher
  /** Unix seconds; default: the system clock. */
  readonly now?: () => number
  /** Admits loopback `http` identifiers. Default: false. */
  readonly development?: boolean
  /**
   * Identifiers kept for each role (agents, resources, auth servers); default 10 000. Together they take 4 KiB × `maxEntries` of
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

/**
 * Makes a {@link Discovery} with a cache of its own.
 * @throws RangeError when `maxEntries` or `maxConcurrent` is not a positive whole number, or `timeout` is out of range
 * @throws TypeError when no `fetcher` is passed in on a platform that has no control over addresses
 * @see protocol §10
 * @example
 * ```ts
 * import { createDiscovery } from '@countersign/discovery'
 *
 * const discovery = createDiscovery({ onEvent: event => console.log(event) })
 * ```
 */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  checkOptions('createDiscovery', options, checks)
  const { now = () => Date.now() / 1000, development = false, maxEntries = 10_000, maxConcurrent = 64 } = options
  const { fetcher = defaultFetcher(development), timeout = 5 } = options
  if (!(timeout > 0 && timeout <= 60)) throw new RangeError('timeout must be above 0 and at most 60 seconds')
  const tell = safeListener(options.onEvent)
  const fetches = createSharedFetches({ fetcher, now, timeout, tell })
  const shared = { fetches, now, development, siteOf: options.siteOf, maxEntries, maxConcurrent, tell }
  // Each role has its own cache: a flood of invented agents evicts no auth server.
  const agents = createParticipants({ ...shared, document: 'aauth-agent', parse: freezing(parseAgentMetadata) })
  const resources = createParticipants({
    ...shared,
    document: 'aauth-resource',
    parse: freezing(parseResourceMetadata),
  })
  const authServers = createParticipants({
    ...shared,
    document: 'aauth-issuer',
    parse: freezing(parseAuthServerMetadata),
  })
  const all = { 'aauth-agent': agents, 'aauth-resource': resources, 'aauth-issuer': authServers }
  return new View({
    agents,
    resources,
    authServers,
    all,
    development,
    purge(id) {
      for (const participants of Object.values(all)) participants.purge(id)
      tell({ type: 'purged', id })
    },
  })
}

/** What all views on one cache share. */
interface Cache {
  readonly agents: Participants<AgentMetadata>
  readonly resources: Participants<ResourceMetadata>
  readonly authServers: Participants<AuthServerMetadata>
  readonly all: Readonly<Record<WellKnownDocument, Pick<Participants<unknown>, 'key'>>>
  readonly development: boolean
  purge(id: string): void
}

/** A class, so that the view made for each request allocates no closures. */
class View implements Discovery {
  readonly #cache: Cache
  readonly #budget: FetchBudget | undefined

  constructor(cache: Cache, budget?: FetchBudget) {
    this.#cache = cache
    this.#budget = budget
  }

  agent(id: string): Promise<AgentMetadata> {
    return this.#cache.agents.metadata(id, this.#budget)
  }

  resource(id: string): Promise<ResourceMetadata> {
    return this.#cache.resources.metadata(id, this.#budget)
  }

  authServer(id: string): Promise<AuthServerMetadata> {
    return this.#cache.authServers.metadata(id, this.#budget)
  }

  key(document: WellKnownDocument, id: string, kid: string, failed?: VerifyKey): Promise<VerifyKey | undefined> {
    const { all } = this.#cache
    // The name may come from a Signature-Key. Any other name could be a file that a user uploaded to the host, with keys of theirs.
    if (!Object.hasOwn(all, document))
      return Promise.reject(
        new AAuthError('discovery_failed', 'there is no document of that name', { reason: 'document_missing' }),
      )
    return all[document].key(id, { kid, budget: this.#budget, failed })
  }

  limited(maxFetches: number = maxFetchesPerRequest, caller?: FetchCaller): Discovery {
    const { development } = this.#cache
    return new View(this.#cache, fetchBudget(maxFetches, this.#budget, development ? undefined : caller))
  }

  purge(id: string): void {
    this.#cache.purge(id)
  }
}

/** A parser whose results are frozen: all callers get the same object, and none may change it for the others. */
function freezing<A extends unknown[], T>(parse: (...json: A) => T): (...json: A) => T {
  return (...json) => freezeJson(parse(...json))
}
