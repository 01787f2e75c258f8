import type { ConditionType } from '@countersign/conditions'
import type { IssuerEvent } from '@countersign/issuer'
import type { ErrorCode, Reason } from '@countersign/protocol'
import type { ChainHop } from '../mandate/chain.js'
import type { LoginEvent } from './login-event.js'
import type { NoticeEvent } from './notice-event.js'
import type { Restored } from './restored.js'

/** What an agent asked for. */
export interface AskedFacts {
  readonly agent: string
  readonly delegate?: string
  readonly resource: string
  /** Identity scopes included. */
  readonly scope: readonly string[]
  /** The audit id that follows one user action across parties, where the resource named one. */
  readonly txn?: string
  /** Exchanges only: the audit id of the resource token, where the upstream token has another. The resource logged its challenge under it. */
  readonly resource_txn?: string
  /** Approvals of single calls only: names the question, and later the grant. No secret. */
  readonly approval?: string
  /** Approvals only: the name of the operation. No value of the call is in any event. */
  readonly operation?: string
}

/** What an agent was granted. */
export interface GrantedFacts extends AskedFacts {
  /** `sub` of the user who allowed it; absent for a direct grant. */
  readonly user?: string
  /** The grant's name, the same at every refresh. */
  readonly grant: string
}

/** A grant, and the token that was issued for it. */
export interface IssuedFacts extends GrantedFacts {
  /** `jti` of the auth token. */
  readonly jti: string
  /** The kinds of its conditions; absent where it has none. */
  readonly conditions?: readonly ConditionType[]
}

/** A request that waits for a user. */
export interface PendingFacts extends AskedFacts {
  /** Names the request until it is granted; no secret. */
  readonly request: string
  readonly flow: 'browser' | 'device' | 'inbox'
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

/** Who is blocked: one of agent, delegate of an agent, site and user. */
export interface BlockedFacts {
  readonly agent?: string
  readonly delegate?: string
  /** A registrable domain. */
  readonly site?: string
  /** `sub`. */
  readonly user?: string
}

/**
 * Why two accounts were not linked: another user is signed in here or there, the sign-in there failed, the upstream user is
 * linked to another user, or the user declined.
 */
export type LinkRefusal = 'other-user' | 'no-sign-in' | 'taken' | 'declined'

/** What happened at the admin page. `admin` and `by` are names of admins. */
export type AdminEvent =
  /** A link for a browser of this admin was made. */
  | { readonly type: 'admin_invited'; readonly admin: string }
  /** A browser signed in by a link, or signed out. `key` is the thumbprint of its key. */
  | { readonly type: 'admin_enrolled' | 'admin_signed_out'; readonly admin: string; readonly key: string }
  /** All browsers and links of this admin ended. */
  | { readonly type: 'admin_removed'; readonly admin: string; readonly by?: string }
  /** An admin looked at a list, a user, a grant or an agent, or tried the policy. */
  | {
      readonly type: 'admin_read'
      readonly by?: string
      /** What was looked at, such as `users/list`. */
      readonly call: string
      readonly user?: string
      readonly agent?: string
      readonly grant?: string
    }
  /** The admin page refused a request: a wrong link, a key that is unknown or has ended, a replay, a page of another origin. */
  | {
      readonly type: 'admin_refused'
      readonly code: ErrorCode
      readonly reason: Reason
      readonly status: number
      /** The admin, where the key was theirs. */
      readonly by?: string
      readonly peer?: string
    }

/** What an auth server decided, for an audit log. One event per decided request; never a token, code or secret. */
export type AuthServerEvent = {
  /** The name of the request in the server's log, where the server named it. */
  readonly request_id?: string
} & (
  | IssuerEvent
  | LoginEvent
  /** A user is needed: a request token or device code was given. */
  | ({ readonly type: 'requested' } & PendingFacts)
  /** A user allowed `scope`, now or earlier; a code waits for the agent. */
  | ({
      readonly type: 'consented'
      readonly user: string
      readonly by: 'user' | 'remembered'
      readonly conditions?: readonly ConditionType[]
    } & PendingFacts)
  /** A user said no. */
  | ({ readonly type: 'declined'; readonly user: string } & PendingFacts)
  | ({
      readonly type: 'granted'
      readonly by: 'policy' | 'code' | 'device_code' | 'poll'
      /** The request it began with; absent for a direct grant. */
      readonly request?: string
      /** Approvals within an exchange only. */
      readonly exchange?: ExchangeFacts
    } & IssuedFacts)
  /** A token was exchanged. It is not refreshed, and ends with the grant that the chain began with. */
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
      /** The kinds of its conditions; absent where it has none. */
      readonly conditions?: readonly ConditionType[]
    } & AskedFacts)
  /** A user of another auth server was linked to a user of this one, or was not. */
  | ({
      readonly type: 'linked' | 'link_refused'
      readonly request: string
      /** The user here. */
      readonly user: string
      /** The upstream user that the request is for. */
      readonly upstream: { readonly iss: string; readonly sub?: string }
      readonly reason?: LinkRefusal
    } & AskedFacts)
  | ({ readonly type: 'refreshed' } & IssuedFacts)
  /** The answer to a code was fetched again, by the same caller within a minute. */
  | {
      readonly type: 'repeated'
      readonly agent: string
      readonly delegate?: string
      readonly grant: string
      readonly txn?: string
    }
  /** The same for a code of an exchange or an approval, which have no grant to refresh. */
  | ({ readonly type: 'repeated'; readonly request: string; readonly user: string } & AskedFacts)
  /** A code was used again later: the grant it gave has ended. */
  | ({ readonly type: 'alarm'; readonly reason: 'code-reused' } & GrantedFacts)
  /** A code of an exchange was used again later: the user's consent is forgotten. One of an approval: its token has ended. */
  | ({
      readonly type: 'alarm'
      readonly reason: 'code-reused'
      readonly request: string
      readonly user: string
    } & AskedFacts)
  | ({
      readonly type: 'revoked'
      readonly found: true
      /** The server ended it: the agent has too many grants of one user, and this one was unused for longest. */
      readonly reason?: 'surplus'
    } & GrantedFacts)
  | NoticeEvent
  /** A user took access back: all of it, or what the members name. */
  | {
      readonly type: 'taken_back'
      readonly user: string
      /** How many grants ended or were narrowed. */
      readonly grants: number
      readonly agent?: string
      readonly delegate?: string
      readonly resource?: string
      readonly scope?: readonly string[]
    }
  /** A user told an agent to stop asking, so that its grants at the resource rest, or lets it ask again. */
  | {
      readonly type: 'approvals_stopped' | 'approvals_allowed'
      readonly user: string
      readonly agent: string
      readonly resource: string
    }
  /** A user turned the inbox on or off. */
  | { readonly type: 'inbox_turned'; readonly user: string; readonly on: boolean }
  /** A user added conditions to what they had allowed. */
  | {
      readonly type: 'narrowed'
      readonly user: string
      /** How many grants go on under new names. */
      readonly grants: number
      readonly agent: string
      readonly delegate?: string
      readonly resource: string
      /** The kinds of conditions that were added. */
      readonly conditions?: readonly ConditionType[]
    }
  /** An operator blocked an agent, one of its delegates, all agents of a site, or a user, or lets them in again. */
  | ({
      readonly type: 'blocked' | 'unblocked'
      /** How many grants ended. */
      readonly grants?: number
      /** The admin who did it on the admin page; absent for a command or the API. */
      readonly by?: string
    } & BlockedFacts)
  /** An operator ended the grants that the members fit. */
  | {
      readonly type: 'ended_by_operator'
      /** How many; absent in the audit log where the members fit several. */
      readonly grants?: number
      readonly grant?: string
      readonly agent?: string
      readonly delegate?: string
      readonly resource?: string
      readonly user?: string
      readonly scope?: readonly string[]
      readonly txn?: string
      /** The admin who did it on the admin page; absent for a command or the API. */
      readonly by?: string
    }
  | AdminEvent
  /** An operator made a link for a new account, or for a `user` who has lost all passkeys. */
  | {
      readonly type: 'invited'
      readonly kind: 'first' | 'account' | 'recovery'
      readonly user?: string
      readonly by?: string
    }
  /** For the audit log only: a backup was made ready; how many rows that ended. */
  | ({ readonly type: 'restored' } & Restored)
  /** For the audit log only: refusals that were too many to be recorded one by one. */
  | {
      readonly type: 'refusals_counted'
      /** Whose they were; neither: those of all others. */
      readonly agent?: string
      readonly user?: string
      readonly refusals: number
      /** Unix seconds: the first of them is not older. */
      readonly since: number
    }
  /** The caller has no such grant, and nothing happened. */
  | { readonly type: 'revoked'; readonly found: false; readonly agent: string; readonly delegate?: string }
  | {
      readonly type: 'refused'
      readonly code: ErrorCode
      /** A stable name, finer than the code. docs/reasons.md lists all. */
      readonly reason: Reason
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
