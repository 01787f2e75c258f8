import { AgentError, refusalOf } from '../error.js'
import type { Tell } from '../explanation.js'
import type { AgentState } from '../state/state.js'
import { invalidAnswerError } from '../wire/participant.js'
import type { Grant } from './grants.js'
import type { Form, RequestedGrant } from './requested-grant.js'
import type { RedemptionContext } from './token-context.js'

/**
 * How a user is asked what an auth server will not decide without them. Opaque: made by `callbackRoute` or `deviceCode`,
 * or by `loopback` of `@countersign/agent/node`.
 */
export interface Interact {
  readonly kind: 'callback' | 'loopback' | 'device'
  /** @internal */
  readonly open: (context: InteractContext) => UserInteraction
}

/** What asking works with once it belongs to an agent. */
export interface InteractContext {
  readonly now: () => number
  readonly sleep: (seconds: number, signal?: AbortSignal) => Promise<void>
  readonly development: boolean
}

/** Asks users. */
export interface UserInteraction {
  /** The grant that was asked for, by the user's decision where the auth server wants one. */
  obtainGrant(interaction: GrantInteraction): Promise<Grant>
  /** Takes the answer that a browser brought, and gives it to whoever waits for it. */
  receiveCallback?(url: URL, receiver: CallbackReceiver): Promise<CallbackResult>
  /**
   * What a page of a resource's own has answered, as `Agent-Interaction` carries it: brought by a browser meanwhile, or,
   * with `page`, by the user who is sent there.
   */
  interactionCode?(question: ResourceQuestion): Promise<string | undefined>
}

/** What a browser brought: a grant, or that a resource has asked its user. */
export interface CallbackResult {
  readonly resource: string
  readonly grant?: Grant
}

/** Where answers of one user arrive. */
export interface CallbackReceiver {
  /** What survives a restart, of this user alone. */
  readonly state: AgentState
  /** Which agent and delegate asks: several may share a state. */
  readonly owner: string
  readonly tell: Tell
  /** What trading a code needs. */
  readonly redemption: RedemptionContext
}

/** Whose answer it is. */
export interface UserReceiver extends CallbackReceiver {
  /** The user's key, undefined in the view that is no user's. */
  readonly user: string | undefined
}

/** A resource that must ask its user itself. @see protocol §7 */
export interface ResourceQuestion extends UserReceiver {
  readonly resource: string
  /** Where, on the resource's origin. */
  readonly page: string | undefined
  readonly signal: AbortSignal | undefined
}

/** Somebody waits for the user's answer. */
export interface WaitingReceiver extends UserReceiver {
  /** Aborted when nobody waits for the outcome any more. */
  readonly abandoned: AbortSignal
}

/** One request that may need the user. */
export interface GrantInteraction extends WaitingReceiver {
  readonly asked: RequestedGrant
  /** Where the auth server has its pages; undefined when it has none. */
  authEndpoint(): Promise<string | undefined>
  /** Asks for the first time, with `form` beside what says what is asked for: a grant, or the answer that is none. */
  begin(form: Form): Promise<FirstAnswer>
}

/** What the first request came to. */
export type FirstAnswer =
  | { readonly grant: Grant }
  | { readonly grant?: undefined; readonly answer: Readonly<Record<string, unknown>> }

/** An agent that has no way to ask a user: what needs one ends in an error. */
export function noInteraction(): UserInteraction {
  return {
    async obtainGrant({ begin }) {
      const first = await begin({ request_type: 'auth' }).catch(error => {
        // Without a redirect_uri this is how an auth server refuses what needs a user, and all that it tells.
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
 * Seconds that a user has, from `expires_in`; undefined for what is no such number. However long the auth server waits,
 * nothing here waits longer than an hour.
 */
export function secondsToDecide(expiresIn: unknown): number | undefined {
  return typeof expiresIn === 'number' && expiresIn > 0 ? Math.min(expiresIn, 3600) : undefined
}
