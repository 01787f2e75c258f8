import type { Discovery } from '@countersign/discovery'
import { inTime } from '@countersign/httpsig/internal'
import { AAuthError, type PublishedKey } from '@countersign/protocol'
import { checkOptions, isObject, parseJson, refusal } from '@countersign/protocol/internal'
import { type Agent, createAgent } from '../agent.js'
import { AgentError, refusalOf } from '../error.js'
import { agentServer } from '../identity/identity.js'
import { callbackRoute } from '../interact/callback-route.js'
import type { AgentState } from '../state/state.js'

/** A sign-in that has begun: where to send the browser, and what to remember of it. */
export interface Departure {
  /** Where to send the browser. */
  readonly url: string
  /** The `state` that comes back in the callback. */
  readonly state: string
  /** Pass it to {@link BrowserSignIn.finish}. It holds secrets of this browser only. */
  readonly saved: string
}

/**
 * Signs users in at other auth servers, as an agent under the server's own identifier. For an auth server that links users, and
 * a resource that sends users on to an OAuth API.
 * @see protocol §7 "Link sign-in"
 */
export interface BrowserSignIn {
  /** @throws AAuthError `temporarily_unavailable`, `access_denied` */
  begin(authServer: string): Promise<Departure>
  /** Returns the user who signed in. @throws AAuthError `temporarily_unavailable`, `access_denied` */
  // unchecked options o: only packages of ours call it, and TypeScript checks them
  finish(
    authServer: string,
    o: { readonly url: string; readonly saved: string },
  ): Promise<{ readonly iss: string; readonly sub: string }>
}

/** Options of {@link browserSignIn}. */
export interface BrowserSignInOptions {
  /** The server's own identifier. */
  readonly id: string
  /** Its published key; a function is asked for each request, since keys rotate. */
  readonly key: PublishedKey | (() => Promise<PublishedKey>)
  readonly discovery: Discovery
  /** Where browsers come back to: one of the server's own `redirect_uris`. */
  readonly redirectUri: string
  /** Default: on Node, a fetch that reaches public addresses only. */
  readonly fetch?: typeof fetch
  /** Seconds that the other auth server has to answer, at most 600. Default 10. */
  readonly deadline?: number
  readonly now: () => number
  readonly development: boolean
}

/**
 * Creates the sign-ins. Each uses an agent of its own, which accepts one auth server and keeps no token.
 * @throws RangeError for a `deadline` out of range
 */
export function browserSignIn(options: BrowserSignInOptions): BrowserSignIn {
  checkOptions('browserSignIn', options, {
    id: 'string',
    key: 'any',
    discovery: 'object',
    redirectUri: 'string',
    fetch: 'function',
    deadline: 'any',
    now: 'function',
    development: 'boolean',
  })
  const { id, deadline = 10 } = options
  // A timer of more than 24 days, or Infinity, would fire at once.
  if (!(deadline > 0 && deadline <= 600)) throw new RangeError('deadline must be seconds above 0, at most 600')
  const agentFor = (authServer: string, state: AgentState): Agent => signInAgent(authServer, state, options)
  return {
    async begin(authServer) {
      const state = cookieState()
      try {
        await withDeadline(deadline, agentFor(authServer, state).signIn({ authServer }))
      } catch (error) {
        const url = error instanceof AgentError && error.code === 'interaction_required' ? error.url : undefined
        const name = url === undefined ? null : new URL(url).searchParams.get('state')
        if (url !== undefined && name !== null) return { url, state: name, saved: state.saved() }
        throw refusalError(error)
      }
      // A grant without asking is for some user, but not shown to be the user of this browser.
      throw refusal('sign_in_failed', { about: 'it answered without asking them' })
    },

    async finish(authServer, { url, saved }) {
      try {
        const answer = agentFor(authServer, cookieState(saved)).handleCallback(url)
        const { user, resource } = await withDeadline(deadline, answer)
        // The cookie is the browser's word: only a sign-in at this server counts.
        if (user !== undefined && resource === id) return { iss: user.iss, sub: user.sub }
      } catch (error) {
        throw refusalError(error)
      }
      throw refusal('sign_in_failed')
    },
  }
}

/** Creates the agent of one sign-in. */
function signInAgent(authServer: string, state: AgentState, options: BrowserSignInOptions): Agent {
  const { id, key, redirectUri, discovery, fetch, now, development } = options
  return createAgent({
    identity: agentServer(typeof key === 'function' ? { id, key } : { id, ...key }),
    acceptAuthServer: [authServer],
    interact: callbackRoute({ redirectUri }),
    discovery: discovery.limited(),
    state,
    now,
    development,
    ...(fetch === undefined ? {} : { fetch }),
  })
}

/** An auth server that hangs must not hold up the browser that waits here. */
function withDeadline<T>(seconds: number, answer: Promise<T>): Promise<T> {
  return inTime({ seconds, late: () => noAnswerError({ code: 'unreachable', cause: { seconds } }) }, answer)
}

function noAnswerError(cause: object): AAuthError {
  return refusal('dependency_unavailable', { retryAfter: 5, cause })
}

function refusalError(error: unknown): AAuthError {
  if (error instanceof AAuthError) return error
  if (!(error instanceof AgentError)) {
    return refusal('internal_error', { cause: error })
  }
  const { code, cause } = error
  // A rate limit (429) is not a refusal: it may pass.
  if (code === 'unreachable' || refusalOf(error)?.status === 429) {
    return noAnswerError({ code, cause })
  }
  return refusal('sign_in_failed', { cause: { code, cause } })
}

/**
 * A state that becomes a text for the browser's own cookie, from one request of the browser to the next: several instances
 * need share nothing, and no token of another auth server is ever stored.
 */
function cookieState(saved = '{}'): AgentState & { saved(): string } {
  // bound: one call
  const values = new Map<string, unknown>(Object.entries(parseObject(saved)))
  return {
    read: async key => values.get(key),
    write: async (key, value) => {
      values.set(key, value)
    },
    remove: async key => {
      values.delete(key)
    },
    saved: () => JSON.stringify(Object.fromEntries(values)),
  }
}

function parseObject(text: string): object {
  try {
    const value = parseJson(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
