import type { Also, Reporter } from '@countersign/audit/internal'
import type { Discovery } from '@countersign/discovery'
import type { Approvals } from '../approval/approvals.js'
import type { CallBlocks } from '../block/blocks.js'
import type { Polls } from '../bound/polls.js'
import type { AuthServerEvent, ExchangeFacts } from '../event/event.js'
import type { ExchangeContext } from '../exchange/exchange.js'
import type { AuthTokenIssuer } from '../grant/auth-token.js'
import type { Grant, Principal } from '../grant/grant.js'
import type { Grants } from '../grant/grants.js'
import type { Policy } from '../policy/policy.js'
import type { StoredRequest } from '../request/read-request.js'
import type { Requests } from '../request/requests.js'
import type { VerifiedCaller } from './identified-form.js'

/** What the token endpoint needs. */
export interface TokenContext {
  readonly issuer: AuthTokenIssuer
  readonly grants: Grants
  readonly requests: Requests
  readonly redemptions: Redemptions
  readonly repeats: Repeats
  readonly polls: Polls
  readonly approvals: Approvals
  /** Refuses the blocked; of this call. */
  readonly blocks: CallBlocks
  readonly policy: Policy
  /** Whether users can sign in here. */
  readonly users: 'some' | 'none'
  /** Agents that may use the device flow. */
  readonly deviceFlow: 'any' | readonly string[]
  /** Absent where no exchange is configured. */
  readonly exchange?: ExchangeContext | undefined
  readonly now: () => number
  readonly development: boolean
  readonly report: Reporter<AuthServerEvent>
}

/** A token endpoint's answer that holds a token. */
export interface TokenAnswer {
  readonly auth_token: string
  /** Seconds. */
  readonly expires_in: number
  /** Given with a new grant only. */
  readonly refresh_token?: string
}

/** The verified caller of a request, with the rest of its fetch budget. */
export interface TokenCall extends Pick<VerifiedCaller, 'caller' | 'once'> {
  readonly discovery: Discovery
  /** Notes the verified upstream token of an exchange, so that the event of a refusal names it. */
  readonly note: (known: {
    readonly exchange: ExchangeFacts
    readonly txn?: string
    readonly resource_txn?: string
  }) => void
}

/** A grant that a code gave. */
export interface RedeemedGrant {
  readonly principal: Principal
  readonly grant: Grant
  /** The hash by which a second use of the code finds it. */
  readonly redemption: string
}

/** An approval of a single call that a code gave. */
export interface RedeemedApproval {
  /** The question, and the `grant` of the token. */
  readonly approval: string
  /** When the token expires, Unix seconds. */
  readonly exp: number
}

/** Takes allowed requests, each once. */
export interface Redemptions {
  /**
   * Takes an allowed request and stores the grant that takes its place, both or neither; the requests of an exchange and of an approval
   * have none, and stay for a while as redeemed. Resolves once that is on disk, with the refresh token of the grant; undefined when
   * another request took it first, or the approval has ended.
   */
  take(
    row: StoredRequest,
    redeemed: RedeemedGrant | RedeemedApproval | undefined,
    also?: Also,
  ): Promise<{ readonly refresh_token?: string } | undefined>
}

/** Answers to codes, kept in memory only: they hold tokens. */
export interface Repeats {
  /** The answer under `key`; `first` makes it when there is none, and what it throws is not kept. */
  answer(key: string, first: () => Promise<TokenAnswer>): Promise<{ answer: TokenAnswer; kind: 'first' | 'repeat' }>
}
