import type { Directory, Fetcher } from '@countersign/discovery'
import {
  boundedMap,
  checkIdentifierList,
  checkOptionsOffPage,
  type IdentifierList,
  type OptionChecks,
  restriction,
} from '@countersign/protocol'
import { ownDirectory } from '#own-directory'
import { postFetch } from '#post-fetch'
import { AgentError } from './error.js'
import type { AgentEvent } from './explanation.js'
import { reasonToGiveUp } from './fetch/give-up.js'
import { identifyPolicy } from './fetch/identify-policy.js'
import { startStepLog } from './fetch/step-log.js'
import { type Interact, noInteraction } from './grant/interact.js'
import type { Identity } from './identity/identity.js'
import { type AgentState, memoryState } from './state/state.js'
import { checkUser } from './state/user-state.js'
import { type AgentParts, openView, type View, viewContext } from './view.js'
import { signedPost } from './wire/signed-post.js'

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
  /** How its users are asked. Default: they are not, and what needs one is refused or an `AgentError` that says where. */
  readonly interact?: Interact
  /**
   * Sends requests, token requests among them. Default: the platform's for what you call, since you chose the URL. Token requests,
   * whose URLs others publish, reach on Node public addresses only by default; for auth servers inside a private network give this.
   */
  readonly fetch?: typeof fetch
  /** Fetches metadata and keys. Default on Node: `guardedFetcher`; elsewhere this or `discovery` is required. */
  readonly fetcher?: Fetcher
  /** Shared with other parts of a program; replaces `fetcher`. Default: one of its own, in a browser a `createDirectory`. */
  readonly discovery?: Directory
  /** Unix seconds. */
  readonly now?: () => number
  /** Waits a number of seconds, or until the signal ends it earlier. Default: a timer. */
  readonly sleep?: (seconds: number, signal?: AbortSignal) => Promise<void>
  /** Between 0 and 1; spreads renewals. Default: `Math.random`. */
  readonly random?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /** Told each step as it happens; never sees a token, key or code. */
  readonly onEvent?: (event: AgentEvent) => void
  /** Largest request body in bytes; bodies are held in memory to be signed. Default 1 MiB. */
  readonly bodyLimit?: number
}

const checks: OptionChecks<AgentOptions> = {
  identity: 'object',
  state: 'object',
  // Their entries are checked below.
  acceptAuthServer: /* @__PURE__ */ restriction('any'),
  identifyTo: /* @__PURE__ */ restriction('any'),
  interact: 'object',
  fetch: 'function',
  fetcher: 'function',
  discovery: 'object',
  now: 'function',
  sleep: 'function',
  random: 'function',
  development: 'boolean',
  onEvent: 'function',
  bodyLimit: 'any',
}

/** An agent with all that belongs to it rather than to one of its users. */
export interface Agent extends View {
  /**
   * The same agent for one user: tokens, refresh tokens, what users were asked, pseudonyms and requests under way are apart
   * from every other user's. `user` is the app's key of a browser session, never a name that a stranger may choose.
   * What is kept is kept in the agent's state.
   * @throws TypeError when `user` is not a text of 1 to 512 characters
   * @see protocol §6.4 (5)
   */
  forUser(user: string): View
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
 * @see protocol §3, §4 "The agent checks the resource, too", §6.4
 */
export function createAgent(options: AgentOptions): Agent {
  checkOptionsOffPage('createAgent', options, checks)
  const { identity, bodyLimit = 1_048_576, interact } = options
  if (typeof identity?.open !== 'function')
    throw new TypeError('identity must be made by pseudonym, agentServer or delegate')
  if (interact !== undefined && typeof interact.open !== 'function')
    throw new TypeError('interact must be made by callbackRoute, deviceCode or loopback')
  if (!(bodyLimit > 0)) throw new TypeError('bodyLimit must be a number of bytes above 0')
  for (const list of [options.identifyTo, options.acceptAuthServer])
    if (list !== undefined) checkIdentifierList(list, { development: options.development ?? false })
  const parts = agentParts(options, bodyLimit)
  const { credentials, onEvent } = parts
  // Whoever can open sessions can make views: one that is forgotten loses what is in memory only.
  const views = boundedMap<string, View>(1000)
  return {
    ...openView(viewContext(parts, undefined)),
    forUser(user) {
      checkUser(user)
      const view = views.get(user) ?? openView(viewContext(parts, user))
      views.set(user, view)
      return view
    },
    async identify() {
      const { agent, delegate } = await credentials.current(startStepLog(onEvent).note)
      return { agent, ...(delegate === undefined ? {} : { delegate }) }
    },
    async rotateKey() {
      if (credentials.rotate === undefined)
        throw new AgentError('not_allowed', 'only a delegate has a key that its agent server can replace')
      await credentials.rotate(startStepLog(onEvent).note)
    },
  }
}

/** What all views of an agent share. */
export function agentParts(options: AgentOptions, bodyLimit: number): AgentParts {
  const { now = () => Date.now() / 1000, sleep = sleepSeconds, random = Math.random, development = false } = options
  const { acceptAuthServer, identifyTo, state = memoryState(), interact } = options
  const send = unboundFetch(options.fetch)
  const { fetcher } = options
  const own = { now, development, ...(fetcher === undefined ? {} : { fetcher }) }
  const discovery = options.discovery ?? ownDirectory(own)
  const post = signedPost({ fetch: options.fetch === undefined ? postFetch(development) : send, now, sleep })
  const shared = { discovery, post, now, sleep, development }
  const credentials = options.identity.open({ ...shared, state, random })
  const { agentServer } = credentials
  return {
    ...shared,
    ...{ fetch: send, acceptAuthServer, credentials, state, bodyLimit },
    userInteraction: interact === undefined ? noInteraction() : interact.open(shared),
    whyNotIdentify: identifyPolicy({ identifyTo, acceptAuthServer, agentServer, discovery, development }),
    components: boundedMap(1000),
    reasonToGiveUp,
    onEvent: ignoreListenerErrors(options.onEvent),
  }
}

/** A browser's fetch refuses to be called as the method of another object. */
function unboundFetch(given: typeof fetch | undefined): typeof fetch {
  return given === undefined ? (input, init) => globalThis.fetch(input, init) : (input, init) => given(input, init)
}

/** A listener that throws must not break a token request that others await. */
function ignoreListenerErrors(
  onEvent: ((event: AgentEvent) => void) | undefined,
): ((event: AgentEvent) => void) | undefined {
  if (onEvent === undefined) return undefined
  return event => {
    try {
      onEvent(event)
    } catch {
      // The listener's own affair.
    }
  }
}

function sleepSeconds(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timeout)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timeout = setTimeout(end, seconds * 1000)
    if (signal?.aborted === true) end()
    else signal?.addEventListener('abort', end)
  })
}
