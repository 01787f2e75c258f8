import type { Discovery } from '@countersign/discovery'
import type { Polls } from '../bound/polls.js'
import type { Requests } from '../consent/requests.js'
import type { AuthServerEvent, ExchangeFacts } from '../event.js'
import type { ExchangeContext } from '../exchange/exchange.js'
import type { AuthTokenIssuer } from '../grant/auth-token.js'
import type { Grant, Principal } from '../grant/grant.js'
import type { Grants } from '../grant/grants.js'
import type { Policy } from '../policy.js'
import type { RequestRow } from '../tables.js'
import type { VerifiedCaller } from './identified-form.js'

/** What the token endpoint needs. */
export interface TokenContext {
  readonly issuer: AuthTokenIssuer
  readonly grants: Grants
  readonly requests: Requests
  readonly redemptions: Redemptions
  readonly repeats: Repeats
  readonly polls: Polls
  readonly policy: Policy
  /** Whether users can sign in here. */
  readonly users: 'some' | 'none'
  /** Agents that may use the device flow. */
  readonly deviceFlow: 'any' | readonly string[]
  /** Absent where no exchange is configured. */
  readonly exchange?: ExchangeContext | undefined
  readonly now: () => number
  readonly development: boolean
  readonly onEvent: (event: AuthServerEvent) => void
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

/** Takes allowed requests, each once. */
export interface Redemptions {
  /**
   * Takes an allowed request and stores the grant that takes its place, both or neither; the request of an exchange has none,
   * and stays for a while as redeemed. Resolves once that is on disk, with the refresh token of the grant; undefined when
   * another request took it first.
   */
  take(row: RequestRow, redeemed: RedeemedGrant | undefined): Promise<{ readonly refresh_token?: string } | undefined>
}

/** Answers to codes, kept in memory only: they hold tokens. */
export interface Repeats {
  /** The answer under `key`; `first` makes it when there is none, and what it throws is not kept. */
  answer(key: string, first: () => Promise<TokenAnswer>): Promise<{ answer: TokenAnswer; kind: 'first' | 'repeat' }>
}
