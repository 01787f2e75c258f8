import type { VerifyKey } from '@countersign/httpsig'
import {
  type AgentMetadata,
  type AuthServerMetadata,
  isIdentifier,
  parseAgentMetadata,
  parseAuthServerMetadata,
  parseResourceMetadata,
  type ResourceMetadata,
  type WellKnownDocument,
} from '@countersign/protocol'
import { boundedMap, checkOptionsOffPage, refusal } from '@countersign/protocol/internal'
import { fetchDocument } from './fetch-document.js'
import type { Fetcher } from './fetcher.js'
import { type Participant, type ParticipantSource, participant } from './participant.js'
import { weightOf } from './weight.js'

/**
 * Looks up the metadata and keys of an identifier.
 * All methods reject with AAuthError `discovery_failed`: 401 when a document is missing or wrong, 503 with `retryAfter`
 * when its host does not answer and the cache has nothing recent, or when too many fetches are under way.
 * @see protocol §10
 */
export interface Directory {
  /** The metadata of an agent. */
  agent(id: string): Promise<AgentMetadata>
  /** The metadata of a resource. */
  resource(id: string): Promise<ResourceMetadata>
  /** The metadata of an auth server. */
  authServer(id: string): Promise<AuthServerMetadata>
  /**
   * The key that a participant publishes under a `kid`; the same object for as long as the key stays the same.
   * @param failed the key that was returned for the `kid` before and with which a signature did not verify. `createDiscovery` then
   * fetches the key set again, at most once in 30 s, and returns the key now published under the `kid`, which may be the same.
   * `createDirectory` ignores it.
   * @returns undefined when the `kid` is unknown, after at most one refetch in 30 s
   */
  key(document: WellKnownDocument, id: string, kid: string, failed?: VerifyKey): Promise<VerifyKey | undefined>
}

/** How {@link createDirectory} fetches. */
export interface DirectoryOptions {
  /** Fetches the metadata of an identifier and the `jwks_uri` in it. The platform must guard which addresses it can reach. */
  readonly fetcher: Fetcher
  /** Unix seconds; default: the system clock. */
  readonly now?: () => number
  /** Admits loopback `http` identifiers. Default: false. */
  readonly development?: boolean
}

/** Participants kept for each role. */
const maxKnown = 64
/** Bytes of memory: a participant with a larger document is not kept. */
const heavy = 512 * 1024

/**
 * A directory for a program that chooses the identifiers itself, such as an agent in a page. It reads, checks and caches as
 * `createDiscovery` does, but has no protection against floods of identifiers that strangers name.
 * Keeps the 64 participants of each role that were used last.
 * @see protocol §10
 */
export function createDirectory(options: DirectoryOptions): Directory {
  checkOptionsOffPage('createDirectory', options, { fetcher: 'function', now: 'function', development: 'boolean' })
  return directoryOf(
    { agent: parseAgentMetadata, resource: parseResourceMetadata, authServer: parseAuthServerMetadata },
    options,
  )
}

/** How the documents of each role are read. */
export interface MetadataParsers {
  readonly agent: ParticipantSource<AgentMetadata>['parse']
  readonly resource: ParticipantSource<ResourceMetadata>['parse']
  readonly authServer: ParticipantSource<AuthServerMetadata>['parse']
}

/** A directory that reads documents in its own way: an agent in a page needs few members of them. */
// unchecked options options: createDirectory has checked them; only an agent in a page calls it otherwise
export function directoryOf(parse: MetadataParsers, options: DirectoryOptions): Directory {
  const agents = role('aauth-agent', parse.agent, options)
  const resources = role('aauth-resource', parse.resource, options)
  const authServers = role('aauth-issuer', parse.authServer, options)
  const all = { 'aauth-agent': agents, 'aauth-resource': resources, 'aauth-issuer': authServers }
  return {
    agent: async id => agents(id).metadata(),
    resource: async id => resources(id).metadata(),
    authServer: async id => authServers(id).metadata(),
    async key(document, id, kid) {
      // A file of any other name could be one that a user uploaded to the host, with keys of theirs.
      if (!Object.hasOwn(all, document)) throw refusal('document_missing')
      return all[document](id).key(kid)
    },
  }
}

function role<T extends { readonly jwks_uri: string }>(
  document: WellKnownDocument,
  parse: ParticipantSource<T>['parse'],
  { fetcher, now = () => Date.now() / 1000, development = false }: DirectoryOptions,
): (id: string) => Participant<T> {
  // bound: 64 participants of a role; bytes: 64 × 512 KiB; grown by the program; filled by directory.test.ts "by
  // participants: the least recently used"
  const known = boundedMap<string, Participant<T>>(maxKnown)
  const add = (id: string): Participant<T> => {
    if (!isIdentifier(id, { development })) throw refusal('identifier_malformed')
    return participant<T>({
      document,
      id,
      development,
      parse,
      now,
      fetch: (_, url, { maxBytes }) => fetchDocument(fetcher, url, maxBytes),
      onHeld(_, { body }) {
        if (weightOf(body) > heavy) known.delete(id)
      },
      tell: () => undefined,
    })
  }
  return id => {
    const of = known.get(id) ?? add(id)
    known.set(id, of)
    return of
  }
}
