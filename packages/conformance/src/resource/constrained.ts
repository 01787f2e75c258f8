import { randomUUID } from 'node:crypto'
import { type Refusal, refusals } from '../case/refusal.js'
import type { Route } from '../config/route.js'
import { type Draft, signDraft } from '../signing/draft.js'
import type { WireRequest } from '../wire/message.js'
import { draftFor, holder, type ResourceStage, type Signer } from './stage.js'

/** One condition of a list. */
export type Condition = Readonly<Record<string, unknown>>

/** What a token has beside the usual. */
export interface Constrained {
  readonly constraints?: unknown
  /** More claims of the auth token. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly draft?: (draft: Draft) => Draft
  /** Writes the claims of the token in another way: `1.0`, spaces. */
  readonly written?: (claims: string) => string
}

/** A condition that does not hold: 403 without `Agent-Auth`. @see protocol §9.3 */
export const denied: Refusal = { ...refusals.policy, challenge: 'none' }

/** A caller whose auth token has conditions. */
export function constrainedHolder(stage: ResourceStage, route: Route, o: Constrained): Signer {
  return holder(stage, route, draft => {
    const claims = {
      ...draft.claims,
      ...(o.constraints === undefined ? {} : { constraints: o.constraints }),
      ...o.claims,
    }
    return { ...draft, claims, claimsText: o.written?.(JSON.stringify(claims)) }
  })
}

/** A request under conditions. */
export function constrained(stage: ResourceStage, route: Route, o: Constrained): WireRequest {
  return signDraft((o.draft ?? (one => one))(draftFor(stage, route, constrainedHolder(stage, route, o))))
}

/** A user that no other case has, so that nothing is counted for it yet. */
export function freshUser(): Readonly<Record<string, unknown>> {
  return { sub: `user-${randomUUID()}`, grant: randomUUID() }
}
