import type { Conditions } from '@countersign/conditions'
import type { ChainHop } from '../mandate/chain.js'

/** What an agent asks for, once everything it shows has been verified. */
export interface PolicyRequest {
  /** The agent identifier. */
  readonly agent: string
  /** Which of its delegates; absent when the agent server itself asks. */
  readonly delegate?: string
  /** The resource the token would be for. */
  readonly resource: string
  readonly scope: readonly string[]
  /** What the agent says it wants this for: a claim, not a fact. */
  readonly purpose?: string
  /** The names among the resource's purposes that the token would carry; absent where it would carry none. @see protocol §9.1 */
  readonly purposes?: readonly string[]
  /**
   * The `sub` of the user who has agreed; absent before a user was asked, and for direct grants. In an exchange, the user it is
   * for, where this auth server knows them.
   */
  readonly user?: string
  /** The name of the operation, where a user is asked to approve a single call. They are asked whatever it says, but for `deny`. */
  readonly operation?: string
  /** In an exchange: the mandate that would be passed on. The exchange rules have allowed it already. */
  readonly upstream?: UpstreamFacts
}

/** The mandate that an exchange would pass on, verified. */
export interface UpstreamFacts {
  /** Who issued it. */
  readonly issuer: string
  /** The user, as that issuer calls them. */
  readonly sub?: string
  /** What it allows at the agent that asks. */
  readonly scope: readonly string[]
  /** The agents that asked, nearest first: the caller of this agent first, the agent that began the chain last. */
  readonly chain: readonly ChainHop[]
}

/**
 * `direct`: grant at once, without a user (identity scopes always ask one: they are about a user). `consent`: a user decides;
 * where one has, that stands. `deny`: refuse.
 */
export type Decision = 'direct' | 'consent' | 'deny'

/** A decision, with what tokens are held to. */
export interface PolicyAnswer {
  readonly decision: Decision
  /**
   * Conditions of every token that comes of it, today's at every refresh: nobody can widen them. A `calls` per `grant` needs a user who
   * decides, and an `until` beside it.
   * @see protocol §9.1
   */
  readonly conditions?: Conditions
  /** `sub` of the user who approves single requests under a direct grant. @see protocol §9.4 */
  readonly approver?: string
  /** Names of the rules that decided, for operators: `auth-server policy test` prints them. Default: none. */
  readonly by?: readonly string[]
}

/**
 * Decides every grant: when it is asked for, when its code is redeemed, and at every refresh. When it throws, nothing is granted.
 * For an exchange, the stricter of policy and exchange rules holds.
 */
export type Policy = (request: PolicyRequest) => Decision | PolicyAnswer | Promise<Decision | PolicyAnswer>

/** One line of {@link directGrants}. */
export interface DirectGrant {
  readonly agent: string
  /** Which delegates of the agent share the grant, besides the agent server itself. Default `none`. */
  readonly delegates?: 'none' | 'any' | readonly string[]
  readonly resource: string
  readonly scopes: readonly string[]
  /** Conditions of every token of it; see {@link PolicyAnswer}. Default: none. */
  readonly conditions?: Conditions
  /** `sub` of the user who approves single requests. Default: nobody, and requests that need an approval are refused. */
  readonly approver?: string
}

/** Which agents may ask users for what, see {@link askUsers}. */
export interface UserQuestion {
  /** Which agents. */
  readonly agents: 'any' | readonly string[]
  /** Which of their delegates, besides the agent servers themselves. Default `any`: the user sees which one asks. */
  readonly delegates?: 'none' | 'any' | readonly string[]
  /** Which resources; `self` stands for the agent's own, as when it signs users in. */
  readonly resources: 'any' | readonly string[]
  /** Which scopes, identity scopes among them. Default `any`. */
  readonly scopes?: 'any' | readonly string[]
  /** Conditions of every token of it, beside those that its user chooses; see {@link PolicyAnswer}. Default: none. */
  readonly conditions?: Conditions
}
