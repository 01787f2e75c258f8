import type { AAuth } from '@countersign/resource'

/** What the playground's APIs echo of the facts they have verified. */
export type VerifiedFacts = Pick<AAuth, 'level' | 'agent' | 'delegate' | 'user' | 'scope' | 'chain' | 'key' | 'txn'>

/** The facts as JSON shows them. */
export function verifiedFacts(aauth: AAuth): VerifiedFacts {
  const { level, scope, chain } = aauth
  const { agent, delegate, user, key, txn } = aauth
  return {
    level,
    ...(agent === undefined ? {} : { agent }),
    ...(delegate === undefined ? {} : { delegate }),
    ...(user === undefined ? {} : { user }),
    scope,
    chain,
    ...(key === undefined ? {} : { key }),
    ...(txn === undefined ? {} : { txn }),
  }
}
