import type { Directory } from '@countersign/discovery'
import type { IdentifierList } from '@countersign/protocol'
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
