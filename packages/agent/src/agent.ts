import type { Directory, Fetcher } from '@countersign/discovery'
import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { checkIdentifierList, type IdentifierList } from '@countersign/protocol'
import { ownDirectory } from '#own-directory'
import { type AccessRequest, requestAccess } from './access.js'
import { admission } from './admission.js'
import { authorization } from './authorization.js'
import { boundedMap } from './bounded-map.js'
import { climb } from './climb.js'
import type { ClimbContext } from './climb-context.js'
import { AgentError } from './error.js'
import type { AgentEvent } from './explanation.js'
import { grantsIn } from './grants.js'
import type { Identity } from './identity.js'
import { originMemory } from './origin-memory.js'
import { outgoingRequest } from './outgoing.js'
import { passage } from './passage.js'
import { type SignedPost, signedPost } from './signed-post.js'
import { type AgentState, memoryState } from './state.js'

/** What an agent is made of. */
export interface AgentOptions {
  /** Who it is: `pseudonym()`, `agentServer(…)` or `delegate(…)`. */
  readonly identity: Identity
  /** What survives a restart. Default: memory, so nothing does. */
  readonly state?: AgentState
  /** Auth servers it asks for auth tokens. No default: without it no auth token is ever asked for. */
  readonly acceptAuthServer?: IdentifierList
  /** Origins it says who it is to. No default: without it the agent stays a pseudonym everywhere. */
  readonly identifyTo?: IdentifierList
  /** Sends requests. Default: the platform's. */
  readonly fetch?: typeof fetch
  /** Fetches metadata and keys. Default on Node: `guardedFetcher`; elsewhere this or `discovery` is required. */
  readonly fetcher?: Fetcher
  /** Shared with other parts of a program; replaces `fetcher`. Default: one of its own, in a browser a `createDirectory`. */
  readonly discovery?: Directory
  /** Unix seconds. */
  readonly now?: () => number
  /** Waits a number of seconds. Default: a timer. */
  readonly sleep?: (seconds: number) => Promise<void>
  /** Between 0 and 1; spreads renewals. Default: `Math.random`. */
  readonly random?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /** Told each step as it happens; never sees a token, key or code. */
  readonly onEvent?: (event: AgentEvent) => void
  /** Largest request body in bytes; bodies are held in memory to be signed. Default 1 MiB. */
  readonly bodyLimit?: number
}

/** A fetch that signs and climbs. */
export interface Agent {
  /**
   * Drops in for `fetch`: sends the request, meets the challenges that the agent's own policy allows to meet, and
   * returns the final response, whatever its status; {@link explain} tells how it came to it. Redirects within the
   * origin are followed, one to another origin is returned.
   * @throws AgentError where no response exists
   * @throws TypeError for a URL that is not http(s) and for headers only the agent may set
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /**
   * Gets an auth token for a resource before the first call.
   * @throws AgentError
   * @see protocol §6.1
   */
  requestAccess(request: AccessRequest): Promise<void>
  /**
   * Who the agent is. A delegate that is not enrolled yet enrols now rather than at its first call.
   * @throws AgentError `not_allowed` for a pseudonym, and whatever stops an enrolment
   */
  identify(): Promise<{ readonly agent: string; readonly delegate?: string }>
  /**
   * Replaces a delegate's key now, as it otherwise does by itself from time to time; one that is not enrolled yet enrols.
   * Grants stay: what was bound to the old key is refreshed at its next use.
   * @throws AgentError `not_allowed` for an identity that is no delegate, `unsupported`, `denied`, `unreachable`
   * @see protocol §5 *Rotation*
   */
  rotateKey(): Promise<void>
}

/**
 * Makes an agent.
 * @throws TypeError when an option is wrong, and where the platform needs a `fetcher` and none is given
 * @see protocol §3, §4 "The agent checks the resource, too"
 */
export function createAgent(options: AgentOptions): Agent {
  const { identity, bodyLimit = 1_048_576 } = options
  if (typeof identity?.open !== 'function')
    throw new TypeError('identity must be made by pseudonym, agentServer or delegate')
  if (!(bodyLimit > 0)) throw new TypeError('bodyLimit must be a number of bytes above 0')
  for (const list of [options.identifyTo, options.acceptAuthServer])
    if (list !== undefined) checkIdentifierList(list, { development: options.development ?? false })
  const context = contextOf(options)
  const onEvent = safely(options.onEvent)
  return {
    async fetch(input, init) {
      const request = await outgoingRequest(input, init, bodyLimit)
      return climb(request, context, passage(onEvent))
    },
    requestAccess: request => requestAccess(request, context, passage(onEvent).note),
    async identify() {
      const { agent, delegate } = await context.credentials.current(passage(onEvent).note)
      return { agent, ...(delegate === undefined ? {} : { delegate }) }
    },
    async rotateKey() {
      if (context.credentials.rotate === undefined)
        throw new AgentError('not_allowed', 'only a delegate has a key that its agent server can replace')
      await context.credentials.rotate(passage(onEvent).note)
    },
  }
}

function contextOf(options: AgentOptions): ClimbContext & { readonly post: SignedPost } {
  const { now = () => Date.now() / 1000, sleep = timer, random = Math.random, development = false } = options
  const { acceptAuthServer, identifyTo, state = memoryState() } = options
  const send = plainFetch(options.fetch)
  const { fetcher } = options
  const own = { now, development, ...(fetcher === undefined ? {} : { fetcher }) }
  const discovery = options.discovery ?? ownDirectory(own)
  const post = signedPost({ fetch: send, now, sleep })
  const shared = { discovery, post, now, development }
  const credentials = options.identity.open({ ...shared, state, sleep, random })
  const { agentServer } = credentials
  return {
    ...{ fetch: send, post, sleep, now, discovery, development, acceptAuthServer, credentials },
    authorization: authorization(grantsIn(state), { ...shared, acceptAuthServer }),
    admits: admission({ identifyTo, acceptAuthServer, agentServer, discovery, development }),
    memory: originMemory(),
    components: boundedMap(1000),
    pseudonymFor: pseudonyms(),
  }
}

/** One key per origin: two origins that compare notes find nothing to compare. */
function pseudonyms(): (origin: string) => Promise<SigningKey> {
  const keys = boundedMap<string, Promise<SigningKey>>(1000)
  return origin => {
    const known = keys.get(origin) ?? generateSigningKey()
    keys.set(origin, known)
    return known
  }
}

/** A browser's fetch refuses to be called as the method of another object. */
function plainFetch(given: typeof fetch | undefined): typeof fetch {
  return given === undefined ? (input, init) => globalThis.fetch(input, init) : (input, init) => given(input, init)
}

/** A listener that throws must not break a token request that others await. */
function safely(onEvent: ((event: AgentEvent) => void) | undefined): ((event: AgentEvent) => void) | undefined {
  if (onEvent === undefined) return undefined
  return event => {
    try {
      onEvent(event)
    } catch {
      // The listener's own affair.
    }
  }
}

function timer(seconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, seconds * 1000))
}
