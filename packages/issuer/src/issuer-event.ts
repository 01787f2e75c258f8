/** What an auth server and an agent server both do, for their logs. */
export type IssuerEvent = {
  /** The name of the request in the server's log; absent where no request caused the event. */
  readonly request_id?: string
} & (
  | {
      /** An own key was made: it is published from `published`, and signs from `signs`, both Unix seconds. */
      readonly type: 'key_made'
      readonly kid: string
      readonly published: number
      readonly signs: number
      /** The admin who had it made on the admin page; absent for the rotation, a command or the API. */
      readonly by?: string
    }
  /** An own key is no longer published: every token that it signed has ended. */
  | { readonly type: 'key_retired'; readonly kid: string }
  /** An operator revoked an own key: its tokens are refused. */
  | { readonly type: 'key_revoked'; readonly kid: string; readonly by?: string }
  /** For the audit log only: the server started with other keys than before, named by their thumbprints. */
  | { readonly type: 'keys_changed'; readonly added: readonly string[]; readonly removed: readonly string[] }
  /** For the audit log only: an instance started. */
  | {
      readonly type: 'started'
      /** Thumbprints of the signing keys of its options; the first one signs, until a rotation has replaced it. */
      readonly keys?: readonly string[]
      /** The public key that verifies the checkpoints of the log. */
      readonly audit_key: string
    }
  /** At the start: the epoch mark outside the database was lost, and is written anew. A restored database would have gone unnoticed. */
  | { readonly type: 'alarm'; readonly reason: 'epoch-lost' }
  /** No checkpoint of the audit log could be signed, or no cosignature got, for reasons in `cause`. Told once a minute at most, and not recorded. */
  | { readonly type: 'alarm'; readonly reason: 'audit-failing'; readonly cause: unknown }
  /** The database is not as it was logged at this place of the audit log: somebody has changed it. Told once a minute at most, and not recorded. */
  | { readonly type: 'alarm'; readonly reason: 'audit-changed'; readonly index: number }
)
