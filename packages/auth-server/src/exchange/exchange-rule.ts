import { missingScope, parseScope } from '@countersign/protocol'
import { checkIdentifier } from '@countersign/protocol/internal'

/** One path on which tokens may be exchanged. @see protocol §7 */
export interface ExchangeRule {
  /** The issuer of the upstream token; this auth server itself needs a rule, too. Nothing is fetched for issuers that no rule names. */
  readonly upstream: string
  /** The resource that was called with the upstream token, and exchanges it. */
  readonly middle: string
  /** The resource that the middle calls. */
  readonly downstream: string
  /** Scopes of the middle, all of which the upstream token must hold. */
  readonly upstreamScopes: readonly string[]
  /** Scopes of the downstream resource that this allows. */
  readonly scopes: readonly string[]
  /** `direct`: at once. `consent`: the user decides, once for each chain. */
  readonly decision: 'direct' | 'consent'
}

/** How an auth server exchanges tokens. */
export interface ExchangeOptions {
  /** What may be exchanged; anything else is refused. Tokens of issuers that no rule names are refused unread. */
  readonly rules: readonly ExchangeRule[]
  /**
   * Issuers whose `sub` is taken for this auth server's own, as where both have the same users in the same database.
   * The operator of such an issuer can act here for every user. Default none: each user links their two accounts.
   */
  readonly dangerouslySharedSubjects?: readonly string[]
  /** Seconds until an upstream issuer must have answered when a user's browser waits for it, to be linked, at most 600. Default 10. */
  readonly deadline?: number
}

/** A path, and the scopes of its two tokens. */
export interface ExchangePath {
  readonly upstream: string
  readonly middle: string
  readonly downstream: string
  /** What the upstream token holds. */
  readonly upstreamScope: readonly string[]
  /** What the resource token asks for. */
  readonly scope: readonly string[]
}

/** The rules of one auth server. */
export interface ExchangeRules {
  /** Issuers whose tokens may be exchanged. */
  readonly issuers: ReadonlySet<string>
  /** The decision for a path; undefined where the rules do not allow all of its scope. */
  decide(path: ExchangePath): 'direct' | 'consent' | undefined
}

/**
 * Reads a list of rules.
 * @throws TypeError for a rule that names no identifier, no scope, or one party twice
 */
export function exchangeRules(rules: readonly ExchangeRule[], o: { readonly development: boolean }): ExchangeRules {
  // bound: fixed
  const byPath = new Map<string, ExchangeRule[]>()
  for (const rule of rules) {
    checkRule(rule, o)
    byPath.set(keyOf(rule), [...(byPath.get(keyOf(rule)) ?? []), rule])
  }
  return {
    // bound: fixed
    issuers: new Set(rules.map(({ upstream }) => upstream)),
    decide(path) {
      const applicable = (byPath.get(keyOf(path)) ?? []).filter(
        ({ upstreamScopes }) => missingScope(path.upstreamScope, upstreamScopes).length === 0,
      )
      const direct = applicable.filter(({ decision }) => decision === 'direct')
      // All of the scope or nothing: the agent did not ask for a part of it.
      if (path.scope.length === 0 || !allows(applicable, path.scope)) return undefined
      return allows(direct, path.scope) ? 'direct' : 'consent'
    },
  }
}

function allows(rules: readonly ExchangeRule[], scope: readonly string[]): boolean {
  return (
    missingScope(
      rules.flatMap(({ scopes }) => scopes),
      scope,
    ).length === 0
  )
}

function checkRule(rule: ExchangeRule, { development }: { readonly development: boolean }): void {
  const { upstream, middle, downstream, upstreamScopes, scopes, decision } = rule
  checkIdentifier('upstream of an exchange rule', upstream, { development })
  checkIdentifier('middle of an exchange rule', middle, { development })
  checkIdentifier('downstream of an exchange rule', downstream, { development })
  if (middle === downstream) throw new TypeError('middle and downstream of an exchange rule must be two resources')
  // A rule without upstream scopes would accept any upstream token, even one of a sign-in.
  if (![upstreamScopes, scopes].every(list => list.length > 0 && list.every(isScopeName))) {
    throw new TypeError('upstreamScopes and scopes of an exchange rule must each name at least one scope')
  }
  if (decision !== 'direct' && decision !== 'consent') {
    throw new TypeError('decision of an exchange rule must be direct or consent')
  }
}

function isScopeName(name: string): boolean {
  try {
    return parseScope(name).length === 1
  } catch {
    return false
  }
}

/** Identifiers hold no space, so no two paths share a key. */
function keyOf({ upstream, middle, downstream }: Pick<ExchangeRule, 'upstream' | 'middle' | 'downstream'>): string {
  return [upstream, middle, downstream].join(' ')
}
