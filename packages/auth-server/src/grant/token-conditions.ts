import {
  type Condition,
  type Conditions,
  type ConditionType,
  conditionsOf,
  firstUnmet,
  type JudgedFacts,
  narrow,
  unmetError,
} from '@countersign/conditions'
import type { Discovery } from '@countersign/discovery'
import type { Act, ResourceMetadata } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { IdentifiedCaller } from '@countersign/verify'
import { chainOf } from '../mandate/chain.js'
import { asRequestFault } from './request-fault.js'

/** A token that is to be issued, and all that its conditions come from. */
export interface ConditionSources {
  readonly caller: IdentifiedCaller
  readonly resource: string
  /** Identity scopes included. */
  readonly scope: readonly string[]
  readonly purposes?: readonly string[] | undefined
  /** Today's, of the policy. */
  readonly operator: Conditions
  /** What the user chose, in each yes that the token draws on. */
  readonly user?: Conditions | undefined
  /** Exchanges only. */
  readonly upstream?: { readonly act: Act; readonly constraints?: Conditions | undefined } | undefined
}

/** What the checks need. */
export interface ConditionContext {
  readonly discovery: Pick<Discovery, 'resource'>
  /** Unix seconds. */
  readonly now: number
}

/**
 * The conditions of a token: what operator, user, delegate and upstream token demand, together. Nobody ever widens.
 * @throws AAuthError `access_denied` when one of them does not hold now, they are more than 32 or 2 KiB, or the resource does not enforce
 *   one or know its words
 * @see protocol §9.1
 */
export async function tokenConditions(sources: ConditionSources, context: ConditionContext): Promise<Conditions> {
  const { caller, operator, user = [], upstream } = sources
  const lists = [operator, user, caller.delegation ?? [], upstream?.constraints ?? []]
  const all = upstream === undefined ? lists : lists.map(list => withoutWordsOf(caller.agent, list))
  const unmet = firstUnmet(all.flat(), factsOf(sources, context.now))
  if (unmet !== undefined) throw unmetError(unmet, 'access_denied')
  const conditions = narrow(all.map(list => forAudience(list, all.flat(), sources.resource)))
  if (conditions.length > 0) await checkKnown(conditions, sources, context)
  return conditions
}

/** A chain never comes back to the party that exchanges, and what its words mean is nobody else's business (DEL-44). */
function withoutWordsOf(party: string, list: Conditions): Conditions {
  return list.filter(condition => !('resource' in condition && condition.resource === party))
}

function factsOf({ caller, resource, scope, purposes, upstream }: ConditionSources, now: number): JudgedFacts {
  if (upstream === undefined) return { now, resource, scope, purposes, levels: 0, services: [] }
  const agents = chainOf(upstream.act).map(({ agent }) => agent)
  return { now, resource, scope, purposes, levels: agents.length, services: [caller.agent, ...agents.slice(0, -1)] }
}

/** Where nothing is passed on, a token need not tell its resource which others its caller may use (DEL-53). */
function forAudience(list: Conditions, all: Conditions, resource: string): Conditions {
  if (!conditionsOf(all, 'chain').some(({ max }) => max === 0)) return list
  return list.map(
    (condition): Condition => (condition.type === 'resources' ? { ...condition, any: [resource] } : condition),
  )
}

/**
 * A resource that does not enforce a condition would ignore it, and a word that it does not publish is always "another operation".
 * @throws AAuthError `access_denied`
 */
async function checkKnown(
  conditions: Conditions,
  { resource, operator, user = [] }: ConditionSources,
  { discovery }: ConditionContext,
): Promise<void> {
  const metadata = await asRequestFault(discovery.resource(resource))
  const { constraints_supported = [] } = metadata
  const unsupported = conditions.find(({ type }) => !constraints_supported.includes(type))
  if (unsupported !== undefined)
    throw refusal('conditions_unsupported', { code: 'access_denied', about: unsupported.type })
  const word = [...operator, ...user].flatMap(condition => unknownWords(condition, metadata))[0]
  if (word !== undefined) throw refusal('condition_word_unknown', { about: word })
}

/** The words of a condition that the resource does not publish. */
function unknownWords(condition: Condition, { resource, operations = {}, purposes = {} }: ResourceMetadata): string[] {
  const missing = (words: readonly string[], known: object, what: string): string[] =>
    words.filter(word => !Object.hasOwn(known, word)).map(word => `the ${what} ${word}`)
  if (condition.type === 'purposes') return missing(condition.any, purposes, 'purpose')
  if (!('resource' in condition) || condition.resource !== resource) return []
  if (condition.type === 'arguments') return missing([condition.of], operations, 'operation')
  if (condition.type === 'approval' && condition.of !== '*') return missing(condition.of, operations, 'operation')
  return []
}

/** The kinds of conditions of a token, for an event: what is in them is nobody's business there. */
export function conditionFacts(conditions: Conditions): { readonly conditions?: readonly ConditionType[] } {
  return conditions.length === 0 ? {} : { conditions: [...new Set(conditions.map(({ type }) => type))] }
}
