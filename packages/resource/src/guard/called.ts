import type { ReceivedMessage } from '@countersign/httpsig'
import type { AgentMetadata, Routes } from '@countersign/protocol'
import type { Verified } from '@countersign/verify'
import type { OAuthApi } from '../oauth/oauth.js'
import type { Refusal } from './decision.js'
import type { Route } from './requirement.js'

/** A resource as it calls others. */
export interface Downstream {
  readonly metadata: AgentMetadata
  /** Where browsers come by. */
  readonly routes: Routes
  /**
   * Takes the code of an interaction that a request carries, so that its calls can use what the user agreed to.
   * @throws AAuthError `invalid_grant` for one that is unknown, used, or another's
   */
  accept(message: ReceivedMessage, verified: Verified): Promise<void>
  /** Calls for a request that was let pass; rejects with a {@link Setback} where that cannot be. */
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
