import type { IdentifiedCaller } from '@countersign/verify'
import { principalOf } from '../grant/decide.js'
import { owns } from '../grant/grant.js'
import type { StoredRequest } from '../request/read-request.js'
import type { TokenContext } from './token-context.js'

/**
 * Tells whether a request is the caller's: of its agent and delegate and, where a single call is to be approved, of its very key
 * (APR-14, APR-33).
 */
export async function isCallers(
  row: StoredRequest,
  caller: IdentifiedCaller,
  { approvals }: Pick<TokenContext, 'approvals'>,
): Promise<boolean> {
  if (!owns(principalOf(caller), row)) return false
  switch (row.kind) {
    case 'access':
    case 'exchange':
      return true
    case 'call':
      return (await approvals.find(row.operation))?.agent_jkt === caller.key.thumbprint
  }
}
