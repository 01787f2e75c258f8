/** What happened in the history of an account. */
export type HistoryEntry =
  | 'account_created'
  | 'signed_in'
  | 'passkey_added'
  | 'passkey_removed'
  | 'passkey_copied'
  | 'recovered'
  | 'provider_linked'
  | 'provider_unlinked'
