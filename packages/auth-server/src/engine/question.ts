import type { Conditions } from '@countersign/conditions'
import type { Policy, PolicyRequest } from '../policy/policy.js'

/** What may be permitted: a grant at once, or the question to a user. */
export type EngineAction = 'direct' | 'consent'

/** An engine permits an action: under conditions, and with somebody who approves single calls. */
export interface EnginePermit {
  readonly conditions: Conditions
  /** The `sub` of the user who approves calls under a direct grant. */
  readonly approver?: string | undefined
}

/** What an engine answers. */
export interface EngineAnswer {
  /** Undefined where the action is not permitted. */
  readonly permit: EnginePermit | undefined
  /** Names of the rules that decided; empty where none applies. */
  readonly by: readonly string[]
}

/** What an engine is told of a request, beside who asks and for which resource. */
export interface EngineContext {
  readonly scope: readonly string[]
  readonly purposes: readonly string[]
  readonly purpose?: string
  readonly user?: string
  readonly upstream?: {
    readonly issuer: string
    readonly sub?: string
    readonly scope: readonly string[]
    /** The agents that asked, without their order. */
    readonly agents: readonly string[]
  }
}

export function engineContext({ scope, purposes = [], purpose, user, upstream }: PolicyRequest): EngineContext {
  return {
    scope,
    purposes,
    ...(purpose === undefined ? {} : { purpose }),
    ...(user === undefined ? {} : { user }),
    ...(upstream === undefined ? {} : { upstream: upstreamContext(upstream) }),
  }
}

function upstreamContext({
  issuer,
  sub,
  scope,
  chain,
}: NonNullable<PolicyRequest['upstream']>): NonNullable<EngineContext['upstream']> {
  return {
    issuer,
    scope,
    agents: [...new Set(chain.map(({ agent }) => agent))],
    ...(sub === undefined ? {} : { sub }),
  }
}

/** The delegate of an agent, or the agent itself. No identifier holds a space, so the two never share a name. */
export function principalOf({ agent, delegate }: PolicyRequest): {
  readonly type: 'Agent' | 'Delegate'
  readonly id: string
} {
  return delegate === undefined ? { type: 'Agent', id: agent } : { type: 'Delegate', id: `${agent} ${delegate}` }
}

/** A policy that asks an engine first for a grant at once, then for the question to a user. */
export function enginePolicy(ask: (request: PolicyRequest, action: EngineAction) => Promise<EngineAnswer>): Policy {
  return async request => {
    const against = new Set<string>()
    for (const decision of ['direct', 'consent'] as const) {
      const { permit, by } = await ask(request, decision)
      if (permit !== undefined)
        return {
          decision,
          conditions: permit.conditions,
          ...(permit.approver === undefined ? {} : { approver: permit.approver }),
          ...(by.length === 0 ? {} : { by }),
        }
      for (const name of by) against.add(name)
    }
    return against.size === 0 ? 'deny' : { decision: 'deny', by: [...against] }
  }
}
