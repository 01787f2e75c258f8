import type { ReceivedMessage, ReplaySet } from '@countersign/httpsig'
import type { ClientOf, Verified, Verifier } from '@countersign/verify'
import type { Counter } from '../limit/counter.js'
import type { SiteOf } from '../limit/limits.js'
import type { SpentCounts } from '../limit/spent-counts.js'
import type { OpenExchanges } from '../revocation/open-exchanges.js'
import type { RevocationRules } from '../revocation/revoked.js'
import type { AAuth } from './aauth.js'
import type { Bearer } from './bearer.js'
import type { Downstream } from './called.js'
import type { Observer } from './event.js'
import type { Failures } from './failures.js'
import type { Mode } from './mode.js'
import type { RefusalContext } from './refusal.js'
import type { RequestLedger, RequestLedgers } from './request-ledger.js'
import type { MessageCall, Route } from './requirement.js'
import type { Bots, VerifiedBot } from './verify-bot.js'

/** What of a resource the checks of facts look at. */
export interface FactRules {
  /** The identifier of the resource. */
  readonly id: string
  /** Unix seconds. */
  readonly now: () => number
  /** Whether the resource is itself an agent whose own tokens count. */
  readonly ownAgent: 'accepted' | 'refused'
}

/** What a resource needs to let a request pass. */
export interface Guard extends FactRules {
  readonly verifier: Verifier
  readonly replay: ReplaySet
  readonly bots: Bots
  /** The site of an agent: its requests take that site's share of `replay`. */
  readonly siteOf?: SiteOf | undefined
  readonly development: boolean
  /** What was done for each request. */
  readonly ledgers: RequestLedgers
  /** Grants whose tokens are refused; undefined where no auth server can revoke one here. */
  readonly revocations: RevocationRules | undefined
  /** What is open under revocable grants. */
  readonly open: OpenExchanges | undefined
  readonly counter: Counter
  readonly spent: SpentCounts
  readonly clientOf: ClientOf
  readonly failures: Failures
  readonly tell: Observer
  readonly mode: Mode
  readonly refusal: RefusalContext
  /** How the resource calls other services, if it does. */
  readonly downstream: Downstream | undefined
}

/** The verified facts of a request, and the route that judges it. */
export interface RequestFacts {
  /** The request; its body is unread until its head was judged. */
  readonly message: ReceivedMessage
  readonly route: Route
  readonly guard: FactRules
  readonly verified: Verified
  readonly aauth: AAuth
}

/** A request to a route, before verification. */
export interface ReceivedRequest {
  readonly message: ReceivedMessage
  readonly route: Route
  readonly guard: Guard
  readonly ledger: RequestLedger
  /** What a message in the body says that the request does. */
  readonly call?: MessageCall | undefined
}

/** A verified request on its way through the checks of its route. */
export interface GuardedRequest extends RequestFacts {
  readonly guard: Guard
  readonly ledger: RequestLedger
  readonly call?: MessageCall | undefined
  /** The caller's address, as far as trusted proxies say. */
  readonly peer: string | undefined
  /** How the route judges an unsigned request by its bearer token; undefined for every other request. */
  readonly bearer: Bearer | undefined
  /** The bot that a request is judged by; undefined for every other request. */
  readonly bot: VerifiedBot | undefined
}

/** A refused request. Facts are missing if they were not verified before the refusal. */
export type RefusedRequest = ReceivedRequest & Partial<Omit<GuardedRequest, keyof ReceivedRequest>>
