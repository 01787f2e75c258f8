import { thumbprint } from '@countersign/httpsig'
import { jwks, type PublishedKey } from '@countersign/protocol'
import type { KeySchedule } from '@countersign/protocol/internal'
import type { Kysely } from 'kysely'
import { type ChangedKeys, type KnownKeys, knownNames, recordNames } from './known-keys.js'
import type { KeyRotation, OwnKeyEvent, RecordKey } from './own-key.js'
import { databaseKeyStore } from './own-key-rows.js'
import { type KeyRoom, type KeyTables, keyRoom, type OwnKeyRow } from './own-key-tables.js'
import { fixedKeys, type OwnKeys, scheduledKeys } from './own-keys.js'
import type { Store } from './store.js'

/** The keys that a server is started with. */
export interface StartKeys {
  readonly room: string
  /** A list is fixed: nothing rotates. */
  readonly keys: readonly PublishedKey[] | KeyRotation
  /** How to treat the keys that the database was used with. */
  readonly knownKeys: KnownKeys
  readonly now: () => number
  /** Called in the transaction that records other keys than before; not for the first ones of a database. */
  readonly also?: ((tx: Kysely<KeyTables>, changed: ChangedKeys) => Promise<void>) | undefined
}

/** What the own keys of a server are opened with. */
export interface OwnKeysOptions extends Pick<StartKeys, 'room' | 'keys' | 'now'> {
  /** The schedule of a rotation. */
  readonly schedule: (rotation: KeyRotation) => KeySchedule
  /** Records events in the transactions of their changes. */
  readonly record?: RecordKey
  readonly onEvent: (event: OwnKeyEvent) => void
}

const otherKeys =
  'the database was used with other keys: configure those again, or set knownKeys to replace if they are lost or stolen'

const newKeys =
  'the keys of the database rotate, and it was not used with these: a new key is made by the rotation or its operator. Leave these out, or set knownKeys to replace if all others are lost or stolen'

/**
 * Takes over the keys that a server is started with, and checks that its database was used with them. With others, all its tokens would be
 * refused, and no error would say why.
 * @throws Error when the database was used with other keys, or a given key was revoked
 * @throws TypeError when the keys cannot be in one JWK set
 */
export async function takeOverKeys<T>(store: Store<T>, o: StartKeys): Promise<void> {
  const { keys } = o
  const place = keyRoom(store, o.room)
  jwks('rotateEvery' in keys ? (keys.before ?? []) : keys)
  if ('rotateEvery' in keys) return takeOver(place, keys.before ?? [], o)
  if (o.knownKeys !== 'ignore') await checkFixed(place, keys, o)
}

/**
 * Opens the own keys of a server, which {@link takeOverKeys} took over.
 * @throws TypeError, RangeError for unfit keys, or an unfit schedule
 */
// unchecked options o: all members are required, and one that is missing refuses everything
export async function openOwnKeys<T>(store: Store<T>, o: OwnKeysOptions): Promise<OwnKeys> {
  const { keys, now, onEvent, record } = o
  if (!('rotateEvery' in keys)) return fixedKeys(keys)
  const { algorithm = 'Ed25519', before = [] } = keys
  const schedule = o.schedule(keys)
  const keyStore = databaseKeyStore(keyRoom(store, o.room), { algorithm, given: before, now, record })
  return scheduledKeys({ keyStore, schedule, now, onEvent })
}

/** Checks keys that do not rotate. */
async function checkFixed(place: KeyRoom, keys: readonly PublishedKey[], o: StartKeys): Promise<void> {
  const names = await namesOf(keys)
  await place.write(async tx => {
    const rows = await tx.selectFrom(place.table).selectAll().execute()
    checkRevoked(keys, rows)
    if (o.knownKeys === 'replace') await revokeOthers(tx, { place, keys: [], at: o.now() })
    else if (rows.some(({ given, revoked }) => given === null && revoked === null))
      throw new Error(
        'the keys of the database rotate: leave the rotation on, or set knownKeys to replace, which ends its keys at once',
      )
    const known = await knownNames(tx, o.room)
    if (o.knownKeys === 'check' && known.size > 0 && !names.some(name => known.has(name))) throw new Error(otherKeys)
    // The rotation begins anew where it is turned on again.
    await tx.deleteFrom(place.table).where('given', 'is not', null).where('revoked', 'is', null).execute()
    await noteNames(tx, o, { names, known })
  })
}

/** Records the keys that a rotation begins with, and checks that they are those of the database. */
async function takeOver(place: KeyRoom, keys: readonly PublishedKey[], o: StartKeys): Promise<void> {
  const names = await namesOf(keys)
  await place.write(async tx => {
    const at = o.now()
    if (o.knownKeys === 'replace') await revokeOthers(tx, { place, keys, at })
    const rows = await tx.selectFrom(place.table).selectAll().execute()
    const known = await knownNames(tx, o.room)
    const isNew = rows.length === 0
    if (o.knownKeys === 'check' && !isKnown({ names, known, isNew })) throw new Error(isNew ? otherKeys : newKeys)
    if (rows.every(({ revoked }) => revoked !== null)) await insertGiven(tx, { place, keys, rows, at })
    if (names.length > 0) await noteNames(tx, o, { names, known })
  })
}

async function noteNames(
  tx: Kysely<KeyTables>,
  { room, also }: StartKeys,
  { names, known }: { readonly names: readonly string[]; readonly known: ReadonlySet<string> },
): Promise<void> {
  const changed = await recordNames(tx, room, { names, known })
  if (changed !== undefined && known.size > 0) await also?.(tx, changed)
}

function isKnown(o: {
  readonly names: string[]
  readonly known: ReadonlySet<string>
  readonly isNew: boolean
}): boolean {
  if (o.known.size === 0) return true
  // Where a rotation goes on, a new key of a file would not be used: better to say so.
  return o.isNew ? o.names.some(name => o.known.has(name)) : o.names.every(name => o.known.has(name))
}

/** The given keys, the first of which signs, as the rows that a rotation begins with. The others have signed until now, at most. */
async function insertGiven(
  tx: Kysely<KeyTables>,
  o: {
    readonly place: KeyRoom
    readonly keys: readonly PublishedKey[]
    readonly rows: readonly OwnKeyRow[]
    readonly at: number
  },
): Promise<void> {
  let generation = Math.max(0, ...o.rows.map(row => row.generation))
  const taken = new Set(o.rows.map(({ kid }) => kid))
  const usable = o.keys.filter(({ kid }) => !taken.has(kid)).reverse()
  for (const [index, { kid, key }] of usable.entries()) {
    generation += 1
    const isLast = index === usable.length - 1
    const times = isLast ? { published: o.at, signs: o.at } : { published: 0, signs: 0 }
    const none = { private_jwk: null, retired: null, revoked: null }
    const row = { generation, kid, ...times, public_jwk: JSON.stringify(key.publicJwk), given: o.at, ...none }
    await tx.insertInto(o.place.table).values(row).execute()
  }
}

function checkRevoked(keys: readonly PublishedKey[], rows: readonly OwnKeyRow[]): void {
  const revoked = keys.find(({ kid }) => rows.some(row => row.kid === kid && row.revoked !== null))
  if (revoked !== undefined)
    throw new Error(`the key ${JSON.stringify(revoked.kid)} was revoked: replace it by a new one`)
}

/**
 * Ends the keys that a backup brings back: some may have been revoked since. Given keys end, too; the rotation begins anew.
 * @returns how many
 */
export async function endOwnKeys<T>(store: Store<T>, room: string, now: () => number): Promise<number> {
  const place = keyRoom(store, room)
  return place.write(tx => revokeOthers(tx, { place, keys: [], at: now() }))
}

/** Ends every key but those of a list, which begin anew. */
async function revokeOthers(
  tx: Kysely<KeyTables>,
  o: { readonly place: KeyRoom; readonly keys: readonly PublishedKey[]; readonly at: number },
): Promise<number> {
  const { table } = o.place
  for (const { kid } of o.keys) await tx.deleteFrom(table).where('kid', '=', kid).where('revoked', 'is', null).execute()
  const { numUpdatedRows } = await tx
    .updateTable(table)
    .set({ revoked: o.at, private_jwk: null })
    .where('revoked', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(numUpdatedRows)
}

function namesOf(keys: readonly PublishedKey[]): Promise<string[]> {
  return Promise.all(keys.map(({ key }) => thumbprint(key.publicJwk)))
}
