import type { ReceivedMessage } from '@countersign/httpsig'
import type { AgentMetadata } from '@countersign/protocol'
import type { Routes } from '@countersign/protocol/internal'
import type { Verified } from '@countersign/verify'
import type { OAuthApi } from '../oauth/oauth.js'
import type { Refusal } from './decision.js'
import type { Route } from './requirement.js'

/** What became of a question: `gone` is one that was answered and used before, or has ended. */
export type Answered = 'agreed' | 'denied' | 'open' | 'gone'

/** How a resource calls other services. */
export interface Downstream {
  readonly metadata: AgentMetadata
  /** The paths that browsers visit. */
  readonly routes: Routes
  /**
   * Redeems the interaction code of a request, so that its calls can use the user's consent.
   * @throws AAuthError `invalid_grant` for a code that is unknown, used, or of another caller
   */
  accept(message: ReceivedMessage, verified: Verified): Promise<void>
  /**
   * Waits for the answer to a question that the caller of a request was asked, so that calls for the request can use it.
   * @param seconds after which it is still `open`; of another caller's it is `open` or `gone`
   */
  answer(request: Pick<Called, 'verified'>, code: string, seconds: number): Promise<Answered>
  /** Calls a service for a request that was let in; rejects with a {@link Setback} if that is not possible. */
  fetch(request: Called, input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** As {@link Downstream.fetch}, to an API behind OAuth. */
  oauth(request: Called, api: OAuthApi, input: string | URL | Request, init?: RequestInit): Promise<Response>
}

/** A request that was let pass, and what its route asks. */
export interface Called {
  readonly verified: Verified
  readonly route: Route
}

/** Why a call for a request cannot be made, in the words for the caller of the resource. */
export class Setback {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    this.refusal = refusal
  }
}
