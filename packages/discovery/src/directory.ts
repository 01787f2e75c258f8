import type { VerifyKey } from '@countersign/httpsig'
import {
  AAuthError,
  type AgentMetadata,
  type AuthServerMetadata,
  boundedMap,
  checkOptionsOffPage,
  isIdentifier,
  parseAgentMetadata,
  parseAuthServerMetadata,
  parseResourceMetadata,
  type ResourceMetadata,
  type WellKnownDocument,
} from '@countersign/protocol'
import { fetchDocument } from './fetch-document.js'
import type { Fetcher } from './fetcher.js'
import { type Participant, type ParticipantSource, participant } from './participant.js'
import { weightOf } from './weight.js'

/**
 * From an identifier to its metadata and keys.
 * All methods reject with AAuthError `discovery_failed`: 401 when a document is missing or wrong, 503 with `retryAfter`
 * when its host does not answer and nothing recent is held, or when too many fetches are under way.
 * @see protocol §10
 */
export interface Directory {
  /** What an agent publishes. */
  agent(id: string): Promise<AgentMetadata>
  /** What a resource publishes. */
  resource(id: string): Promise<ResourceMetadata>
  /** What an auth server publishes. */
  authServer(id: string): Promise<AuthServerMetadata>
  /**
   * The key that a participant publishes under a `kid`; the same object for as long as it stays the same key.
   * @param failed the key that was given for the `kid` and under which a signature did not verify. A directory for servers then
   * looks whether another key is published under the `kid` by now, and gives the same again when it is not, or when it may not ask
   * so soon. The directory of a page leaves it out of account.
   * @returns undefined when the `kid` is unknown, after the one refetch allowed in 30 s
   */
  key(document: WellKnownDocument, id: string, kid: string, failed?: VerifyKey): Promise<VerifyKey | undefined>
}

/** How {@link createDirectory} fetches. */
export interface DirectoryOptions {
  /** It is asked for what the caller names and for what that document names; the platform must guard the rest. */
  readonly fetcher: Fetcher
  /** Unix seconds; default: the system clock. */
  readonly now?: () => number
  /** Admits loopback `http` identifiers. Default: false. */
  readonly development?: boolean
}

/** Participants kept of each role. */
const maxKnown = 64
/** A participant with a document that takes more bytes than this in memory is not kept. */
const heavy = 512 * 1024

/**
 * A directory for one program that chooses by itself whom it deals with, such as an agent in a page: read, checked and
 * cached as by `createDiscovery`, but without what that has against floods of identifiers that strangers name.
 * Keeps the last 64 participants of each role.
 * @see protocol §10
 */
export function createDirectory(options: DirectoryOptions): Directory {
  checkOptionsOffPage('createDirectory', options, { fetcher: 'function', now: 'function', development: 'boolean' })
  const all = {
    'aauth-agent': role('aauth-agent', parseAgentMetadata, options),
    'aauth-resource': role('aauth-resource', parseResourceMetadata, options),
    'aauth-issuer': role('aauth-issuer', parseAuthServerMetadata, options),
  }
  return {
    agent: async id => all['aauth-agent'](id).metadata(),
    resource: async id => all['aauth-resource'](id).metadata(),
    authServer: async id => all['aauth-issuer'](id).metadata(),
    async key(document, id, kid) {
      // Any other name would make us fetch, and believe, somebody's upload.
      if (!Object.hasOwn(all, document)) throw new AAuthError('discovery_failed', 'there is no document of that name')
      return all[document](id).key(kid)
    },
  }
}

function role<T extends { readonly jwks_uri: string }>(
  document: WellKnownDocument,
  parse: ParticipantSource<T>['parse'],
  { fetcher, now = () => Date.now() / 1000, development = false }: DirectoryOptions,
): (id: string) => Participant<T> {
  const known = boundedMap<string, Participant<T>>(maxKnown)
  const added = (id: string): Participant<T> => {
    if (!isIdentifier(id, { development })) throw new AAuthError('discovery_failed', 'the identifier is malformed')
    return participant<T>({
      ...{ document, id, development, parse, now },
      fetch: (_, url, { maxBytes }) => fetchDocument(fetcher, url, maxBytes),
      onHeld(_, { body }) {
        if (weightOf(body) > heavy) known.delete(id)
      },
      tell: () => undefined,
    })
  }
  return id => {
    const of = known.get(id) ?? added(id)
    known.set(id, of)
    return of
  }
}
