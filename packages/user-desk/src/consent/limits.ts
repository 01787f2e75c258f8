import type { Policy } from '@countersign/auth-server'
import type { StoredRequest } from '@countersign/auth-server/internal'
import {
  askPolicy,
  conditionsIn,
  countsPerGrant,
  policyRequest,
  principalIn,
  purposesIn,
  upstreamFacts,
  upstreamOf,
} from '@countersign/auth-server/internal'
import type { Conditions } from '@countersign/conditions'
import type { ResourceMetadata } from '@countersign/protocol'
import { parseScope } from '@countersign/protocol'
import { type ConsentDefaults, type GivenLimits, type LimitsView, offersAny } from '../pages/limits-view.js'
import { chosenFrom, offeredBy } from '../pages/offered-limits.js'

/** What limits are made from. */
export interface LimitsSource {
  readonly row: StoredRequest
  /** `sub` of the user who is asked. */
  readonly user: string
  /** Undefined where it is not at hand: then nothing is offered. */
  readonly metadata: ResourceMetadata | undefined
  /** Conditions of what the user allowed before and is not asked about again. */
  readonly before: Conditions
}

/**
 * The limits of a consent page: conditions that hold anyway, and those that its user may add. Only what the resource enforces is offered.
 * @returns undefined where there are none
 * @see protocol §9.1
 */
export async function limitsOf(
  source: LimitsSource,
  { policy, defaults }: { readonly policy: Policy; readonly defaults: ConsentDefaults },
): Promise<LimitsView | undefined> {
  const { row, metadata } = source
  // The token of an exchange is asked for anew with each call, so "once" would be a page each time.
  const offered = offeredBy(metadata, { once: upstreamOf(row) === undefined })
  const given = await givenFor(source, policy)
  if (given.length === 0 && !offersAny(offered)) return undefined
  return { offered, given, chosen: chosenFrom(defaults, offered), words: metadata ?? {} }
}

/** What the operator demands of a request. */
async function operatorsFor(row: StoredRequest, user: string, policy: Policy): Promise<Conditions> {
  const upstream = upstreamOf(row)
  const request = policyRequest(principalIn(row), {
    resource: row.resource,
    scope: parseScope(row.scope),
    purpose: row.purpose ?? undefined,
    purposes: purposesIn(row.purposes),
    user,
    upstream: upstream && upstreamFacts(upstream),
  })
  return (await askPolicy(policy, request)).conditions
}

/** A count for the life of a grant would begin anew with a grant that memory gives: its user is asked each time (DEL-39). */
export async function asksAnew(
  row: StoredRequest,
  user: string,
  { policy }: { readonly policy: Policy },
): Promise<boolean> {
  return countsPerGrant(await operatorsFor(row, user, policy))
}

async function givenFor({ row, user, before }: LimitsSource, policy: Policy): Promise<GivenLimits[]> {
  const upstream = upstreamOf(row)
  const operator = await operatorsFor(row, user, policy)
  const all: GivenLimits[] = [
    { by: 'operator', conditions: operator },
    { by: 'agent', conditions: conditionsIn(row.delegation) ?? [] },
    { by: 'before', conditions: before },
    { by: 'upstream', conditions: upstream?.constraints ?? [] },
  ]
  // As the token will have them: an exchange leaves out the words of the party that exchanges.
  const isOwn = (condition: Conditions[number]): boolean =>
    upstream !== undefined && 'resource' in condition && condition.resource === row.agent
  return all
    .map(({ by, conditions }) => ({ by, conditions: conditions.filter(condition => !isOwn(condition)) }))
    .filter(({ conditions }) => conditions.length > 0)
}
