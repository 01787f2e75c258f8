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
import type { Store } from '@countersign/store'
import type { OwnKeyRow, Tables } from '../tables.js'
import type { KeyStore, OwnKey } from './own-keys.js'

/** Keeps own keys in memory only: their private parts cannot be exported, and end with the process. */
export function memoryKeyStore(algorithm: Algorithm): KeyStore {
  let keys: readonly OwnKey[] = []
  return {
    load: async () => keys,
    async change({ add, spent, retired, forgotten }) {
      const made: OwnKey[] = []
      if (add !== undefined) {
        const key = await generateSigningKey(algorithm)
        const { publicJwk } = key
        made.push({ ...add, kid: await thumbprint(publicJwk), publicJwk, key, retired: false })
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

/** Keeps own keys, private parts included, in the agent server's database. */
export function databaseKeyStore(store: Store<Tables>, algorithm: Algorithm, now: () => number): KeyStore {
  let imported: ReadonlyMap<string, SigningKey> = new Map()
  return {
    async load() {
      const rows = await store.db.selectFrom('agent_server_keys').selectAll().orderBy('generation').execute()
      const keys = await Promise.all(rows.map(row => ownKey(row, imported.get(row.kid))))
      imported = new Map(keys.flatMap(({ kid, key }) => (key === undefined ? [] : [[kid, key] as const])))
      return keys
    },
    async change({ add, spent, retired, forgotten }) {
      // The key is made before the transaction, which must stay short.
      const row = add && (await newRow(add, algorithm))
      return store.write(async tx => {
        const left: string[] = []
        for (const { kid } of retired) {
          const { numUpdatedRows } = await tx
            .updateTable('agent_server_keys')
            .set({ retired: now() })
            .where('kid', '=', kid)
            .where('retired', 'is', null)
            .executeTakeFirstOrThrow()
          if (numUpdatedRows > 0n) left.push(kid)
        }
        const gone = spent.map(({ kid }) => kid)
        if (gone.length > 0)
          await tx.updateTable('agent_server_keys').set({ private_jwk: null }).where('kid', 'in', gone).execute()
        const old = forgotten.map(({ kid }) => kid)
        if (old.length > 0) await tx.deleteFrom('agent_server_keys').where('kid', 'in', old).execute()
        const isFirst = row !== undefined && (await insertOnce(tx, row))
        return { retired: left, added: isFirst ? { kid: row.kid } : undefined }
      })
    },
  }
}

/** If two instances make the next key at once, the first row wins. */
async function insertOnce(tx: Store<Tables>['db'], row: OwnKeyRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows = 0n } = await tx
    .insertInto('agent_server_keys')
    .values(row)
    .onConflict(conflict => conflict.column('generation').doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows > 0n
}

async function newRow(
  add: { readonly generation: number; readonly published: number; readonly signs: number },
  algorithm: Algorithm,
): Promise<OwnKeyRow> {
  const jwk = await generatePrivateJwk(algorithm)
  const { publicJwk } = await importSigningKey(jwk)
  const kid = await thumbprint(publicJwk)
  return { ...add, kid, public_jwk: JSON.stringify(publicJwk), private_jwk: JSON.stringify(jwk), retired: null }
}

async function ownKey(row: OwnKeyRow, known: SigningKey | undefined): Promise<OwnKey> {
  const { generation, kid, published, signs, private_jwk, retired } = row
  const publicJwk = parsePublicJwk(parsed(row.public_jwk))
  const key = private_jwk === null ? undefined : (known ?? (await importSigningKey(parsed(private_jwk) as PrivateJwk)))
  return { generation, kid, published, signs, publicJwk, retired: retired !== null, key }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause, which quotes the key.
    throw new TypeError('a stored key is not JSON')
  }
}
