import type { Conditions } from '@countersign/conditions'

/** The owner of a grant, whatever key it signs with: an agent, or exactly one of its delegates. */
export interface Principal {
  readonly agent: string
  readonly delegate?: string
}

/** The columns that name a principal. */
interface PrincipalColumns {
  readonly agent: string
  /** Empty for the agent itself. */
  readonly agent_delegate: string
}

/** The columns of a principal. */
export function principalColumns({ agent, delegate = '' }: Principal): PrincipalColumns {
  return { agent, agent_delegate: delegate }
}

/** Whose a grant or request is. */
export function principalIn({ agent, agent_delegate }: PrincipalColumns): Principal {
  return { agent, ...(agent_delegate === '' ? {} : { delegate: agent_delegate }) }
}

/** Tells whether a grant or request is this principal's: an agent has no part in those of its delegates, nor they in its. */
export function owns({ agent, delegate = '' }: Principal, row: PrincipalColumns): boolean {
  return row.agent === agent && row.agent_delegate === delegate
}

/** What was granted. */
export interface Grant {
  readonly id: string
  readonly resource: string
  /** Serialised, identity scopes included. */
  readonly scope: string
  readonly purpose?: string | undefined
  /** The audit id that its tokens carry, where the resource named one. */
  readonly txn?: string | undefined
  /** The user who allowed it; absent for a direct grant. */
  readonly user?: GrantUser | undefined
  /** The names among the resource's purposes that it is for. */
  readonly purposes?: readonly string[] | undefined
  /** The conditions that its user chose. Those of operator and delegate are today's, at each token. */
  readonly conditions?: Conditions | undefined
  /** Whether it continues under another name than it began with. */
  readonly isRenamed?: true | undefined
}

/** The user of a grant. */
export interface GrantUser {
  readonly sub: string
  /** The claims of the granted identity scopes, as of the consent. */
  readonly claims: Readonly<Record<string, unknown>>
}
