import type { VerifyKey } from '@countersign/httpsig'
import {
  type AgentMetadata,
  type AuthServerMetadata,
  parseAgentMetadata,
  parseAuthServerMetadata,
  parseResourceMetadata,
  type ResourceMetadata,
  type WellKnownDocument,
} from '@countersign/protocol'
import { freezeJson, refusal } from '@countersign/protocol/internal'
import type { Directory } from './directory.js'
import { checkDiscoveryOptions, type DiscoveryOptions, sharedParts } from './discovery-options.js'
import { type FetchBudget, type FetchCaller, fetchBudget } from './fetch-budget.js'
import { documentTypes } from './media-type.js'
import { type ParticipantSource, participant } from './participant.js'
import { createParticipants, type Participants } from './participants.js'

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
  checkDiscoveryOptions('createDiscovery', options)
  const shared = sharedParts(options, documentTypes)
  const { development, tell } = shared
  // Each role has its own cache: a flood of invented agents evicts no auth server.
  const role = <T extends { readonly jwks_uri: string }>(
    document: WellKnownDocument,
    parse: ParticipantSource<T>['parse'],
  ): Participants<T> =>
    createParticipants<T>({
      ...shared,
      document,
      first: 'metadata',
      open: source => participant<T>({ ...source, document, parse: freezing(parse) }),
    })
  const agents = role('aauth-agent', parseAgentMetadata)
  const resources = role('aauth-resource', parseResourceMetadata)
  const authServers = role('aauth-issuer', parseAuthServerMetadata)
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

  async key(document: WellKnownDocument, id: string, kid: string, failed?: VerifyKey): Promise<VerifyKey | undefined> {
    const { all } = this.#cache
    // The name may come from a Signature-Key. Any other name could be a file that a user uploaded to the host, with keys of theirs.
    if (!Object.hasOwn(all, document)) throw refusal('document_missing')
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
