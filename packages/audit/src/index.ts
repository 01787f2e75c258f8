export type { SigningKey } from '@countersign/httpsig'
export type { Migration, Store } from '@countersign/store'
export { AuditError, type AuditErrorCode } from './audit-error.js'
export type { AuditFault } from './check/audit-fault.js'
export { type EventProof, type ProvenEvent, verifyProof } from './check/proof.js'
export { type AuditReport, type VerifyAuditOptions, verifyAudit } from './check/verify-audit.js'
export type { AuditEvent, AuditValue, KeptEvent, PersonalValue, PlacedEvent } from './event/event.js'
export type { AppendEvents } from './log/append.js'
export {
  type AuditAppender,
  type AuditLog,
  type AuditLogOptions,
  type AuditReader,
  appendAudit,
  createAuditLog,
  readAudit,
} from './log/audit-log.js'
export type { AuditExport, Exported } from './log/export.js'
export type { AuditPage, AuditQuery } from './log/query.js'
export { auditMigration } from './log/tables.js'
export { auditOrigin, type CheckpointHead, parseCheckpoint } from './note/checkpoint.js'
export { type CheckpointSigner, checkpointSigner } from './note/signer.js'
export { verifyCheckpoint } from './note/verifier-key.js'
export { type CosignAnswer, type CosignRequest, cosignatureTime, httpWitness, type Witness } from './note/witness.js'
export type { AuditOptions } from './report/open-reporting.js'
export { leafHash } from './tree/hash.js'
export { type ConsistencyProof, type InclusionProof, verifyConsistency, verifyInclusion } from './tree/verify-proof.js'
