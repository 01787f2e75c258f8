import { serializeAgentInteraction } from '@countersign/protocol'
import { callbackCode, callbackCodeNamed, callbackState, invalidCallbackError } from '../grant/callback.js'
import type { Grant } from '../grant/grants.js'
import type { CallbackReceiver, CallbackResult, InteractContext, ResourceQuestion } from '../grant/interact.js'
import { redeemCode } from '../grant/redemption.js'
import type { AgentState } from '../state/state.js'
import type { SingleFlight } from '../wire/single-flight.js'
import type { PendingInteraction, PendingInteractions } from './pending-interactions.js'

/** What all browser interactions of an agent share. */
export interface ReturnContext extends InteractContext {
  /** By `state`: the call in this process that waits for the answer. */
  readonly waiting: Map<string, Waiter>
  readonly pendingOf: (receiver: Pick<CallbackReceiver, 'state'>) => PendingInteractions
  /** By state: the resources whose code this process has stored there. */
  readonly codesOf: WeakMap<AgentState, Set<string>>
  readonly once: SingleFlight
  /** The states with pending entries, in the order in which the entries expire. */
  readonly expiring: Array<{ readonly state: AgentState; readonly expires: number }>
}

/** A call that waits for an answer. */
export interface Waiter {
  readonly resolve: (received: CallbackResult) => void
  readonly reject: (error: unknown) => void
}

/** Stores a question to a user, or the code that answered it, in the user's state. */
export async function keepPending(
  pending: PendingInteraction,
  state: AgentState,
  { pendingOf, expiring }: ReturnContext,
): Promise<void> {
  await pendingOf({ state }).add(pending)
  // bound: questions to users that this agent has sent away, until they expire; grown by the program
  expiring.push({ state, expires: pending.expires })
}

/** Takes the interaction code of a resource, for one request. */
export async function takeCode(
  { state, owner, resource }: ResourceQuestion,
  context: ReturnContext,
): Promise<string | undefined> {
  context.codesOf.get(state)?.delete(resource)
  const isCode = (o: PendingInteraction): boolean =>
    o.code !== undefined && o.resource === resource && o.owner === owner
  return (await context.pendingOf({ state }).take(isCode))?.code
}

/** Takes the question that a callback answers, so that it is answered once. @throws AgentError `invalid_callback` */
export async function takePending(
  url: URL,
  receiver: CallbackReceiver,
  { pendingOf }: ReturnContext,
): Promise<PendingInteraction> {
  // Taken whatever else the callback says: each state is for one callback.
  const [{ owner }, state] = [receiver, callbackState(url)]
  const found = await pendingOf(receiver).take(o => o.code === undefined && o.state === state && o.owner === owner)
  if (found === undefined) throw invalidCallbackError('state')
  return found
}

/** Redeems or stores the code of a callback, and passes the result to the call that waits. */
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

/** Stores the interaction code, which the next request of any call to the resource carries. @see protocol §7 */
async function keepCode(
  pending: PendingInteraction,
  { url, receiver }: { readonly url: URL; readonly receiver: CallbackReceiver },
  context: ReturnContext,
): Promise<object> {
  const code = serializeCode(callbackCodeNamed('interaction', url))
  await keepPending({ ...pending, code, expires: context.now() + 600 }, receiver.state, context)
  const { codesOf } = context
  // bound: resources that this user has been asked for; grown by the program
  codesOf.set(receiver.state, (codesOf.get(receiver.state) ?? new Set()).add(pending.resource))
  return {}
}

async function redeemCallback(
  { issuer, resource, scope, purposes, digest, redirectUri, requestToken }: PendingInteraction,
  { url, receiver }: { readonly url: URL; readonly receiver: CallbackReceiver },
): Promise<{ readonly grant: Grant }> {
  const code = callbackCode(url, issuer)
  // With the request token of this session: a code of another session is worth nothing here (code injection).
  const form = { request_type: 'code', code, redirect_uri: redirectUri, request_token: requestToken }
  const asked = {
    issuer,
    resource,
    scope: scope.split(' '),
    purposes,
    operation: digest === undefined ? digest : { digest },
  }
  return { grant: await redeemCode(asked, form, receiver) }
}

/** Returns a code as the header carries it. Anyone can make a link to the callback: a code that needs escapes is refused. */
function serializeCode(code: string): string {
  try {
    return serializeAgentInteraction(code)
  } catch {
    throw invalidCallbackError('interaction')
  }
}
