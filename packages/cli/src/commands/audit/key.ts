import { existsSync } from 'node:fs'
import { auditOrigin, checkpointSigner } from '@countersign/audit'
import { printJson, printLines, requireIdentifier, shown, UsageError } from '@countersign/fetch/internal'
import { auditKeyIn } from '../../server/audit-log.js'

/** The flags of `countersign audit key`. */
export interface AuditKeyFlags {
  readonly id?: string
  readonly new?: boolean
  readonly development?: boolean
  readonly json?: boolean
}

/** `countersign audit key FILE`: prints the public key of an audit log, and with `--new` makes its key. */
export async function auditKey(file: string, { id, new: isNew, development, json }: AuditKeyFlags): Promise<void> {
  if (id === undefined) throw new UsageError('--id is missing: the identifier of the server, which names its log')
  requireIdentifier(id, '--id', development === true)
  if (isNew === true && existsSync(file)) throw new UsageError(`there is a file ${shown(file)} already`)
  const key = await auditKeyIn(file, isNew === true ? 'make' : 'refuse')
  const { origin, publicKey } = checkpointSigner({ origin: auditOrigin(id), key })
  if (json === true) printJson({ file, origin, public_key: publicKey })
  else printLines(publicKey)
}
