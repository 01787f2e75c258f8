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
  /** Exchanges only: that of the resource token, under which the resource told of its challenge, where the upstream token has another. */
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
  /** The request's name, from its beginning to its grant; no secret. */
  readonly request: string
  readonly flow: 'browser' | 'device'
  /** Exchanges only. */
  readonly exchange?: ExchangeFacts
}

/** What an exchange passes on, and for whom. */
export interface ExchangeFacts {
  /** Who issued the upstream token. */
  readonly issuer: string
  /** The user, as that issuer calls them. */
  readonly sub?: string
  /** Who asked: the one that called the agent first, whoever began it last. */
  readonly chain: readonly ChainHop[]
}

/** Why two accounts were not linked: whoever is signed in here or there is another, nobody signed in there, it was taken, or a no. */
export type LinkRefusal = 'other-user' | 'no-sign-in' | 'taken' | 'declined'

/** What an auth server decided, for an audit log: one event per request that was decided, never a token, code or secret. */
export type AuthServerEvent = {
  /** The name of the request in the server's log, where the server named it. */
  readonly request_id?: string
} & (
  | LoginEvent
  /** A user is needed: a request token or device code was given. */
  | ({ readonly type: 'requested' } & Pending)
  /** A user allowed `scope`, or it was remembered that they had; a code waits for the agent. */
  | ({ readonly type: 'consented'; readonly user: string; readonly by: 'user' | 'remembered' } & Pending)
  /** A user said no. */
  | ({ readonly type: 'declined'; readonly user: string } & Pending)
  | ({
      readonly type: 'granted'
      readonly by: 'policy' | 'code' | 'device_code'
      /** The request it began with; absent for a direct grant. */
      readonly request?: string
    } & Issued)
  /** A token was exchanged: nothing is kept that could be refreshed or revoked, so there is no grant. */
  | ({
      readonly type: 'granted'
      readonly by: 'exchange'
      /** Who decided: a rule, a consent of before, or the user just now, whose code this was. */
      readonly decision: 'rule' | 'remembered' | 'code'
      readonly exchange: ExchangeFacts
      /** The request it began with; absent where no user had to be asked. */
      readonly request?: string
      readonly user?: string
      /** `jti` of the auth token. */
      readonly jti: string
    } & Asked)
  /** A user of another auth server was linked to one of ours, or was not. */
  | ({
      readonly type: 'linked' | 'link_refused'
      readonly request: string
      /** The user of ours. */
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
  /** So was the answer to a code of an exchange, which has no grant. */
  | ({ readonly type: 'repeated'; readonly request: string; readonly user: string } & Asked)
  /** A code was used again later: the grant it gave has ended. */
  | ({ readonly type: 'alarm'; readonly reason: 'code-reused' } & Granted)
  /** A code of an exchange was used again later: the consent it came by is forgotten. */
  | ({
      readonly type: 'alarm'
      readonly reason: 'code-reused'
      readonly request: string
      readonly user: string
    } & Asked)
  /** At the start: the database had an epoch, and its mark was lost and is written anew. A restored database would go unnoticed. */
  | { readonly type: 'alarm'; readonly reason: 'epoch-lost' }
  | ({
      readonly type: 'revoked'
      readonly found: true
      /** The agent did not ask for it: it had more grants of one user than an agent needs, and this one was unused for longest. */
      readonly reason?: 'surplus'
    } & Granted)
  /** The caller has no such grant, and nothing happened. */
  | { readonly type: 'revoked'; readonly found: false; readonly agent: string; readonly delegate?: string }
  | {
      readonly type: 'refused'
      readonly code: ErrorCode
      readonly status: number
      readonly description: string
      /** The verified caller, absent where verification itself failed; of a page, whose request it is about. */
      readonly agent?: string
      readonly delegate?: string
      /** The request that a page is about. */
      readonly request?: string
      /** What was asked for, where policy denied it, or a page is about it. */
      readonly resource?: string
      readonly scope?: readonly string[]
      /** `sub` of the user who typed a wrong code, whose grant policy denied, or who is signed in where the page was. */
      readonly user?: string
      /** The mandate of an exchange, where that was verified, and the audit id. */
      readonly exchange?: ExchangeFacts
      readonly txn?: string
      readonly resource_txn?: string
      /** What was expected and what came, or the fault behind a 5xx. Holds input of strangers: encode it before showing it. */
      readonly cause?: unknown
      readonly peer?: string
    }
)
