import { randomText } from '@countersign/httpsig/internal'
import { AgentError } from '../error.js'
import { invalidCallbackError } from '../grant/callback.js'
import type { Grant } from '../grant/grants.js'
import { canonicalScope } from '../grant/grants.js'
import type {
  CallbackResult,
  GrantInteraction,
  Interact,
  InteractContext,
  ResourceQuestion,
  UserInteraction,
  WaitingReceiver,
} from '../grant/interact.js'
import type { RequestedGrant } from '../grant/token-context.js'
import type { AgentState } from '../state/state.js'
import { singleFlight, untilAborted } from '../wire/single-flight.js'
import { type AskedOperation, askedOperation } from './asked-operation.js'
import {
  finishInteraction,
  keepPending,
  type ReturnContext,
  takeCode,
  takePending,
  type Waiter,
} from './browser-return.js'
import { checkOperation } from './check-operation.js'
import { addReturn, type ConsentRequest, requestConsent } from './consent-request.js'
import { openPendingInteractions, type PendingInteraction, type PendingInteractions } from './pending-interactions.js'

/** Why a user is sent to a URL. */
export interface Visit {
  /** The key given to `forUser`. */
  readonly user?: string
  /** The auth server; or the resource when it asks its user itself, with an empty `scope`. */
  readonly issuer: string
  readonly resource: string
  readonly scope: string
  /** The one request that the user is asked to approve. @see protocol §9.4 */
  readonly operation?: AskedOperation
  /** Aborted when the user has answered or no call waits any more, so that the URL need not be shown any longer. */
  readonly ended: AbortSignal
}

/**
 * Sends the user to a URL: opens a browser, prints the URL, shows it in a page. The URL works once and must not be logged.
 * An `AgentError` that the function throws becomes the error of the call.
 */
export type VisitUrl = (url: string, visit: Visit) => void | Promise<void>

/** Where the browser comes back to. */
export interface ReturnPoint {
  readonly redirectUri: string
  /** Without it calls do not wait: the caller gets the url to send the user to. */
  readonly visit?: VisitUrl | undefined
  close(): void
}

/** Opens a return point. It passes callbacks to `receive`, which resolves when a callback belongs to this session. */
export type OpenReturnPoint = (receive: (url: URL) => Promise<void>) => Promise<ReturnPoint>

interface Context extends ReturnContext {
  readonly openReturnPoint: OpenReturnPoint
}

/** Asks users in a browser, which comes back to a return point. */
export function browserInteraction(kind: 'callback' | 'loopback', openReturnPoint: OpenReturnPoint): Interact {
  return Object.freeze({
    kind,
    open(options: InteractContext): UserInteraction {
      const context: Context = {
        ...options,
        openReturnPoint,
        // bound: questions to this user that wait; grown by the program
        waiting: new Map(),
        codesOf: new WeakMap(),
        once: singleFlight(),
        expiring: [],
        pendingOf: pendingByState(options.now),
      }
      return {
        checkOperation,
        obtainGrant: request => obtainGrant(request, context),
        interactionCode: question => interactionCode(question, context),
        receiveCallback: async (url, receiver) =>
          finishInteraction(await takePending(url, receiver, context), { url, receiver }, context),
      }
    },
  })
}

/** Keeps one set of pending interactions per state, so that changes to it run one at a time. */
function pendingByState(now: () => number): Context['pendingOf'] {
  const known = new WeakMap<AgentState, PendingInteractions>()
  return ({ state }) => {
    const pending = known.get(state) ?? openPendingInteractions(state, now)
    known.set(state, pending)
    return pending
  }
}

/** A question to the user. `begin` returns where to send the user, or a grant if the user need not be asked. */
interface UserQuestion {
  readonly asked: RequestedGrant
  begin(returnPoint: ReturnPoint, state: string): Promise<Grant | ConsentRequest>
}

async function obtainGrant(request: GrantInteraction, context: Context): Promise<Grant> {
  const { asked } = request
  const begin: UserQuestion['begin'] = ({ redirectUri: redirect_uri }, state) =>
    requestConsent(request, { request_type: 'auth', redirect_uri, state }, context)
  const { grant } = await interactInBrowser(request, { asked, begin }, context)
  if (grant === undefined) throw invalidCallbackError('code')
  return grant
}

async function interactionCode(question: ResourceQuestion, context: Context): Promise<string | undefined> {
  const { resource, page, state, owner, user, signal, tell } = question
  // Without a page, state is read only if a callback has brought a code to this process: most calls have none.
  const isHere = context.codesOf.get(state)?.has(resource) === true
  if (page === undefined && !isHere) return undefined
  const code = await takeCode(question, context)
  if (code !== undefined || page === undefined) return code
  const joined = (): void => tell(resource, 'interact', `awaiting the user whom another call has sent to ${resource}`)
  const userQuestion = pageQuestion(page, resource)
  const task = (abandoned: AbortSignal): Promise<unknown> =>
    interactInBrowser({ ...question, abandoned }, userQuestion, context)
  await context.once(JSON.stringify([user, owner, resource]), task, { joined, signal })
  return takeCode(question, context)
}

/** Returns the question of a resource's own page. The caller has checked that the page is on its origin (protocol §4 (2)). */
function pageQuestion(page: string, resource: string): UserQuestion {
  return {
    asked: { issuer: resource, resource, scope: [] },
    async begin({ redirectUri: return_url }, state) {
      return { url: addReturn(page, { return_url, state }), requestToken: '', seconds: 600 }
    },
  }
}

async function interactInBrowser(
  who: WaitingReceiver,
  userQuestion: UserQuestion,
  context: Context,
): Promise<CallbackResult> {
  const returnPoint = await context.openReturnPoint(async url => {
    const pending = await takePending(url, who, context)
    // An error goes to the call that waits; the browser has done its part either way.
    finishInteraction(pending, { url, receiver: who }, context).catch(() => undefined)
  })
  try {
    const { asked } = userQuestion
    const known = await context.pendingOf(who).findRecent({
      ...asked,
      owner: who.owner,
      redirectUri: returnPoint.redirectUri,
      digest: asked.operation?.digest,
    })
    const begun = known ?? (await startInteraction(who, { userQuestion, returnPoint }, context))
    if ('authToken' in begun) return { resource: begun.resource, grant: begun }
    if (returnPoint.visit === undefined) throw userMustAgreeError(begun)
    return await visitAndWait(begun, { who, visit: returnPoint.visit, operation: askedOperation(asked) }, context)
  } finally {
    returnPoint.close()
  }
}

async function startInteraction(
  { state: kept, owner, tell }: WaitingReceiver,
  { userQuestion, returnPoint }: { readonly userQuestion: UserQuestion; readonly returnPoint: ReturnPoint },
  context: Context,
): Promise<Grant | PendingInteraction> {
  // Only the browser of this session gets this state: a code from elsewhere comes without it (CSRF).
  const state = randomText()
  const first = await userQuestion.begin(returnPoint, state)
  if ('authToken' in first) return first
  const { url, requestToken, seconds } = first
  const { issuer, resource, scope: scopes, purposes, operation } = userQuestion.asked
  const [scope, begun] = [canonicalScope(scopes), context.now()]
  // A code may come at the last moment and is valid for another minute.
  const times = { begun, expires: begun + seconds + 60 }
  const pending = {
    owner,
    issuer,
    resource,
    scope,
    purposes,
    digest: operation?.digest,
    state,
    requestToken,
    redirectUri: returnPoint.redirectUri,
    url,
    ...times,
  }
  await keepPending(pending, kept, context)
  // Not awaited: entries that it fails to remove have expired, and the next entry of that user removes them.
  pruneExpired(context).catch(() => undefined)
  const what = requestToken === '' ? '' : ` to ${scope} at ${resource}`
  tell(issuer, 'interact', `a user must agree at ${issuer}${what}`)
  return pending
}

/** Removes the expired entries of sessions that never came back, with which strangers could fill the state. */
async function pruneExpired({ expiring, now, pendingOf }: Context): Promise<void> {
  for (let [first] = expiring; first !== undefined && first.expires <= now(); [first] = expiring) {
    expiring.shift()
    await pendingOf(first).prune()
  }
}

function userMustAgreeError({ issuer, resource, requestToken, url }: PendingInteraction): AgentError {
  return new AgentError(
    'interaction_required',
    'a user must agree first, at the url of this error',
    { ...(requestToken === '' ? {} : { authServer: issuer }), resource },
    url,
  )
}

/** Sends the user, and waits until the answer arrives, the time is up, or no call waits any more. */
async function visitAndWait(
  pending: PendingInteraction,
  {
    who,
    visit,
    operation,
  }: { readonly who: WaitingReceiver; readonly visit: VisitUrl } & {
    readonly operation: AskedOperation | undefined
  },
  { waiting, now, sleep }: Context,
): Promise<CallbackResult> {
  const { issuer, resource, scope, state, url, expires } = pending
  const { user, abandoned } = who
  const enough = new AbortController()
  const end = (): void => enough.abort()
  let waiter: Waiter | undefined
  const answer = new Promise<CallbackResult>((resolve, reject) => {
    waiter = { resolve, reject }
    waiting.set(state, waiter)
  })
  answer.then(end, end)
  abandoned.addEventListener('abort', end)
  const ended = enough.signal
  const sending = runVisit(
    () =>
      visit(url, {
        ...(user === undefined ? {} : { user }),
        ...(operation === undefined ? {} : { operation }),
        issuer,
        resource,
        scope,
        ended,
      }),
    url,
  )
  try {
    const late = sleep(expires - now(), enough.signal).then(() => {
      throw new AgentError('interaction_required', 'the user did not come back in time', { authServer: issuer })
    })
    // A visit may end before the answer, or last as long as it shows the URL.
    const unsent = sending.then(() => answer)
    return await untilAborted(Promise.race([answer, late, unsent]), abandoned)
  } finally {
    end()
    // A later call may wait for the same answer by now.
    if (waiting.get(state) === waiter) waiting.delete(state)
    await waitForVisitEnd(sending)
  }
}

/** Waits until a visit has ended, for at most a second, as a visit may ignore `ended`. */
function waitForVisitEnd(sending: Promise<void>): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, 1000)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    sending.then(done, done)
  })
}

/** Runs a visit. Its error is replaced: it may quote the URL, as the error of a program that did not start does. */
async function runVisit(visit: () => void | Promise<void>, url: string): Promise<void> {
  try {
    await visit()
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError(
      'interaction_required',
      'the user could not be sent to the page that asks them',
      undefined,
      url,
    )
  }
}
