import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { boundedMap } from '@countersign/protocol'
import type { User } from '@countersign/verify'
import type { AgentEvent } from './explanation.js'
import { type AccessRequest, requestAccess } from './fetch/access.js'
import { climb } from './fetch/climb.js'
import type { ClimbContext } from './fetch/climb-context.js'
import { originMemory } from './fetch/origin-memory.js'
import { readOutgoing } from './fetch/outgoing.js'
import { describeCallback, type Granted, type SignIn, signIn } from './fetch/sign-in.js'
import { startStepLog } from './fetch/step-log.js'
import { authorization } from './grant/authorization.js'
import { invalidCallbackError } from './grant/callback.js'
import { type Grants, openGrants } from './grant/grants.js'
import type { UserInteraction } from './grant/interact.js'
import { freshKey } from './state/fresh-key.js'
import type { AgentState } from './state/state.js'
import { userState } from './state/user-state.js'
import type { SignedPost } from './wire/signed-post.js'
import { untilAborted } from './wire/single-flight.js'

/** An agent as one user has it, or as it is for itself. */
export interface View {
  /**
   * Drops in for `fetch`: sends the request, meets the challenges that the agent's own policy allows to meet, and
   * returns the final response, whatever its status; {@link explain} tells how it came to it. Redirects within the
   * origin are followed, one to another origin is returned.
   * @throws AgentError where no response exists
   * @throws TypeError for a URL that is not http(s) and for headers only the agent may set
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /**
   * Gets an auth token for a resource before the first call.
   * @throws AgentError
   * @see protocol §6.1
   */
  requestAccess(request: AccessRequest): Promise<void>
  /**
   * Tells who the user is, by an auth server: the agent itself is the resource then. Signs them in unless they are.
   * @throws AgentError
   * @see protocol §6.2 "Direct form"
   */
  signIn(request: SignIn): Promise<User>
  /**
   * Takes what the user's browser brought to the app's own route, a request or its URL, in the view of the session that
   * it came with. A callback that answers nothing of this session redeems nothing, and none does so twice.
   * @throws AgentError `invalid_callback`, `denied` where the user said no, `unsupported` without `callbackRoute`
   * @see protocol §6.4 (2)
   */
  handleCallback(request: Request | URL | string): Promise<Granted>
}

/** What all views of an agent share: who it is, and how it reaches others. */
export interface AgentParts extends Omit<ClimbContext, 'authorization' | 'memory' | 'pseudonymFor'> {
  readonly post: SignedPost
  readonly state: AgentState
  readonly userInteraction: UserInteraction
  readonly bodyLimit: number
  readonly onEvent: ((event: AgentEvent) => void) | undefined
}

/** What one view works with: nothing in it that was learnt for a user is another's. */
export type ViewContext = AgentParts & ClimbContext

/**
 * The parts of an agent with what is one user's, or with what is the agent's own.
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

/** The methods over a view's parts. */
export function openView(context: ViewContext): View {
  const { bodyLimit, onEvent } = context
  return {
    async fetch(input, init) {
      const request = await readOutgoing(input, init, bodyLimit)
      return climb(request, context, startStepLog(onEvent))
    },
    requestAccess: request => untilAborted(requestAccess(request, context, startStepLog(onEvent).note), request.signal),
    signIn: request => untilAborted(signIn(request, context, startStepLog(onEvent).note), request.signal),
    async handleCallback(request) {
      // Only its query counts: behind a proxy, a request knows neither scheme nor host it was made to.
      const given = request instanceof Request ? request.url : request
      // The parser's own error would quote the code.
      if (!URL.canParse(given, 'https://localhost')) throw invalidCallbackError('url')
      const url = new URL(given, 'https://localhost')
      return describeCallback(await context.authorization.receiveCallback(url, startStepLog(onEvent).note), context)
    },
  }
}

/** One key per origin: two origins that compare notes find nothing to compare, nor does one about two users. */
function pseudonymKeys(): (origin: string) => Promise<SigningKey> {
  const keys = boundedMap<string, Promise<SigningKey>>(1000)
  return origin => {
    const known = keys.get(origin) ?? freshKey(generateSigningKey)
    keys.set(origin, known)
    known.catch(() => keys.delete(origin))
    return known
  }
}
