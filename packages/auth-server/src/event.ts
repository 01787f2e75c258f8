import type { ErrorCode } from '@countersign/protocol'
import type { LoginEvent } from './login/sign-in.js'
import type { ChainHop } from './mandate/chain.js'

interface Asked {
  readonly agent: string
  readonly delegate?: string
  readonly resource: string
  /** Identity scopes included. */
  readonly scope: readonly string[]
  /** The audit id that follows one user action across parties, where the resource named one. */
  readonly txn?: string
  /** Exchanges only: the audit id of the resource token, where the upstream token has another. The resource logged its challenge under it. */
  readonly resource_txn?: string
}

interface Granted extends Asked {
  /** `sub` of the user who allowed it; absent for a direct grant. */
  readonly user?: string
  /** The grant's name, the same at every refresh. */
  readonly grant: string
}

interface Issued extends Granted {
  /** `jti` of the auth token. */
  readonly jti: string
}

interface Pending extends Asked {
  /** Names the request until it is granted; no secret. */
  readonly request: string
  readonly flow: 'browser' | 'device'
  /** Exchanges only. */
  readonly exchange?: ExchangeFacts
}

/** The upstream token of an exchange. */
export interface ExchangeFacts {
  /** Who issued the upstream token. */
  readonly issuer: string
  /** `sub` of the user at that issuer. */
  readonly sub?: string
  /** The agents that asked, nearest first: the caller of this agent first, the agent that began the chain last. */
  readonly chain: readonly ChainHop[]
}

/**
 * Why two accounts were not linked: another user is signed in here or there, the sign-in there failed, the upstream user is
 * linked to another user, or the user declined.
 */
export type LinkRefusal = 'other-user' | 'no-sign-in' | 'taken' | 'declined'

/** What an auth server decided, for an audit log. One event per decided request; never a token, code or secret. */
export type AuthServerEvent = {
  /** The name of the request in the server's log, where the server named it. */
  readonly request_id?: string
} & (
  | LoginEvent
  /** A user is needed: a request token or device code was given. */
  | ({ readonly type: 'requested' } & Pending)
  /** A user allowed `scope`, now or earlier; a code waits for the agent. */
  | ({ readonly type: 'consented'; readonly user: string; readonly by: 'user' | 'remembered' } & Pending)
  /** A user said no. */
  | ({ readonly type: 'declined'; readonly user: string } & Pending)
  | ({
      readonly type: 'granted'
      readonly by: 'policy' | 'code' | 'device_code'
      /** The request it began with; absent for a direct grant. */
      readonly request?: string
    } & Issued)
  /** A token was exchanged. There is no grant: an exchanged token is neither refreshed nor revoked. */
  | ({
      readonly type: 'granted'
      readonly by: 'exchange'
      /** What decided: a rule, an earlier consent, or the user just now, with this code. */
      readonly decision: 'rule' | 'remembered' | 'code'
      readonly exchange: ExchangeFacts
      /** The request it began with; absent where no user had to be asked. */
      readonly request?: string
      readonly user?: string
      /** `jti` of the auth token. */
      readonly jti: string
    } & Asked)
  /** A user of another auth server was linked to a user of this one, or was not. */
  | ({
      readonly type: 'linked' | 'link_refused'
      readonly request: string
      /** The user here. */
      readonly user: string
      /** The upstream user that the request is for. */
      readonly upstream: { readonly iss: string; readonly sub?: string }
      readonly reason?: LinkRefusal
    } & Asked)
  | ({ readonly type: 'refreshed' } & Issued)
  /** The answer to a code was fetched again, by the same caller within a minute. */
  | {
      readonly type: 'repeated'
      readonly agent: string
      readonly delegate?: string
      readonly grant: string
      readonly txn?: string
    }
  /** The same for a code of an exchange, which has no grant. */
  | ({ readonly type: 'repeated'; readonly request: string; readonly user: string } & Asked)
  /** A code was used again later: the grant it gave has ended. */
  | ({ readonly type: 'alarm'; readonly reason: 'code-reused' } & Granted)
  /** A code of an exchange was used again later: the user's consent is forgotten. */
  | ({
      readonly type: 'alarm'
      readonly reason: 'code-reused'
      readonly request: string
      readonly user: string
    } & Asked)
  /** At the start: the epoch mark outside the database was lost, and is written anew. A restored database would have gone unnoticed. */
  | { readonly type: 'alarm'; readonly reason: 'epoch-lost' }
  | ({
      readonly type: 'revoked'
      readonly found: true
      /** The server ended it: the agent has too many grants of one user, and this one was unused for longest. */
      readonly reason?: 'surplus'
    } & Granted)
  /** The caller has no such grant, and nothing happened. */
  | { readonly type: 'revoked'; readonly found: false; readonly agent: string; readonly delegate?: string }
  | {
      readonly type: 'refused'
      readonly code: ErrorCode
      readonly status: number
      readonly description: string
      /** The verified caller, absent where verification failed. For a page: the agent whose request it is about. */
      readonly agent?: string
      readonly delegate?: string
      /** The request that a page is about. */
      readonly request?: string
      /** What was asked for, where policy denied it, or a page is about it. */
      readonly resource?: string
      readonly scope?: readonly string[]
      /** `sub` of the user who typed a wrong code, whose grant policy denied, or who is signed in where the page was. */
      readonly user?: string
      /** The upstream token of an exchange, where that was verified, and the audit id. */
      readonly exchange?: ExchangeFacts
      readonly txn?: string
      readonly resource_txn?: string
      /** Expected and received values, or the fault behind a 5xx. Holds input of strangers: encode it before showing it. */
      readonly cause?: unknown
      readonly peer?: string
    }
)
