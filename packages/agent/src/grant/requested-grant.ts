import type { Operation } from '@countersign/protocol'

/** Members of a token request. */
export type Form = Readonly<Record<string, string>>

/** A grant that an auth server is asked for: a scope at a resource. */
export interface RequestedGrant {
  readonly issuer: string
  readonly resource: string
  readonly scope: readonly string[]
  /** Names of purposes, sorted, with single spaces; undefined where there are none. */
  readonly purposes?: string | undefined
  /** The one request that a user is asked to approve. */
  readonly operation?: (Pick<Operation, 'digest'> & Partial<Operation>) | undefined
}
