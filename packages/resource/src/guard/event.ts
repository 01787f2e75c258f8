import type { AAuthError } from '@countersign/protocol'
import type { AAuth } from './aauth.js'
import type { Ask } from './decision.js'

/** The agent and the user that a question to a user was about. */
export interface Asking {
  readonly agent: string
  readonly delegate?: string
  /** The user who must answer. */
  readonly user?: { readonly iss: string; readonly sub: string }
  /** The audit id of the request that needs it. */
  readonly txn?: string
}

/** What a resource reports of one request. It holds no token and no key, and, except for `claimed`, no claim that did not verify. */
export type ResourceEvent = {
  /** The identifier of the resource that decided: in every event that a resource tells. */
  readonly resource?: string
  /** The name of the request in the server's log, where something named it: see `requestId` of `createResource`. */
  readonly request_id?: string
  /** What the requirement calls the route, where it does. */
  readonly route?: string
  /**
   * Present where the resource only observes. `true`: the request passed unverified, and this event says what enforcing would have
   * done. `false`: it was refused all the same, since it could not be passed on as it was judged.
   */
  readonly observed?: boolean
} & (
  | { readonly type: 'passed'; readonly aauth: AAuth }
  /**
   * `aauth` is present when the caller was verified and then refused; `asking` when a browser brought an invalid answer; `ask` says
   * what the response asks of the caller. Where no caller was verified, `claimed` is the agent identifier that the request names:
   * **any sender can write any name there**.
   */
  | {
      readonly type: 'refused'
      readonly error: AAuthError
      readonly aauth?: AAuth
      readonly claimed?: string
      readonly asking?: Asking
      readonly ask?: Ask
    }
  /** A user came back from the auth server, the resource or the OAuth provider that asked them. */
  | ({ readonly type: 'interaction'; readonly answer: 'agreed' | 'denied'; readonly asked_by: string } & Asking)
  /** An auth server has said that a grant has ended: its tokens are refused from now on. */
  | { readonly type: 'revoked'; readonly issuer: string; readonly grant: string }
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
