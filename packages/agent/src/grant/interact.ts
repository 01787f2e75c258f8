import type { SigningKey } from '@countersign/httpsig'
import type { Operation } from '@countersign/protocol'
import { AgentError, refusalOf } from '../error.js'
import type { Tell } from '../explanation.js'
import type { AgentState } from '../state/state.js'
import { invalidAnswerError } from '../wire/participant.js'
import type { Grant } from './grants.js'
import type { Form, RedemptionContext, RequestedGrant } from './token-context.js'

/**
 * How users are asked for consent. Opaque: made by `callbackRoute`, `deviceCode` or `inbox`, or by `loopback` of
 * `@countersign/agent/node`.
 */
export interface Interact {
  readonly kind: 'callback' | 'loopback' | 'device' | 'inbox'
  /** @internal */
  readonly open: (context: InteractContext) => UserInteraction
}

/** The parts of an agent that asking users needs. */
export interface InteractContext {
  readonly now: () => number
  readonly sleep: (seconds: number, signal?: AbortSignal) => Promise<void>
  readonly development: boolean
}

/** Asks users for consent. */
export interface UserInteraction {
  /**
   * Checks that an operation which a user would be asked to approve is the request that was sent.
   * @throws AgentError `invalid_resource_token`, and `interaction_required` where no user can be asked
   */
  checkOperation(operation: Operation, sent: SentRequest): Promise<void>
  /** Gets a grant, with the user's decision if the auth server wants one. */
  obtainGrant(interaction: GrantInteraction): Promise<Grant>
  /** Handles a callback, and passes its result to the calls that wait for it. */
  receiveCallback?(url: URL, receiver: CallbackReceiver): Promise<CallbackResult>
  /**
   * Returns the interaction code of a resource, as `Agent-Interaction` carries it: a code that a callback has brought
   * already, or, with `page`, the code that comes back after the user was sent there.
   */
  interactionCode?(question: ResourceQuestion): Promise<string | undefined>
}

/** The request that a resource wants a user to approve. */
export interface SentRequest {
  /** The key that signed it. */
  readonly key: SigningKey
  /** Signs it again with another key. */
  readonly sign: (key: SigningKey) => Promise<unknown>
}

/** The result of a callback: a grant, or, without one, that a page of the resource has asked the user. */
export interface CallbackResult {
  readonly resource: string
  readonly grant?: Grant
}

/** What handling the callbacks of one user needs. */
export interface CallbackReceiver {
  /** The state of this user alone. */
  readonly state: AgentState
  /** The agent and delegate that ask; several may share a state. */
  readonly owner: string
  readonly tell: Tell
  /** What redeeming a code needs. */
  readonly redemption: RedemptionContext
}

/** A callback receiver, and the user it is for. */
export interface UserReceiver extends CallbackReceiver {
  /** The key given to `forUser`; undefined in the agent's own view. */
  readonly user: string | undefined
}

/** A resource asks its user on a page of its own. @see protocol §7 */
export interface ResourceQuestion extends UserReceiver {
  readonly resource: string
  /** The page, on the origin of the resource; undefined to look for a code that is here already. */
  readonly page: string | undefined
  readonly signal: AbortSignal | undefined
}

/** A callback receiver with calls that wait for the user's answer. */
export interface WaitingReceiver extends UserReceiver {
  /** Aborted when no call waits any more. */
  readonly abandoned: AbortSignal
}

/** A token request that may need the user. */
export interface GrantInteraction extends WaitingReceiver {
  readonly asked: RequestedGrant
  /** Returns the `agent_auth_endpoint` of the auth server; undefined when it has none. */
  authEndpoint(): Promise<string | undefined>
  /** Sends the first token request, with the members of `form` added. */
  begin(form: Form): Promise<FirstAnswer>
}

/** The answer to the first token request: a grant, or the members of an answer without one. */
export type FirstAnswer =
  | { readonly grant: Grant }
  | { readonly grant?: undefined; readonly answer: Readonly<Record<string, unknown>> }

/** Asks no users: a request that needs one ends in an error. */
export function noInteraction(): UserInteraction {
  return {
    async checkOperation() {
      throw new AgentError('interaction_required', noInteractMessage)
    },
    async obtainGrant({ begin }) {
      const first = await begin({ request_type: 'auth' }).catch(error => {
        // Without a redirect_uri, an auth server refuses a request that needs a user with this error alone.
        if (refusalOf(error)?.error !== 'invalid_request') throw error
        throw new AgentError('interaction_required', noInteractMessage, refusalOf(error))
      })
      if (first.grant !== undefined) return first.grant
      if (typeof first.answer['request_token'] !== 'string') throw invalidAnswerError('auth server', 'auth_token')
      throw new AgentError('interaction_required', noInteractMessage)
    },
  }
}

const noInteractMessage = 'the auth server wants to ask a user, and this agent has no `interact` to send one'

/**
 * Returns the seconds that a user has to decide, from `expires_in`; undefined when that is not a positive number.
 * At most an hour, however long the auth server would wait.
 */
export function secondsToDecide(expiresIn: unknown): number | undefined {
  return typeof expiresIn === 'number' && expiresIn > 0 ? Math.min(expiresIn, 3600) : undefined
}
