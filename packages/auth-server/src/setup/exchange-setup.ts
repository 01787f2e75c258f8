import type { AgentMetadata } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import type { OwnKeys } from '@countersign/store/internal'
import { linkCallbackPath } from '../desk.js'
import { createExchange, type ExchangeContext } from '../exchange/exchange.js'
import { exchangeRules } from '../exchange/exchange-rule.js'
import type { AuthServerOptions } from '../options.js'
import type { Tables } from '../tables/tables.js'

/**
 * Checks how exchanges are set up.
 * @throws TypeError for unfit rules, rules that ask users where none can sign in, and shared subjects of issuers that no rule names
 * @throws RangeError for an unfit `deadline`
 */
export function checkExchange({ issuer, exchange, desk }: AuthServerOptions, development: boolean): void {
  if (exchange === undefined) return
  const { rules, dangerouslySharedSubjects: shared = [], deadline = 10 } = exchange
  const { issuers } = exchangeRules(rules, { development })
  if (desk === undefined && rules.some(({ decision }) => decision === 'consent')) {
    throw new TypeError('exchange rules that say consent need a desk: a user decides')
  }
  if (!shared.every(id => issuers.has(id) && id !== issuer)) {
    throw new TypeError('dangerouslySharedSubjects must hold other issuers that exchange rules name')
  }
  // A timer of more than 24 days, or of Infinity, goes off at once.
  if (!(deadline > 0 && deadline <= 600)) {
    throw new RangeError('deadline of exchange must be seconds above 0, at most 600')
  }
}

/** Creates what exchanges are decided with; undefined where there is no rule. */
export function exchangeOf(
  { issuer, policy, exchange }: AuthServerOptions,
  o: {
    readonly keys: OwnKeys
    readonly store: Store<Tables>
    readonly now: () => number
    readonly development: boolean
  },
): ExchangeContext | undefined {
  if (exchange === undefined || exchange.rules.length === 0) return undefined
  return createExchange(exchange, { issuer, policy, ...o })
}

/** Tells whether users of other auth servers are linked: where a rule names another issuer with users of its own. */
export function linksUsers({ issuer, exchange }: AuthServerOptions): boolean {
  const { rules = [], dangerouslySharedSubjects: shared = [] } = exchange ?? {}
  return rules.some(({ upstream }) => upstream !== issuer && !shared.includes(upstream))
}

/**
 * The agent metadata of an auth server: it is an agent under the same identifier, with the same keys, which sends notices to resources
 * and, where it links users, signs them in elsewhere.
 */
export function agentMetadataOf(issuer: string, isLinking: boolean): AgentMetadata {
  return {
    issuer,
    agent: issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    ...(isLinking ? { redirect_uris: [`${issuer}${linkCallbackPath}`] } : {}),
  }
}
