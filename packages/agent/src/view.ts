import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { boundedMap } from '@countersign/protocol/internal'
import type { User } from '@countersign/verify'
import { type AgentEvent, startStepLog } from './explanation.js'
import { type AccessRequest, requestAccess } from './fetch/access.js'
import { climb } from './fetch/climb.js'
import type { ClimbContext } from './fetch/climb-context.js'
import { describeCallback, type Granted } from './fetch/granted.js'
import { originMemory } from './fetch/origin-memory.js'
import { type AgentRequestInit, readOutgoing } from './fetch/outgoing.js'
import { type SignIn, signIn } from './fetch/sign-in.js'
import { authorization } from './grant/authorization.js'
import { invalidCallbackError } from './grant/callback.js'
import { type Grants, openGrants } from './grant/grants.js'
import type { UserInteraction } from './grant/interact.js'
import { freshKey } from './state/fresh-key.js'
import type { AgentState } from './state/state.js'
import { userState } from './state/user-state.js'
import type { SignedPost } from './wire/signed-post.js'
import { untilAborted } from './wire/single-flight.js'

/** The agent for one user, or for itself. */
export interface View {
  /**
   * Replaces `fetch`: sends the request, answers challenges as far as the agent's policy allows, and returns the final
   * response, whatever its status. {@link explain} tells how the response came about. A redirect within the origin is
   * followed; a redirect to another origin is returned.
   * @throws AgentError when there is no response
   * @throws TypeError for a URL that is not http(s), and for headers that only the agent may set
   */
  fetch(input: string | URL | Request, init?: AgentRequestInit): Promise<Response>
  /**
   * Gets an auth token for a resource before the first call.
   * @throws AgentError
   * @see protocol §6.1
   */
  requestAccess(request: AccessRequest): Promise<void>
  /**
   * Returns the user as an auth server names them; the agent itself is the resource. Signs the user in if needed.
   * @throws AgentError
   * @see protocol §6.2 "Direct form"
   */
  signIn(request: SignIn): Promise<User>
  /**
   * Handles a callback that reached the app's own route, given as the request or its URL. Call it on the view of the
   * session that the request came with. A callback of another session redeems nothing, and each works once only.
   * @throws AgentError `invalid_callback`, `denied` when the user refused, `unsupported` without `callbackRoute`
   * @see protocol §6.4 (2)
   */
  handleCallback(request: Request | URL | string): Promise<Granted>
}

/** The parts that all views of an agent share. */
export interface AgentParts extends Omit<ClimbContext, 'authorization' | 'memory' | 'pseudonymFor'> {
  readonly post: SignedPost
  readonly state: AgentState
  readonly userInteraction: UserInteraction
  readonly bodyLimit: number
  readonly onEvent: ((event: AgentEvent) => void) | undefined
}

/** The parts of one view. No two users share anything that was learnt for one of them. */
export type ViewContext = AgentParts & ClimbContext

/**
 * Returns the shared parts of an agent with the parts of one user; without `user`, with the agent's own.
 * @param grants default: those of the user's state
 */
export function viewContext(parts: AgentParts, user: string | undefined, grants?: Grants): ViewContext {
  const state = user === undefined ? parts.state : userState(parts.state, user)
  return {
    ...parts,
    authorization: authorization(grants ?? openGrants(state), { ...parts, state, user }),
    memory: originMemory(),
    pseudonymFor: pseudonymKeys(),
  }
}

/** Returns the methods of a view. */
export function openView(context: ViewContext): View {
  const { onEvent } = context
  return {
    async fetch(input, init) {
      return climb(await readOutgoing(input, init, context), context, startStepLog(onEvent))
    },
    requestAccess: request => untilAborted(requestAccess(request, context, startStepLog(onEvent).note), request.signal),
    signIn: request => untilAborted(signIn(request, context, startStepLog(onEvent).note), request.signal),
    async handleCallback(request) {
      // Only the query counts: behind a proxy, a request has neither the scheme nor the host that the browser used.
      const given = request instanceof Request ? request.url : request
      // The error of the URL parser would quote the code.
      if (!URL.canParse(given, 'https://localhost')) throw invalidCallbackError('url')
      const url = new URL(given, 'https://localhost')
      return describeCallback(await context.authorization.receiveCallback(url, startStepLog(onEvent).note), context)
    },
  }
}

/** One key per origin and view, so that origins cannot link requests to each other, nor one origin those of two users. */
function pseudonymKeys(): (origin: string) => Promise<SigningKey> {
  // bound: 1000 origins; bytes: 1000 × 2 KiB; grown by the program; filled by bounded-collections-fills.test.ts "a
  // bounded map"
  const keys = boundedMap<string, Promise<SigningKey>>(1000)
  return origin => {
    const known = keys.get(origin) ?? freshKey(generateSigningKey)
    keys.set(origin, known)
    known.catch(() => keys.delete(origin))
    return known
  }
}
