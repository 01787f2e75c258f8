/** The reasons of an {@link AuditError}. */
export type AuditErrorCode =
  /** A checkpoint, key, proof or tile is not of its form. */
  | 'malformed'
  /** A signature is missing, of another key, or wrong. */
  | 'signature'
  /** A proof does not lead to the root of its checkpoint. */
  | 'proof'
  /** Another log than the one that was asked for. */
  | 'origin'
  /** The tree in the database does not go on from the last signed checkpoint: nothing is signed. */
  | 'inconsistent'
  /** A record or tile in the database is not the one that was signed; `cause` has its `index`. The next checkpoints are signed all the same. */
  | 'changed'
  /** The witness has seen another tree of this log: it has forked, or its database was restored. */
  | 'witness-conflict'
  /** The witness gave no answer that can be used; it may later. */
  | 'witness-unavailable'
  /** There is no such event: not yet, not any more, or there never was. */
  | 'not-found'
  /** No checkpoint covers the event yet. */
  | 'not-signed'
  /** The folder of an export has files already. */
  | 'not-empty'

/** An error of the audit log. Its message is constant text without values. */
export class AuditError extends Error {
  readonly code: AuditErrorCode

  constructor(code: AuditErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'AuditError'
    this.code = code
  }
}
