import type { Discovery } from '@countersign/discovery'
import { AAuthError, checkOptions, isObject, type PublishedKey, parseJson } from '@countersign/protocol'
import { createAgent } from '../agent.js'
import { AgentError, refusalOf } from '../error.js'
import { agentServer } from '../identity/identity.js'
import { callbackRoute } from '../interact/callback-route.js'
import type { AgentState } from '../state/state.js'

/** A browser on its way to another auth server, there to prove who its user is. */
export interface Departure {
  /** Where it goes. */
  readonly url: string
  /** Comes back with it. */
  readonly state: string
  /** What {@link BrowserSignIn.finish} will need to know; no secret but the browser's own. */
  readonly saved: string
}

/**
 * Signs browsers in at other auth servers, as an agent under the own identifier: what an auth server that links users, and a
 * resource that sends them on to an API of another kind, know them by. @see protocol §7 "Link sign-in"
 */
export interface BrowserSignIn {
  /** @throws AAuthError `temporarily_unavailable`, `access_denied` */
  begin(authServer: string): Promise<Departure>
  /** Who came back. @throws AAuthError `temporarily_unavailable`, `access_denied` */
  finish(
    authServer: string,
    o: { readonly url: string; readonly saved: string },
  ): Promise<{ readonly iss: string; readonly sub: string }>
}

/** How the sign-ins are set up. */
export interface BrowserSignInOptions {
  /** The own identifier. */
  readonly id: string
  readonly key: PublishedKey
  readonly discovery: Discovery
  /** Where browsers come back to: one of the own `redirect_uris`. */
  readonly redirectUri: string
  /** Default: on Node one that reaches public addresses only. */
  readonly fetch?: typeof fetch
  /** Seconds until the other auth server must have answered, at most 600. Default 10. */
  readonly deadline?: number
  readonly now: () => number
  readonly development: boolean
}

/**
 * Makes the sign-ins. Each is an agent of its own, that knows one auth server and forgets what it was given.
 * @throws RangeError for a `deadline` that is none
 */
export function browserSignIn(options: BrowserSignInOptions): BrowserSignIn {
  checkOptions('browserSignIn', options, {
    ...{ id: 'string', key: 'object', discovery: 'object', redirectUri: 'string' },
    ...{ fetch: 'function', deadline: 'any', now: 'function', development: 'boolean' },
  })
  const { id, key, redirectUri, discovery, fetch, deadline = 10, now, development } = options
  // A timer that is set for longer than 24 days, or for ever, goes off at once.
  if (!(deadline > 0 && deadline <= 600)) throw new RangeError('deadline must be seconds above 0, at most 600')
  const agentFor = (authServer: string, state: AgentState) =>
    createAgent({
      identity: agentServer({ id, ...key }),
      acceptAuthServer: [authServer],
      interact: callbackRoute({ redirectUri }),
      discovery: discovery.limited(),
      ...{ state, now, development },
      ...(fetch === undefined ? {} : { fetch }),
    })
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
      // Somebody, but not whoever sits at this browser.
      throw new AAuthError('access_denied', 'The other sign-in server answered without asking you.')
    },

    async finish(authServer, { url, saved }) {
      try {
        const answer = agentFor(authServer, cookieState(saved)).handleCallback(url)
        const { user, resource } = await withDeadline(deadline, answer)
        // The cookie says what was asked for; only who signed in here counts.
        if (user !== undefined && resource === id) return { iss: user.iss, sub: user.sub }
      } catch (error) {
        throw refusalError(error)
      }
      throw new AAuthError('access_denied', 'The other sign-in server did not say who you are.')
    },
  }
}

/** Whoever hangs there must not hold the browser that waits here. */
async function withDeadline<T>(seconds: number, answer: Promise<T>): Promise<T> {
  let end: () => void = () => undefined
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(noAnswerError({ code: 'unreachable', cause: { seconds } })), seconds * 1000)
    end = () => clearTimeout(timer)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    end()
  }
}

function noAnswerError(cause: object): AAuthError {
  const description = 'The other sign-in server does not answer.'
  return new AAuthError('temporarily_unavailable', description, { retryAfter: 5, cause })
}

function refusalError(error: unknown): AAuthError {
  if (error instanceof AAuthError) return error
  if (!(error instanceof AgentError)) {
    return new AAuthError('server_error', 'the sign-in could not be done', { cause: error })
  }
  const { code, cause } = error
  // Too much to do is no refusal: it may pass.
  if (code === 'unreachable' || code === 'network' || refusalOf(error)?.status === 429) {
    return noAnswerError({ code, cause })
  }
  return new AAuthError('access_denied', 'The other sign-in server did not sign you in for this.', {
    cause: { code, cause },
  })
}

/**
 * What an agent keeps from one request of a browser to the next, as a text for the browser's own cookie: several instances
 * share nothing, and no token of another auth server is ever stored.
 */
function cookieState(saved = '{}'): AgentState & { saved(): string } {
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
