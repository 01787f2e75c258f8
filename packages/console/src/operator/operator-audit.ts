import { type AuditReader, readAudit } from '@countersign/audit'
import { room } from '@countersign/auth-server/internal'
import type { OperatorContext } from './operator-context.js'

/** The audit log of an auth server, for its operator. */
export interface OperatorAudit extends AuditReader {
  /**
   * Forgets the personal data of a user in all events: their `sub`, and that at other auth servers. Done by a running server, or at the
   * next start; proofs stay valid.
   * @throws Error where the database has no log
   */
  forget(sub: string): Promise<void>
}

/** Reads, and forgets. */
export function operatorAudit({ store, audit }: OperatorContext): OperatorAudit {
  return {
    ...readAudit({ store, room }),
    async forget(sub) {
      if (audit === undefined) throw new Error('the database has no audit log')
      await store.write(tx => audit.forgetUser(tx, sub))
    },
  }
}
