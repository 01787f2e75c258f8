import type { AAuth } from '@countersign/resource'

/** The verified facts that the APIs of the playground return. */
export type VerifiedFacts = Pick<
  AAuth,
  'level' | 'agent' | 'delegate' | 'user' | 'scope' | 'chain' | 'key' | 'txn' | 'purposes' | 'constraints'
>

/** The facts as JSON shows them. */
export function verifiedFacts(aauth: AAuth): VerifiedFacts {
  const { level, scope, chain } = aauth
  const { agent, delegate, user, key, txn, purposes, constraints } = aauth
  return {
    level,
    ...(agent === undefined ? {} : { agent }),
    ...(delegate === undefined ? {} : { delegate }),
    ...(user === undefined ? {} : { user }),
    scope,
    chain,
    ...(key === undefined ? {} : { key }),
    ...(txn === undefined ? {} : { txn }),
    ...(purposes === undefined ? {} : { purposes }),
    ...(constraints === undefined ? {} : { constraints }),
  }
}
