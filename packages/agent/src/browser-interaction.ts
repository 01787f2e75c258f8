import { base64urlEncode } from '@countersign/httpsig'
import { callbackCode, callbackState, invalidCallback } from './callback.js'
import { AgentError } from './error.js'
import type { Grant } from './grants.js'
import { canonicalScope } from './grants.js'
import {
  type Interact,
  type InteractContext,
  type Interview,
  type Interviewer,
  patience,
  type Reception,
} from './interact.js'
import { invalidAnswer } from './participant.js'
import { type PendingInteraction, type PendingInteractions, pendingInteractionsIn } from './pending-interactions.js'
import { untilAborted } from './single-flight.js'
import type { AgentState } from './state.js'
import { userUrl } from './user-url.js'

/** Whom a visit is for, and why. */
export interface Visit {
  /** The key given to `forUser`. */
  readonly user?: string
  readonly issuer: string
  readonly resource: string
  readonly scope: string
}

/** Sends the user to a URL: opens a browser, prints it, shows it in a page. It works once; it belongs into no log. */
export type VisitUrl = (url: string, visit: Visit) => void | Promise<void>

/** Where the browser comes back to. */
export interface Door {
  readonly redirectUri: string
  /** Without it nobody waits: the caller is told where to send the user. */
  readonly visit?: VisitUrl
  close(): void
}

/** Opens a door; what comes in goes to `receive`, which resolves once it is known to be of this session. */
export type OpenDoor = (receive: (url: URL) => Promise<void>) => Promise<Door>

interface Context extends InteractContext {
  readonly openDoor: OpenDoor
  /** By `state`: whoever waits for an answer here. */
  readonly waiting: Map<string, Waiter>
  readonly pendingOf: (reception: Pick<Reception, 'state'>) => PendingInteractions
  /** Where something was kept, in the order in which it ends. */
  readonly ending: Array<{ readonly state: AgentState; readonly expires: number }>
}

interface Waiter {
  readonly resolve: (grant: Grant) => void
  readonly reject: (error: unknown) => void
}

/** Users who decide in a browser, and how it comes back. */
export function browserInteraction(kind: 'callback' | 'loopback', openDoor: OpenDoor): Interact {
  return Object.freeze({
    kind,
    open(options: InteractContext): Interviewer {
      const context: Context = {
        ...options,
        openDoor,
        waiting: new Map(),
        ending: [],
        pendingOf: pendingByState(options.now),
      }
      return {
        obtain: interview => obtain(interview, context),
        receive: async (url, reception) =>
          conclude(await matched(url, reception, context), { url, reception }, context),
      }
    },
  })
}

/** One set of pending interactions per user's state, so that whoever takes one does so in turn. */
function pendingByState(now: () => number): Context['pendingOf'] {
  const known = new WeakMap<AgentState, PendingInteractions>()
  return ({ state }) => {
    const pending = known.get(state) ?? pendingInteractionsIn(state, now)
    known.set(state, pending)
    return pending
  }
}

async function obtain(interview: Interview, context: Context): Promise<Grant> {
  const door = await context.openDoor(async url => {
    const pending = await matched(url, interview, context)
    // Whoever waits is told how it ends; the browser has brought its answer either way.
    conclude(pending, { url, reception: interview }, context).catch(() => undefined)
  })
  try {
    const known = await context
      .pendingOf(interview)
      .recent({ ...interview.asked, owner: interview.owner, redirectUri: door.redirectUri })
    const begun = known ?? (await begin(interview, door, context))
    if ('authToken' in begun) return begun
    if (door.visit === undefined) throw mustVisit(begun)
    return await answered(begun, { interview, visit: door.visit }, context)
  } finally {
    door.close()
  }
}

async function begin(interview: Interview, door: Door, context: Context): Promise<Grant | PendingInteraction> {
  const { asked, owner, tell } = interview
  const state = newState()
  const begun = await interview.begin({ request_type: 'auth', redirect_uri: door.redirectUri, state })
  if (begun.grant !== undefined) return begun.grant
  const { request_token: requestToken, expires_in } = begun.answer
  if (typeof requestToken !== 'string' || requestToken === '' || requestToken.length > 4096)
    throw invalidAnswer('auth server', 'request_token')
  const seconds = patience(expires_in)
  if (seconds === undefined) throw invalidAnswer('auth server', 'expires_in')
  const query = new URLSearchParams({ request_token: requestToken, redirect_uri: door.redirectUri, state })
  const url = userUrl(`${await interview.authEndpoint()}?${query}`, context)
  if (url === undefined) throw invalidAnswer('auth server', 'agent_auth_endpoint')
  const { issuer, resource, scope } = asked
  const begunAt = context.now()
  const what = {
    owner,
    issuer,
    resource,
    scope: canonicalScope(scope),
    state,
    requestToken,
    redirectUri: door.redirectUri,
    url,
  }
  // A code may come at the last moment and is good for another minute.
  const interaction: PendingInteraction = { ...what, begun: begunAt, expires: begunAt + seconds + 60 }
  await context.pendingOf(interview).add(interaction)
  context.ending.push({ state: interview.state, expires: interaction.expires })
  // Nobody waits for it: what it fails to remove counts no longer, and the next entry of that user's takes it along.
  sweep(context).catch(() => undefined)
  tell(issuer, 'interact', `a user must agree at ${issuer} to ${interaction.scope} at ${resource}`)
  return interaction
}

/** Sessions that come once and ask never leave anything behind, or strangers could fill the state with them. */
async function sweep({ ending, now, pendingOf }: Context): Promise<void> {
  for (let [first] = ending; first !== undefined && first.expires <= now(); [first] = ending) {
    ending.shift()
    await pendingOf(first).prune()
  }
}

/** 256 bits that only this session's browser learns: whoever brings a code from elsewhere does not have them. */
function newState(): string {
  return base64urlEncode(crypto.getRandomValues(new Uint8Array(32)))
}

function mustVisit({ issuer, resource, url }: PendingInteraction): AgentError {
  return new AgentError(
    'interaction_required',
    'a user must agree first, at the url of this error',
    { authServer: issuer, resource },
    url,
  )
}

/** Sends the user, and waits until the answer is there, the time is up, or nobody waits any more. */
async function answered(
  pending: PendingInteraction,
  { interview, visit }: { readonly interview: Interview; readonly visit: VisitUrl },
  { waiting, now, sleep }: Context,
): Promise<Grant> {
  const { issuer, resource, scope, state, url, expires } = pending
  const { user, abandoned } = interview
  const enough = new AbortController()
  const end = (): void => enough.abort()
  let waiter: Waiter | undefined
  const answer = new Promise<Grant>((resolve, reject) => {
    waiter = { resolve, reject }
    waiting.set(state, waiter)
  })
  answer.then(end, end)
  abandoned.addEventListener('abort', end)
  try {
    await sent(() => visit(url, { ...(user === undefined ? {} : { user }), issuer, resource, scope }), url)
    const late = sleep(expires - now(), enough.signal).then(() => {
      throw new AgentError('interaction_required', 'the user did not come back in time', { authServer: issuer })
    })
    return await untilAborted(Promise.race([answer, late]), abandoned)
  } finally {
    end()
    // Another call may wait for the same answer by now.
    if (waiting.get(state) === waiter) waiting.delete(state)
  }
}

/** What was thrown may quote the URL, as the error of a program that did not start does. */
async function sent(visit: () => void | Promise<void>, url: string): Promise<void> {
  try {
    await visit()
  } catch {
    throw new AgentError('interaction_required', 'the user could not be sent to the auth server', undefined, url)
  }
}

async function matched(url: URL, reception: Reception, { pendingOf }: Context): Promise<PendingInteraction> {
  // Taken whatever else the callback says: a state is good for one.
  const found = await pendingOf(reception).take(reception.owner, callbackState(url))
  if (found === undefined) throw invalidCallback('state')
  return found
}

async function conclude(
  pending: PendingInteraction,
  { url, reception }: { readonly url: URL; readonly reception: Reception },
  { waiting }: Context,
): Promise<Grant> {
  const { issuer, resource, scope, redirectUri, requestToken, state } = pending
  const waiter = waiting.get(state)
  try {
    const code = callbackCode(url, pending)
    // With the request token of this very session, so that a code from another's is worth nothing here.
    const form = { request_type: 'code', code, redirect_uri: redirectUri, request_token: requestToken }
    const grant = await reception.redeem({ issuer, resource, scope: scope.split(' ') }, form)
    waiter?.resolve(grant)
    return grant
  } catch (error) {
    waiter?.reject(error)
    throw error
  }
}
