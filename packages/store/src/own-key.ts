import type { Algorithm, PublicJwk, SigningKey } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import type { ScheduledKey } from '@countersign/protocol/internal'
import type { Kysely } from 'kysely'
import type { KeyTables } from './own-key-tables.js'

/** How a server's own keys rotate. */
export interface KeyRotation {
  /** Seconds that each key signs, at least 3600. */
  readonly rotateEvery: number
  /** Seconds that each key is published before it signs, at least 60; shared caches may keep a key set for 300. Default 900. */
  readonly publishAhead?: number
  /** The algorithm of new keys. Default `Ed25519`. */
  readonly algorithm?: Algorithm
  /**
   * Keys from before the rotation, as of a key file; the first one signs. The rotation counts its time from the first start with it, and
   * then replaces it. Their private parts are not stored.
   */
  readonly before?: readonly PublishedKey[]
}

/** One own key. Times are Unix seconds. */
export interface OwnKey extends ScheduledKey {
  /** Counts up from 1 without gaps, so that of two instances that make the next key at once one succeeds; 0 for a key that is not stored. */
  readonly generation: number
  readonly kid: string
  readonly publicJwk: PublicJwk
  /** Absent once the key no longer signs, and for a given key that this process was not given. */
  readonly key?: SigningKey | undefined
  /** Whether it comes from the options: its private part is not stored. */
  readonly given: boolean
  /** Whether the event of its retirement was sent. */
  readonly retired: boolean
}

/** One step of a rotation, done in one transaction. */
export interface KeyChange {
  readonly add?: ({ readonly generation: number } & ScheduledKey) | undefined
  /** Keys whose private parts are destroyed. */
  readonly spent: readonly OwnKey[]
  readonly retired: readonly OwnKey[]
  readonly forgotten: readonly OwnKey[]
}

/** Stores own keys. */
export interface KeyStore {
  load(): Promise<readonly OwnKey[]>
  /** Resolves with the changes of this call: another instance may have been first. */
  change(
    change: KeyChange,
  ): Promise<{ readonly added?: { readonly kid: string } | undefined; readonly retired: readonly string[] }>
}

/** Records an event with the change that it tells of, in its transaction. */
export type RecordKey = (tx: Kysely<KeyTables>, event: OwnKeyEvent) => Promise<void>

/** What happened to an own key, for an audit log. Times are Unix seconds. */
export type OwnKeyEvent =
  /** A key was made: it is published from `published`, and signs from `signs`. */
  | { readonly did: 'made'; readonly kid: string; readonly published: number; readonly signs: number }
  /** A key is no longer published: every token that it signed has ended. */
  | { readonly did: 'retired'; readonly kid: string }
  /** An operator revoked a key. */
  | { readonly did: 'revoked'; readonly kid: string }
