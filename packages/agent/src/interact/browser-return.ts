import { serializeAgentInteraction } from '@countersign/protocol'
import { callbackCode, callbackCodeNamed, callbackState, invalidCallbackError } from '../grant/callback.js'
import type { Grant } from '../grant/grants.js'
import type { CallbackReceiver, CallbackResult, InteractContext, ResourceQuestion } from '../grant/interact.js'
import { redeemCode } from '../grant/redemption.js'
import type { AgentState } from '../state/state.js'
import type { SingleFlight } from '../wire/single-flight.js'
import type { PendingInteraction, PendingInteractions } from './pending-interactions.js'

/** What all interactions of an agent in browsers share. */
export interface ReturnContext extends InteractContext {
  /** By `state`: whoever waits for an answer here. */
  readonly waiting: Map<string, Waiter>
  readonly pendingOf: (receiver: Pick<CallbackReceiver, 'state'>) => PendingInteractions
  /** Resources whose code was put into a state here. */
  readonly codesOf: WeakMap<AgentState, Set<string>>
  readonly once: SingleFlight
  /** Where something was kept, in the order in which it ends. */
  readonly expiring: Array<{ readonly state: AgentState; readonly expires: number }>
}

/** Whoever waits for an answer. */
export interface Waiter {
  readonly resolve: (received: CallbackResult) => void
  readonly reject: (error: unknown) => void
}

/** Keeps what a user was asked, or how that was answered, in their state. */
export async function keepPending(
  pending: PendingInteraction,
  state: AgentState,
  { pendingOf, expiring }: ReturnContext,
): Promise<void> {
  await pendingOf({ state }).add(pending)
  expiring.push({ state, expires: pending.expires })
}

/** The code of a resource's page, for one request. */
export async function takeCode(
  { state, owner, resource }: ResourceQuestion,
  context: ReturnContext,
): Promise<string | undefined> {
  context.codesOf.get(state)?.delete(resource)
  const isCode = (o: PendingInteraction): boolean =>
    o.code !== undefined && o.resource === resource && o.owner === owner
  return (await context.pendingOf({ state }).take(isCode))?.code
}

/** What a callback answers, which nothing answers again. @throws AgentError `invalid_callback` */
export async function takePending(
  url: URL,
  receiver: CallbackReceiver,
  { pendingOf }: ReturnContext,
): Promise<PendingInteraction> {
  // Taken whatever else the callback says: a state is good for one.
  const [{ owner }, state] = [receiver, callbackState(url)]
  const found = await pendingOf(receiver).take(o => o.code === undefined && o.state === state && o.owner === owner)
  if (found === undefined) throw invalidCallbackError('state')
  return found
}

/** Takes what a callback brought, and tells whoever waits. */
export async function finishInteraction(
  pending: PendingInteraction,
  answer: { readonly url: URL; readonly receiver: CallbackReceiver },
  context: ReturnContext,
): Promise<CallbackResult> {
  const { resource, state } = pending
  const waiter = context.waiting.get(state)
  try {
    const take = pending.requestToken === '' ? keepCode : redeemCallback
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
  { url, receiver }: { readonly url: URL; readonly receiver: CallbackReceiver },
  context: ReturnContext,
): Promise<object> {
  const code = serializeCode(callbackCodeNamed('interaction', url))
  await keepPending({ ...pending, code, expires: context.now() + 600 }, receiver.state, context)
  const { codesOf } = context
  codesOf.set(receiver.state, (codesOf.get(receiver.state) ?? new Set()).add(pending.resource))
  return {}
}

async function redeemCallback(
  { issuer, resource, scope, redirectUri, requestToken }: PendingInteraction,
  { url, receiver }: { readonly url: URL; readonly receiver: CallbackReceiver },
): Promise<{ readonly grant: Grant }> {
  const code = callbackCode(url, issuer)
  // With the request token of this very session, so that a code from another's is worth nothing here.
  const form = { request_type: 'code', code, redirect_uri: redirectUri, request_token: requestToken }
  return { grant: await redeemCode({ issuer, resource, scope: scope.split(' ') }, form, receiver) }
}

/** As the header carries it. Anyone can write a link to the callback: what would need escapes is no code. */
function serializeCode(code: string): string {
  try {
    return serializeAgentInteraction(code)
  } catch {
    throw invalidCallbackError('interaction')
  }
}
