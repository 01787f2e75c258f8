import type { Condition } from './conditions.js'

/** What the auth server grants without a user. */
interface DirectGrant {
  readonly agent: string
  /** Default none. */
  readonly delegates?: 'any' | readonly string[]
  readonly resource: string
  readonly scopes: readonly string[]
}

/** What users may be asked about; `self` stands for an agent's own scopes. */
interface AskRule {
  readonly agents: 'any' | readonly string[]
  readonly resources: readonly string[]
  readonly scopes?: readonly string[]
  /** What every token of such a consent is issued under. */
  readonly conditions?: readonly Condition[]
}

/** Who may exchange what. @see protocol §7 */
export interface ExchangeRule {
  readonly upstream: string
  readonly middle: string
  readonly downstream: string
  readonly upstreamScopes: readonly string[]
  readonly scopes: readonly string[]
  readonly decision: 'direct' | 'consent'
}

/** The settings of the auth server. */
export interface Settings {
  /** Its identifier, on loopback. */
  readonly id: string
  readonly port: number
  readonly grants: readonly DirectGrant[]
  readonly ask: readonly AskRule[]
  /** The agents that may use the device flow. */
  readonly deviceFlow: readonly string[]
  readonly exchange: { readonly rules: readonly ExchangeRule[] }
  /** Its users: who presses a name is signed in. */
  readonly demoUsers: readonly { readonly name: string }[]
}

/** Who asks for what. */
interface Wish {
  readonly agent: string
  readonly delegate: string | undefined
  readonly resource: string
  readonly scope: readonly string[]
}

/** Whether policy alone grants it. */
export function isGrantedDirectly({ grants }: Settings, wish: Wish): boolean {
  return grants.some(grant => {
    if (grant.agent !== wish.agent) return false
    if (grant.resource !== wish.resource) return false
    if (wish.delegate !== undefined && !lists(grant.delegates ?? [], wish.delegate)) return false
    return wish.scope.every(name => grant.scopes.includes(name))
  })
}

/** Whether a user may be asked. */
export function mayBeAsked(settings: Settings, wish: Wish): boolean {
  return askRule(settings, wish) !== undefined
}

/** What the operator demands of what a user may allow. */
export function demandedOf(settings: Settings, wish: Wish): readonly Condition[] {
  return askRule(settings, wish)?.conditions ?? []
}

function askRule({ ask }: Settings, wish: Wish): AskRule | undefined {
  return ask.find(rule => {
    if (!lists(rule.agents, wish.agent)) return false
    if (wish.resource === wish.agent && rule.resources.includes('self')) return true
    if (!rule.resources.includes(wish.resource)) return false
    return wish.scope.every(name => rule.scopes === undefined || rule.scopes.includes(name) || isIdentityScope(name))
  })
}

/** The rule by which an exchange goes. */
export function exchangeRule(
  { exchange }: Settings,
  o: Wish & { readonly upstream: string; readonly upstreamScope: readonly string[] },
): ExchangeRule | undefined {
  return exchange.rules.find(rule => {
    if (rule.upstream !== o.upstream) return false
    if (rule.middle !== o.agent) return false
    if (rule.downstream !== o.resource) return false
    if (!rule.upstreamScopes.every(name => o.upstreamScope.includes(name))) return false
    return o.scope.every(name => rule.scopes.includes(name))
  })
}

/** Scopes that are answered by claims about the user. */
export function isIdentityScope(name: string): boolean {
  return ['openid', 'profile', 'email'].includes(name)
}

function lists(known: 'any' | readonly string[], name: string): boolean {
  return known === 'any' || known.includes(name)
}
