import { canonicalScope } from '../grant/grants.js'
import type { GrantInteraction } from '../grant/interact.js'
import type { RequestedGrant } from '../grant/token-context.js'

/** The one request that a user is asked to approve. */
export interface AskedOperation {
  /** The name of the operation, from the resource's metadata. */
  readonly name: string
  /**
   * What the request would do: by turns the resource's words and values of the request, such as `['Send ', 'Lunch', ' to ', 'bob']`. The
   * values were chosen by the agent or by who feeds it: show them apart from the words, and never as a link.
   */
  readonly display?: readonly string[]
}

/** What a user is told of the one request that is asked for; undefined where scopes are asked for. */
export function askedOperation({ operation }: RequestedGrant): AskedOperation | undefined {
  if (operation?.name === undefined) return undefined
  const { digest: _, name, ...more } = operation
  return { name, ...more }
}

/** What a user is asked, for the agent to show. */
export interface ShownQuestion {
  /** The key given to `forUser`. */
  readonly user?: string
  readonly issuer: string
  readonly resource: string
  readonly scope: string
  /** The one request that the user is asked to approve. @see protocol §9.4 */
  readonly operation?: AskedOperation
}

/** Returns what a token request asks its user. */
export function shownQuestion({ asked, user }: Pick<GrantInteraction, 'asked' | 'user'>): ShownQuestion {
  const operation = askedOperation(asked)
  return {
    ...(user === undefined ? {} : { user }),
    ...(operation === undefined ? {} : { operation }),
    issuer: asked.issuer,
    resource: asked.resource,
    scope: canonicalScope(asked.scope),
  }
}
