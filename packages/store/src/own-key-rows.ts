import {
  type Algorithm,
  generatePrivateJwk,
  generateSigningKey,
  importSigningKey,
  type PrivateJwk,
  parsePublicJwk,
  type SigningKey,
  thumbprint,
} from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import type { ScheduledKey } from '@countersign/protocol/internal'
import type { Kysely } from 'kysely'
import type { KeyStore, OwnKey, RecordKey } from './own-key.js'
import type { KeyRoom, KeyTables, OwnKeyRow } from './own-key-tables.js'

/** Keeps own keys in memory only: their private parts cannot be exported, and end with the process. */
export function memoryKeyStore(algorithm: Algorithm, given: readonly PublishedKey[] = []): KeyStore {
  let keys: readonly OwnKey[] = unstored(given, [])
  return {
    load: async () => keys,
    async change({ add, spent, retired, forgotten }) {
      const made: OwnKey[] = []
      if (add !== undefined) {
        const key = await generateSigningKey(algorithm)
        const { publicJwk } = key
        made.push({ ...add, kid: await thumbprint(publicJwk), publicJwk, key, given: false, retired: false })
      }
      keys = [...keys, ...made]
        .filter(key => !forgotten.includes(key))
        .map(({ key, ...rest }) => {
          const isSpent = spent.some(({ kid }) => kid === rest.kid)
          const isRetired = rest.retired || retired.some(({ kid }) => kid === rest.kid)
          return { ...rest, retired: isRetired, key: isSpent ? undefined : key }
        })
      const [added] = made
      return { added, retired: retired.map(({ kid }) => kid) }
    },
  }
}

/** Given keys that are not stored: they ended when the first stored key began to sign. Among equals the last one signs. */
function unstored(given: readonly PublishedKey[], stored: readonly OwnKey[]): OwnKey[] {
  return given
    .filter(({ kid }) => !stored.some(key => key.kid === kid))
    .map(({ kid, key }) => ({
      generation: 0,
      kid,
      key,
      publicJwk: key.publicJwk,
      published: 0,
      signs: 0,
      given: true,
      retired: false,
    }))
    .reverse()
}

/** Keeps own keys in the database of a server: private parts included, but for those of given keys. */
// unchecked options o: all members are required, and one that is missing refuses everything
export function databaseKeyStore(
  { table, db, write }: KeyRoom,
  o: {
    readonly algorithm: Algorithm
    readonly given: readonly PublishedKey[]
    readonly now: () => number
    readonly record?: RecordKey | undefined
  },
): KeyStore {
  // bound: keys that are published; grown by the program
  let imported: ReadonlyMap<string, SigningKey> = new Map(o.given.map(({ kid, key }) => [kid, key]))
  return {
    async load() {
      const rows = await db.selectFrom(table).selectAll().orderBy('generation').execute()
      const keys = await Promise.all(rows.map(row => ownKey(row, imported.get(row.kid))))
      const held = keys.flatMap(({ kid, key }) => (key === undefined ? [] : [[kid, key] as const]))
      // bound: keys that are published; grown by the program
      imported = new Map([...o.given.map(({ kid, key }) => [kid, key] as const), ...held])
      return [...unstored(o.given, keys), ...keys]
    },
    async change({ add, spent, retired, forgotten }) {
      // The key is made before the transaction, which must stay short.
      const row = add && (await newKeyRow(add, o.algorithm))
      return write(async tx => {
        const left: string[] = []
        for (const { kid } of retired) {
          const { numUpdatedRows } = await tx
            .updateTable(table)
            .set({ retired: o.now() })
            .where('kid', '=', kid)
            .where('retired', 'is', null)
            .executeTakeFirstOrThrow()
          if (numUpdatedRows === 0n) continue
          left.push(kid)
          await o.record?.(tx, { did: 'retired', kid })
        }
        const gone = spent.map(({ kid }) => kid)
        if (gone.length > 0) await tx.updateTable(table).set({ private_jwk: null }).where('kid', 'in', gone).execute()
        const old = forgotten.map(({ kid }) => kid)
        if (old.length > 0) await tx.deleteFrom(table).where('kid', 'in', old).execute()
        if (row === undefined || !(await insertOnce(tx, table, row))) return { retired: left, added: undefined }
        await o.record?.(tx, { did: 'made', kid: row.kid, published: row.published, signs: row.signs })
        return { retired: left, added: { kid: row.kid } }
      })
    },
  }
}

/** If two instances make the next key at once, the first row wins. */
async function insertOnce(tx: Kysely<KeyTables>, table: string, row: OwnKeyRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows = 0n } = await tx
    .insertInto(table)
    .values(row)
    .onConflict(conflict => conflict.column('generation').doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows > 0n
}

/** Makes a key. */
export async function newKeyRow(
  { published, signs, generation }: { readonly generation: number } & ScheduledKey,
  algorithm: Algorithm,
): Promise<OwnKeyRow> {
  const jwk = await generatePrivateJwk(algorithm)
  const { publicJwk } = await importSigningKey(jwk)
  const [kid, public_jwk] = [await thumbprint(publicJwk), JSON.stringify(publicJwk)]
  const none = { retired: null, given: null, revoked: null }
  return { generation, published, signs, kid, public_jwk, private_jwk: JSON.stringify(jwk), ...none }
}

/** The schedule of a row. */
export function ownKeyOf(row: OwnKeyRow): Omit<OwnKey, 'key'> {
  const { generation, kid, published, signs, given, revoked, retired } = row
  return {
    generation,
    kid,
    published,
    signs,
    publicJwk: parsePublicJwk(parsed(row.public_jwk)),
    given: given !== null,
    retired: retired !== null,
    ...(revoked === null ? {} : { revoked }),
  }
}

async function ownKey(row: OwnKeyRow, known: SigningKey | undefined): Promise<OwnKey> {
  const key = ownKeyOf(row)
  // A key that was revoked signs nothing, also where its private part is in a file.
  if (key.revoked !== undefined) return key
  if (row.private_jwk === null) return key.given ? { ...key, key: known } : key
  return { ...key, key: known ?? (await importSigningKey(parsed(row.private_jwk) as PrivateJwk)) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause, which quotes the key.
    throw new TypeError('a stored key is not JSON')
  }
}
