import { serializeAgentInteraction } from '@countersign/protocol'
import { callbackCode, callbackState, codeNamed, invalidCallback } from '../grant/callback.js'
import type { Grant } from '../grant/grants.js'
import type { InteractContext, Question, Received, Reception } from '../grant/interact.js'
import { redeem } from '../grant/redemption.js'
import type { AgentState } from '../state/state.js'
import type { SingleFlight } from '../wire/single-flight.js'
import type { PendingInteraction, PendingInteractions } from './pending-interactions.js'

/** What all interactions of an agent in browsers share. */
export interface ReturnContext extends InteractContext {
  /** By `state`: whoever waits for an answer here. */
  readonly waiting: Map<string, Waiter>
  readonly pendingOf: (reception: Pick<Reception, 'state'>) => PendingInteractions
  /** Resources whose code was put into a state here. */
  readonly brought: WeakMap<AgentState, Set<string>>
  readonly once: SingleFlight
  /** Where something was kept, in the order in which it ends. */
  readonly ending: Array<{ readonly state: AgentState; readonly expires: number }>
}

/** Whoever waits for an answer. */
export interface Waiter {
  readonly resolve: (received: Received) => void
  readonly reject: (error: unknown) => void
}

/** Keeps what a user was asked, or how that was answered, in their state. */
export async function keep(
  pending: PendingInteraction,
  state: AgentState,
  { pendingOf, ending }: ReturnContext,
): Promise<void> {
  await pendingOf({ state }).add(pending)
  ending.push({ state, expires: pending.expires })
}

/** The code of a resource's page, for one request. */
export async function takeCode(
  { state, owner, resource }: Question,
  context: ReturnContext,
): Promise<string | undefined> {
  context.brought.get(state)?.delete(resource)
  const isCode = (o: PendingInteraction): boolean =>
    o.code !== undefined && o.resource === resource && o.owner === owner
  return (await context.pendingOf({ state }).take(isCode))?.code
}

/** What a callback answers, which nothing answers again. @throws AgentError `invalid_callback` */
export async function matched(
  url: URL,
  reception: Reception,
  { pendingOf }: ReturnContext,
): Promise<PendingInteraction> {
  // Taken whatever else the callback says: a state is good for one.
  const [{ owner }, state] = [reception, callbackState(url)]
  const found = await pendingOf(reception).take(o => o.code === undefined && o.state === state && o.owner === owner)
  if (found === undefined) throw invalidCallback('state')
  return found
}

/** Takes what a callback brought, and tells whoever waits. */
export async function conclude(
  pending: PendingInteraction,
  answer: { readonly url: URL; readonly reception: Reception },
  context: ReturnContext,
): Promise<Received> {
  const { resource, state } = pending
  const waiter = context.waiting.get(state)
  try {
    const take = pending.requestToken === '' ? keepCode : takeGrant
    const received = { resource, ...(await take(pending, answer, context)) }
    waiter?.resolve(received)
    return received
  } catch (error) {
    waiter?.reject(error)
    throw error
  }
}

/** The next request to the resource carries it, whichever call that is of (protocol §7). */
async function keepCode(
  pending: PendingInteraction,
  { url, reception }: { readonly url: URL; readonly reception: Reception },
  context: ReturnContext,
): Promise<object> {
  const code = headerOf(codeNamed('interaction', url))
  await keep({ ...pending, code, expires: context.now() + 600 }, reception.state, context)
  const { brought } = context
  brought.set(reception.state, (brought.get(reception.state) ?? new Set()).add(pending.resource))
  return {}
}

async function takeGrant(
  { issuer, resource, scope, redirectUri, requestToken }: PendingInteraction,
  { url, reception }: { readonly url: URL; readonly reception: Reception },
): Promise<{ readonly grant: Grant }> {
  const code = callbackCode(url, issuer)
  // With the request token of this very session, so that a code from another's is worth nothing here.
  const form = { request_type: 'code', code, redirect_uri: redirectUri, request_token: requestToken }
  return { grant: await redeem({ issuer, resource, scope: scope.split(' ') }, form, reception) }
}

/** As the header carries it. Anyone can write a link to the callback: what would need escapes is no code. */
function headerOf(code: string): string {
  try {
    return serializeAgentInteraction(code)
  } catch {
    throw invalidCallback('interaction')
  }
}
