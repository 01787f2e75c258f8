import type { Directory, Fetcher } from '@countersign/discovery'
import type { IdentifierList } from '@countersign/protocol'
import {
  boundedMap,
  checkIdentifierList,
  checkOptionsOffPage,
  type OptionCheck,
  type OptionChecks,
  restriction,
  wrongOption,
} from '@countersign/protocol/internal'
import { ownDirectory } from '#own-directory'
import { postFetch } from '#post-fetch'
import { AgentError } from './error.js'
import { type AgentEvent, startStepLog } from './explanation.js'
import type { WebBotAuth } from './fetch/climb-context.js'
import { reasonToGiveUp } from './fetch/give-up.js'
import { identifyPolicy } from './fetch/identify-policy.js'
import { purposesText } from './grant/grants.js'
import { type Interact, noInteraction } from './grant/interact.js'
import type { Identity } from './identity/identity.js'
import { type AgentState, memoryState } from './state/state.js'
import { checkUser } from './state/user-state.js'
import { type AgentParts, openView, type View, viewContext } from './view.js'
import { signedPost } from './wire/signed-post.js'

/** Options of {@link createAgent}. */
export interface AgentOptions {
  /** Who the agent is: `pseudonym()`, `agentServer(…)` or `delegate(…)`. */
  readonly identity: Identity
  /** Keeps what must survive a restart. Default: memory, which survives none. */
  readonly state?: AgentState
  /** Auth servers that the agent asks for auth tokens. No default: without this list it asks none. */
  readonly acceptAuthServer?: IdentifierList
  /** Origins to which the agent identifies itself. No default: without this list it stays a pseudonym everywhere. */
  readonly identifyTo?: IdentifierList
  /** How users are asked for consent. Default: they are not; what needs a user is refused, or is an `AgentError` with the url. */
  readonly interact?: Interact
  /** Names of what all calls are for, from the resources' metadata. Default: none. A call can name its own. @see protocol §9.1 */
  readonly purposes?: readonly string[]
  /**
   * Makes the agent a verified bot, too: `webBotAuth(…)` of `@countersign/agent/web-bot-auth`. Default: it is none. A page has no
   * place for such a key. @see protocol §3.8
   */
  readonly webBotAuth?: WebBotAuth
  /**
   * Sends requests, token requests included. Default: the platform's `fetch` for the URLs you call. Other parties publish the URLs
   * of token requests: on Node these reach public addresses only (SSRF). For auth servers in a private network, give this option.
   */
  readonly fetch?: typeof fetch
  /** Fetches metadata and keys. Default on Node: `guardedFetcher`; elsewhere this or `discovery` is required. */
  readonly fetcher?: Fetcher
  /** Metadata and keys of others, shared with other parts of a program; replaces `fetcher`. Default: one per agent. */
  readonly discovery?: Directory
  /** The clock, in Unix seconds. */
  readonly now?: () => number
  /** Waits a number of seconds, or until the signal aborts. Default: a timer. */
  readonly sleep?: (seconds: number, signal?: AbortSignal) => Promise<void>
  /** A random number between 0 and 1, which spreads renewals. Default: `Math.random`. */
  readonly random?: () => number
  /** Accepts loopback http identifiers. Default false. */
  readonly development?: boolean
  /** Called with each step as it happens. Steps hold no token, key or code. */
  readonly onEvent?: (event: AgentEvent) => void
  /** Largest request body in bytes. Bodies are held in memory to be signed. Default 1 MiB. */
  readonly bodyLimit?: number
}

const botCheck: OptionCheck = (value, place) => {
  if (typeof Object(value).sign !== 'function') throw wrongOption(place, 'made by webBotAuth')
}

const checks: OptionChecks<AgentOptions> = {
  identity: 'object',
  state: 'object',
  // createAgent checks the entries of both lists.
  acceptAuthServer: /* @__PURE__ */ restriction('any'),
  identifyTo: /* @__PURE__ */ restriction('any'),
  interact: 'object',
  purposes: 'strings',
  webBotAuth: botCheck,
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

/** An agent. Its own view is for calls that no user is part of. */
export interface Agent extends View {
  /**
   * The same agent for one user: the tokens, refresh tokens, pending questions, pseudonyms and running requests of each user
   * are separate. `user` is the app's key of a browser session, never a name that a stranger may choose.
   * The agent's state holds what survives a restart.
   * @throws TypeError when `user` is not a text of 1 to 512 characters
   * @see protocol §6.4 (5)
   */
  forUser(user: string): View
  /**
   * Returns who the agent is. A delegate that is not enrolled yet enrols now rather than at its first call.
   * @throws AgentError `not_allowed` for a pseudonym, and the error of an enrolment that fails
   */
  identify(): Promise<{ readonly agent: string; readonly delegate?: string }>
  /**
   * Replaces a delegate's key now, instead of at its next regular rotation. A delegate that is not enrolled yet enrols.
   * Grants stay: tokens bound to the old key are refreshed at their next use.
   * @throws AgentError `not_allowed` for an identity that is not a delegate, `unsupported`, `denied`, `unreachable`
   * @see protocol §5 *Rotation*
   */
  rotateKey(): Promise<void>
}

/**
 * Creates an agent.
 * @throws TypeError when an option is wrong, or the platform needs a `fetcher` and none is given
 * @see protocol §3, §4 "The agent checks the resource, too", §6.4
 * @example
 * ```ts
 * import { createAgent, delegate } from '@countersign/agent'
 * import { fileState } from '@countersign/agent/node'
 *
 * const agent = createAgent({
 *   identity: delegate({ agentServer: 'https://agent.example', enroll: { type: 'code', code: 'CODE' } }),
 *   state: fileState('agent.json'),
 *   acceptAuthServer: ['https://auth.example'],
 *   identifyTo: 'any',
 * })
 * const response = await agent.fetch('https://calendar.example/events')
 * ```
 */
export function createAgent(options: AgentOptions): Agent {
  checkOptionsOffPage('createAgent', options, checks)
  const { identity, bodyLimit = 1_048_576, interact } = options
  if (typeof identity?.open !== 'function')
    throw new TypeError('identity must be made by pseudonym, agentServer or delegate')
  if (interact !== undefined && typeof interact.open !== 'function')
    throw new TypeError('interact must be made by callbackRoute, deviceCode, inbox or loopback')
  if (!(bodyLimit > 0)) throw new TypeError('bodyLimit must be a number above 0')
  for (const list of [options.identifyTo, options.acceptAuthServer])
    if (list !== undefined) checkIdentifierList(list, { development: options.development ?? false })
  const parts = agentParts(options, bodyLimit)
  const { credentials, onEvent } = parts
  // A stranger who can open sessions can create views, so they are bounded. A dropped view loses only what is in memory.
  // bound: 1000 users; bytes: 1000 × some 20 KiB; grown by a stranger; shared: by use: the one unused for longest goes;
  // filled by bounded-collections-fills.test.ts "a bounded map"
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
    fetch: send,
    webBotAuth: options.webBotAuth,
    acceptAuthServer,
    credentials,
    state,
    bodyLimit,
    purposes: purposesText(options.purposes),
    userInteraction: interact === undefined ? noInteraction() : interact.open(shared),
    whyNotIdentify: identifyPolicy({ identifyTo, acceptAuthServer, agentServer, discovery, development }),
    // bound: 1000 origins; bytes: 1000 × the 64 components that a challenge may name; grown by a peer; filled by
    // bounded-collections-fills.test.ts "a bounded map"
    components: boundedMap(1000),
    reasonToGiveUp,
    onEvent: ignoreListenerErrors(options.onEvent),
  }
}

/** A browser's fetch throws when it is called as a method of another object. */
function unboundFetch(given: typeof fetch | undefined): typeof fetch {
  return given === undefined ? (input, init) => globalThis.fetch(input, init) : (input, init) => given(input, init)
}

/** A listener that throws must not break a token request that other calls await. */
function ignoreListenerErrors(
  onEvent: ((event: AgentEvent) => void) | undefined,
): ((event: AgentEvent) => void) | undefined {
  if (onEvent === undefined) return undefined
  return event => {
    try {
      onEvent(event)
    } catch {
      // An error of the listener is not an error of the call.
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
