import type { Conditions } from '@countersign/conditions'
import type { CallerConnection } from '@countersign/httpsig'
import type { Level } from '@countersign/protocol'
import type { Caller, User } from '@countersign/verify'
import type { OAuthApi } from '../oauth/oauth.js'

/** One hop of the chain that led to this request, newest first. */
export interface Actor {
  readonly iss: string
  readonly agent: string
  readonly agent_delegate?: string
}

/** The verified facts a handler may rely on. */
export interface AAuth {
  /** What AAuth verified: `anonymous` for a request with a bearer token, and for one of a bot. */
  readonly level: Level
  /**
   * How the request proved it: a signature, or where the route accepts them an OAuth bearer token, or a bot's signature (Web Bot Auth).
   * Absent for a request with none of them.
   */
  readonly credential?: 'aauth' | 'bearer' | 'web-bot'
  /** With `web-bot`: the bot, by the origin of its key directory. It is no agent, and acts for no user. */
  readonly bot?: string
  /** The agent's identifier: from level identified up. */
  readonly agent?: string
  /** The instance that acts for the agent. */
  readonly delegate?: string
  /** For whom the agent acts: the pair of issuer and subject, never the subject alone. */
  readonly user?: User
  /** What an auth server allowed, or a bearer token holds; else empty. */
  readonly scope: readonly string[]
  /** The auth server that allowed it. */
  readonly issuer?: string
  /** The audit id of the auth token, which follows one user action across parties. */
  readonly txn?: string
  /** The agents before this one, newest first; empty when no agent called this one. */
  readonly chain: readonly Actor[]
  /** Thumbprint of the key that signed the request (RFC 7638). */
  readonly key?: string
  /** When the token that the request came with ends, Unix seconds; absent where it came with none. */
  readonly expires?: number
  /** What the agent says that it is for, in words that an auth server has shown to its user or its policy. */
  readonly purpose?: string
  /** Purposes of the resource's own words, which the auth token is for; absent where it names none. */
  readonly purposes?: readonly string[]
  /**
   * The conditions under which the caller may act, all met by this request: `constraints` of its auth token, or `delegation` of its
   * agent token. Absent where the token has none.
   * @see protocol §9
   */
  readonly constraints?: Conditions
}

/** The facts about a request that was let in, and the calls that can be made for it. */
export interface Guarded extends AAuth {
  /**
   * A `fetch` for this request: calls another resource as this one's own agent, and exchanges the auth token of the request for
   * one that the other resource accepts. It rejects if the user must agree first, or if a service is unavailable: let the error
   * pass through, and the guard answers the caller. It is not enumerable, so that the facts can be copied and logged.
   * @throws TypeError if the resource has no `downstream`, or the route demands no scope
   * @see protocol §7
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /**
   * As `fetch`, to an API behind OAuth: with an access token that the request's user has granted for this agent and delegate. A
   * redirect is returned and not followed. Not enumerable, either.
   * @throws TypeError if `oauth` of `downstream` does not list this API, or the URL is not at one of its origins
   * @see protocol §7
   */
  oauth(api: OAuthApi, input: string | URL | Request, init?: RequestInit): Promise<Response>
  /**
   * Aborted when the caller closes its connection, or resets its HTTP/2 stream, before the response is complete, and on Node never
   * after. Give it to what takes long. Elsewhere it is `signal` of the request, as the platform has it. Not enumerable, either.
   */
  readonly signal: AbortSignal
}

type Connection = Pick<CallerConnection, 'signal'>

/** What can be done for a request. */
export type Calls = Pick<Guarded, 'fetch' | 'oauth'>

/**
 * Facts are data: copied, compared and logged, they do not bring the functions along.
 * @param connection of the caller
 */
export function withCalls(aauth: AAuth, calls: Calls, connection: Connection | undefined): Guarded {
  return new GuardedFacts(aauth, { calls, connection }) as GuardedFacts & AAuth
}

/** Getters of a class, since properties that hide themselves one by one cost a request five times as much. */
class GuardedFacts implements Calls {
  readonly #calls: Calls
  readonly #connection: Connection | undefined

  constructor(aauth: AAuth, { calls, connection }: { calls: Calls; connection: Connection | undefined }) {
    Object.assign(this, aauth)
    this.#calls = calls
    this.#connection = connection
  }

  get signal(): AbortSignal {
    return this.#connection?.signal ?? new AbortController().signal
  }

  get fetch(): Calls['fetch'] {
    return this.#calls.fetch
  }

  get oauth(): Calls['oauth'] {
    return this.#calls.oauth
  }
}

/** The facts about a caller, in the shape handlers get. */
export function aauthOf(caller: Caller): AAuth {
  switch (caller.level) {
    case 'anonymous':
      return { level: 'anonymous', scope: [], chain: [] }
    case 'pseudonymous':
      return { level: 'pseudonymous', credential: 'aauth', scope: [], chain: [], key: caller.key.thumbprint }
    case 'identified':
      return {
        level: 'identified',
        credential: 'aauth',
        ...agentOf(caller),
        scope: [],
        chain: [],
        key: caller.key.thumbprint,
        ...(caller.token === undefined ? {} : { expires: caller.token.exp }),
        ...(caller.delegation === undefined ? {} : { constraints: caller.delegation }),
      }
    case 'authorized':
      return authorizedFacts(caller)
  }
}

/** Member by member: to spread an object for each that may be absent takes longer than the rest of the facts. */
function authorizedFacts(caller: Caller & { readonly level: 'authorized' }): AAuth {
  const { user, token, purposes, constraints } = caller
  const facts: { -readonly [K in keyof AAuth]: AAuth[K] } = {
    level: 'authorized',
    credential: 'aauth',
    ...agentOf(caller),
    scope: caller.scope,
    issuer: caller.issuer,
    chain: chainOf(token.act),
    key: caller.key.thumbprint,
    expires: token.exp,
  }
  if (user !== undefined) facts.user = user
  if (token.txn !== undefined) facts.txn = token.txn
  if (token.purpose !== undefined) facts.purpose = token.purpose
  if (purposes !== undefined) facts.purposes = purposes
  if (constraints !== undefined) facts.constraints = constraints
  return facts
}

function agentOf(caller: { readonly agent: string; readonly delegate?: string }): { agent: string; delegate?: string } {
  const { agent, delegate } = caller
  return delegate === undefined ? { agent } : { agent, delegate }
}

interface Act extends Actor {
  readonly act?: Act
}

function chainOf(act: Act | undefined): Actor[] {
  const chain: Actor[] = []
  for (let actor = act; actor !== undefined; actor = actor.act) {
    const { iss, agent, agent_delegate } = actor
    chain.push({ iss, agent, ...(agent_delegate === undefined ? {} : { agent_delegate }) })
  }
  return chain
}
