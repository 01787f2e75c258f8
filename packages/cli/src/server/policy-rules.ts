import { askUsers, directGrants, type PolicyRequest } from '@countersign/auth-server'
import { defined } from '../flags/defined.js'
import type { PolicySettings } from './policy.js'

/**
 * The rules that decide: of grants each scope has its own, of the questions the first that covers all.
 * @param named what an engine says that decided
 */
export async function rulesOf(
  request: PolicyRequest,
  { grants, ask, cedar, authzen }: PolicySettings,
  named: readonly string[],
): Promise<string[]> {
  if (cedar !== undefined) return named.map(name => `cedar.${name}`)
  if (authzen !== undefined) return named.length === 0 ? ['authzen'] : named.map(reason => `authzen: ${reason}`)
  const ofScopes: Array<number | undefined> = []
  for (const scope of request.scope)
    ofScopes.push(await firstThat(grants, line => directGrants([defined(line)])({ ...request, scope: [scope] })))
  if (ofScopes.length > 0 && !ofScopes.includes(undefined)) return [...new Set(ofScopes)].map(line => `grants.${line}`)
  const question = await firstThat(ask, one => askUsers([defined(one)])(request))
  return question === undefined ? [] : [`ask.${question}`]
}

/** The number of the first rule that does not deny. */
async function firstThat<T>(rules: readonly T[], judge: (rule: T) => unknown): Promise<number | undefined> {
  for (const [at, rule] of rules.entries()) if ((await judge(rule)) !== 'deny') return at
  return undefined
}
