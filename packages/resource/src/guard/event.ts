import type { AAuthError } from '@countersign/protocol'
import type { AAuth } from './aauth.js'
import type { Ask } from './decision.js'

/** For whom a user was asked something. */
export interface Asking {
  readonly agent: string
  readonly delegate?: string
  /** The user whose answer it must be. */
  readonly user?: { readonly iss: string; readonly sub: string }
  /** The audit id of the request that needs it. */
  readonly txn?: string
}

/** What a resource tells about one request; nothing in it is a token, a key or, but for `claimed`, a claim that did not verify. */
export type ResourceEvent = {
  /** The identifier of the resource that decided: in every event that a resource tells. */
  readonly resource?: string
  /** The name of the request in the server's log, where something named it: see `requestId` of `createResource`. */
  readonly request_id?: string
  /** What the requirement calls the route, where it does. */
  readonly route?: string
  /**
   * Where the resource only observes. `true`: the request was let through unverified whatever is told here, and this is what
   * enforcing would have done. `false`: it was refused even so, since it cannot be passed on as it was judged.
   */
  readonly observed?: boolean
} & (
  | { readonly type: 'passed'; readonly aauth: AAuth }
  /**
   * `aauth` is there when the caller was verified and then refused; `asking` when a browser brought an answer that is none;
   * `ask` says what the answer asks of the caller. Where nobody was verified, `claimed` is the agent that the request claims to
   * be from, by its identifier: **anybody may claim that**.
   */
  | {
      readonly type: 'refused'
      readonly error: AAuthError
      readonly aauth?: AAuth
      readonly claimed?: string
      readonly asking?: Asking
      readonly ask?: Ask
    }
  /** A user has come back from whoever had to ask them: an auth server, a resource, or the provider of an API behind OAuth. */
  | ({ readonly type: 'interaction'; readonly answer: 'agreed' | 'denied'; readonly asked_by: string } & Asking)
  | {
      readonly type: 'resource_token'
      readonly agent: string
      readonly delegate?: string
      readonly authServer: string
      readonly scope: string
      /** The audit id that the token carries. */
      readonly txn: string
    }
)

/** Receives events, one per decision. */
export type Observer = (event: ResourceEvent) => void

/** An observer that only observes: one that throws decides nothing. */
export function quiet(observer: Observer | undefined): Observer {
  return event => {
    try {
      observer?.(event)
    } catch {
      // Telling is best effort; the request's outcome stands.
    }
  }
}

/** The event about a decision. */
export type DecisionEvent = Extract<ResourceEvent, { readonly type: 'passed' | 'refused' }>
