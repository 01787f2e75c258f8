import { isIdentifier } from '@countersign/protocol'

/** What an agent asks for, once everything it shows has been verified. */
export interface PolicyRequest {
  /** The agent identifier. */
  readonly agent: string
  /** Which of its delegates; absent when the agent server itself asks. */
  readonly delegate?: string
  /** The resource the token would be for. */
  readonly resource: string
  readonly scope: readonly string[]
  /** What the agent says it wants this for: a claim, not a fact. */
  readonly purpose?: string
}

/** `direct`: grant at once, without a user. `deny`: refuse. */
export type Decision = 'direct' | 'deny'

/** Decides every grant, and again at every refresh. When it throws, nothing is granted. */
export type Policy = (request: PolicyRequest) => Decision | Promise<Decision>

/** One line of {@link directGrants}. */
export interface DirectGrant {
  readonly agent: string
  /** Which delegates of the agent share the grant, besides the agent server itself. Default `none`. */
  readonly delegates?: 'none' | 'any' | readonly string[]
  readonly resource: string
  readonly scopes: readonly string[]
}

/**
 * A policy from a list: direct where the lines for this agent, delegate and resource hold every scope, else deny.
 * @throws TypeError when a line names no identifier
 * @see protocol §6.3 "Direct grants by policy name their delegates"
 */
export function directGrants(list: readonly DirectGrant[]): Policy {
  const lines = new Map<string, DirectGrant[]>()
  for (const line of list) {
    for (const id of [line.agent, line.resource]) {
      if (!isIdentifier(id, { development: true })) {
        throw new TypeError('agent and resource of a direct grant must be identifiers such as https://agent.example')
      }
    }
    const key = keyOf(line)
    lines.set(key, [...(lines.get(key) ?? []), line])
  }
  return request => {
    const applicable = (lines.get(keyOf(request)) ?? []).filter(line => covers(line, request.delegate))
    const allowed = new Set(applicable.flatMap(line => line.scopes))
    return request.scope.length > 0 && request.scope.every(scope => allowed.has(scope)) ? 'direct' : 'deny'
  }
}

/** Identifiers hold no space, so two different pairs never share a key. */
function keyOf(pair: { readonly agent: string; readonly resource: string }): string {
  return `${pair.agent} ${pair.resource}`
}

function covers({ delegates = 'none' }: DirectGrant, delegate: string | undefined): boolean {
  if (delegate === undefined || delegates === 'any') return true
  return delegates !== 'none' && delegates.includes(delegate)
}
