import type { VerifyKey } from '@countersign/httpsig'
import {
  AAuthError,
  type AgentMetadata,
  type AuthServerMetadata,
  checkOptions,
  freezeJson,
  type OptionChecks,
  parseAgentMetadata,
  parseAuthServerMetadata,
  parseResourceMetadata,
  type ResourceMetadata,
  type WellKnownDocument,
} from '@countersign/protocol'
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

/** A {@link Directory} that strangers may make look up what they like. @see protocol §10 */
export interface Discovery extends Directory {
  /**
   * A view on the same cache for one inbound request that may begin so many fetches; default 8. They share what fetches there may
   * be with others of the same network (a /48, a v4 /24) of its caller, where it is told.
   * @throws RangeError when the number is not a whole one
   */
  limited(maxFetches?: number, caller?: FetchCaller): Discovery
  /** Forgets all that is known of an identifier, e.g. because a key of its was stolen. */
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
   * Identifiers kept of each role (agents, resources, auth servers); default 10 000. They take 4 KiB each at most, or 32 MiB
   * together where that is more; those that have given a key stay before those that have not.
   */
  readonly maxEntries?: number
  /**
   * Fetches at the same time, of each role: so many for participants that were met before, and as many for others. At most
   * an eighth of them to one origin, a tenth for names of one site or, for others, callers of one network; four times as many wait,
   * others are refused with 503. In development there are no sites and networks. Default 64.
   */
  readonly maxConcurrent?: number
  /**
   * Which site a name belongs to, whose share of the fetches it takes. Default: its registrable domain by the ICANN part of the
   * Public Suffix List, where the platform has one.
   */
  readonly siteOf?: SiteOf
  /** Seconds a fetch may take, whatever the fetcher does, with the wait for its turn; above 0, at most 60. Default 5. */
  readonly timeout?: number
  /** Told of fetches, hits, refusals and the like, for metrics; what it throws is ignored. */
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
 * @throws TypeError where the platform gives no control over addresses and no `fetcher` is passed in
 * @see protocol §10
 */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  checkOptions('createDiscovery', options, checks)
  const { now = () => Date.now() / 1000, development = false, maxEntries = 10_000, maxConcurrent = 64 } = options
  const { fetcher = defaultFetcher(development), timeout = 5 } = options
  if (!(timeout > 0 && timeout <= 60)) throw new RangeError('timeout must be above 0 and at most 60 seconds')
  const tell = safeListener(options.onEvent)
  const fetches = createSharedFetches({ fetcher, now, timeout, tell })
  const shared = { fetches, now, development, siteOf: options.siteOf, maxEntries, maxConcurrent, tell }
  // A cache each: a flood of invented agents pushes no auth server out.
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
    ...{ agents, resources, authServers, all, development },
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

/** A class, since one is made for each request: it makes no function. */
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
    // The name may come from a Signature-Key: any other would make us fetch, and believe, somebody's upload.
    if (!Object.hasOwn(all, document))
      return Promise.reject(new AAuthError('discovery_failed', 'there is no document of that name'))
    return all[document].key(id, kid, this.#budget, failed)
  }

  limited(maxFetches: number = maxFetchesPerRequest, caller?: FetchCaller): Discovery {
    const { development } = this.#cache
    return new View(this.#cache, fetchBudget(maxFetches, this.#budget, development ? undefined : caller))
  }

  purge(id: string): void {
    this.#cache.purge(id)
  }
}

/** Every reader is handed the same document: none may change what the next one reads. */
function freezing<A extends unknown[], T>(parse: (...json: A) => T): (...json: A) => T {
  return (...json) => freezeJson(parse(...json))
}
