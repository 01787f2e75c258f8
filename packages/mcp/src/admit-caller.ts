import type { ReceivedMessage } from '@countersign/httpsig'
import { asAAuthError, refusal } from '@countersign/protocol/internal'
import type { Authorization, Guarded, Resource } from '@countersign/resource'
import { isContinuedBy } from './continued/continuations.js'
import { type Continuing, unknownContinued } from './continued/unsealed.js'
import { awaitUser } from './continued/user-question.js'
import type { Endpoint } from './endpoint.js'
import type { Owner } from './message/owner.js'
import type { McpMessage } from './rules/rpc.js'
import { proveRules } from './served/pass-to-server.js'

/** An authorized request. */
export interface Authorized {
  readonly rpc: McpMessage
  readonly continuing: Continuing | undefined
  readonly authorization: Authorization & { readonly ok: true }
}

/** An authorized request, and its caller as the owner of what it begins. */
interface Caller extends Authorized {
  readonly owner: Owner
}

/** The place of a subscription among all. */
export interface Leave {
  isTaken: boolean
  readonly now: () => void
}

/**
 * What a caller who meets the rule of a request still has to pass: what is continued is its own, rules name what the server has, and there
 * is room for a subscription. While the resource only observes, what would be refused is told, and passes.
 * @returns the answer in place of the server's, or the place that the request takes
 * @throws AAuthError
 */
export async function admitCaller<S extends string>(
  message: ReceivedMessage,
  caller: Caller,
  endpoint: Endpoint<S>,
): Promise<Response | Leave> {
  const { rpc, continuing, authorization, owner } = caller
  const { aauth, observed, seen } = authorization
  const { resource, continuations, waits, now } = endpoint
  // One that its rule refuses is told of already.
  if (observed === true && seen === undefined) return noPlace()
  // Whose an id is that was not sealed, nobody knows unless it is remembered.
  const isKnown = continuing?.continued !== undefined || continuing?.isMisplaced === true
  if (observed !== true || isKnown) check(message, resource, () => checkContinued(continuing, owner, seen ?? aauth))
  const unanswered = await awaitUser({ rpc, continuing, authorization, owner, continuations, waits, now })
  if (unanswered !== undefined) return unanswered
  await proveRules(rpc, aauth, endpoint)?.catch(thrown => pass(thrown, message, resource))
  await takeState(continuing, observed === true, endpoint)
  return check(message, resource, () => enterStream(rpc, owner, endpoint)) ?? noPlace()
}

/**
 * Makes a check. While the resource only observes, what it refuses is told, and passes.
 * @returns what the check returns; undefined for what passes all the same
 * @throws AAuthError
 */
export function check<S extends string, T>(
  message: ReceivedMessage,
  resource: Pick<Resource<S>, 'observed'>,
  make: () => T,
): T | undefined {
  try {
    return make()
  } catch (thrown) {
    pass(thrown, message, resource)
    return undefined
  }
}

/** Tells of a refusal where the resource only observes. @throws the refusal, where it does not */
function pass<S extends string>(
  thrown: unknown,
  message: ReceivedMessage,
  { observed }: Pick<Resource<S>, 'observed'>,
): void {
  if (observed === undefined) throw thrown
  observed(message, asAAuthError(thrown))
}

/** @throws AAuthError `continuation_unknown` for what is another caller's */
function checkContinued(continuing: Continuing | undefined, owner: Owner, { key }: Pick<Guarded, 'key'>): void {
  if (continuing === undefined) return
  const { kind, continued } = continuing
  if (continued === undefined || !isContinuedBy(continued, owner, key)) throw unknownContinued(kind)
}

/**
 * Last of all: what a caller is told to repeat, it repeats with the same state. A state that is answered twice would have two calls go on
 * that the server has asked for one.
 * @throws AAuthError `continuation_unknown` for a state that was answered before
 */
async function takeState<S extends string>(
  continuing: Continuing | undefined,
  isObserved: boolean,
  { continuations }: Endpoint<S>,
): Promise<void> {
  if (isObserved || continuing?.continued === undefined) return
  if (!(await continuations.takeOnce(continuing.continued))) throw unknownContinued(continuing.kind) // mcp.continued-once
}

const noPlace = (): Leave => ({ isTaken: false, now: () => {} })

/** @throws AAuthError `temporarily_unavailable` when its caller has too many */
function enterStream<S extends string>({ request }: McpMessage, owner: Owner, { shares }: Endpoint<S>): Leave {
  if (request?.method !== 'subscriptions/listen') return noPlace()
  const leave = shares.enter(owner)
  if (leave !== undefined) return { isTaken: false, now: leave }
  throw refusal('capacity_exceeded', { about: 'subscriptions of this caller', retryAfter: 60 })
}
