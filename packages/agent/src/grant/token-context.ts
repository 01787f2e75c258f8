import type { Directory } from '@countersign/discovery'
import type { IdentifierList, Operation } from '@countersign/protocol'
import type { Credentials } from '../identity/credentials.js'
import type { SignedPost } from '../wire/signed-post.js'
import type { Grants } from './grants.js'

/** What a token request needs. */
export interface TokenRequestContext {
  readonly discovery: Directory
  readonly post: SignedPost
  readonly now: () => number
  readonly development: boolean
}

/** What redeeming a code needs. */
export interface RedemptionContext extends TokenRequestContext {
  /** No default: without this list no auth server is accepted, nor any grant of one. */
  readonly acceptAuthServer: IdentifierList | undefined
  readonly sleep: (seconds: number) => Promise<void>
  readonly credentials: Credentials
  readonly grants: Pick<Grants, 'keep'>
}

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
