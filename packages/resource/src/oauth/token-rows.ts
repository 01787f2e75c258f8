import { type Migration, openStore, type Store } from '@countersign/store'
import type { Seal } from './sealed.js'

/** Tokens as they are kept. */
export interface KeptTokens {
  readonly access_token: string
  readonly refresh_token?: string
  /** Unix seconds; absent where the provider does not say. */
  readonly expires?: number
}

/** The place of tokens: a hash of their owner, which names no one, and the API. */
export interface TokenPlace {
  readonly owner: string
  /** What the owner was called under keys that have been replaced. */
  readonly before: readonly string[]
  readonly api: string
}

/** Tokens as they were read: no other write has the same `sealed`. */
export interface ReadTokens extends KeptTokens {
  readonly sealed: Uint8Array
  readonly lastUsed: number
}

/** The table of tokens. */
export interface TokenRows {
  /**
   * Absent for a row that is not there, and for one that does not open: another key, or changed, or moved (F-66). What an
   * older key has named and sealed is written anew with the first.
   */
  read(place: TokenPlace): Promise<ReadTokens | undefined>
  write(place: TokenPlace, kept: KeptTokens): Promise<void>
  /** Replaces what was read, or removes it where there is nothing in its place; false when it is no longer what is there. */
  replace(place: TokenPlace, read: ReadTokens, next: KeptTokens | undefined): Promise<boolean>
  /** Notes a use. */
  touch(place: TokenPlace): Promise<void>
  remove(place: TokenPlace): Promise<void>
  /** Removes a few tokens that were not used since `then`, and returns them. */
  removeUnused(api: string, then: number): Promise<KeptTokens[]>
  close(): Promise<void>
}

interface Tables {
  resource_oauth_tokens: { owner: string; api: string; sealed: Uint8Array; last_used: number }
}

const migrations: readonly Migration[] = [
  {
    name: '001-oauth-tokens',
    async up(db, dialect) {
      await db.schema
        .createTable('resource_oauth_tokens')
        .addColumn('owner', 'text', column => column.notNull())
        .addColumn('api', 'text', column => column.notNull())
        .addColumn('sealed', dialect === 'sqlite' ? 'blob' : 'bytea', column => column.notNull())
        .addColumn('last_used', 'double precision', column => column.notNull())
        .addPrimaryKeyConstraint('resource_oauth_tokens_pk', ['owner', 'api'])
        .execute()
      await db.schema
        .createIndex('resource_oauth_tokens_last_used')
        .on('resource_oauth_tokens')
        .columns(['api', 'last_used'])
        .execute()
    },
  },
]

const table = 'resource_oauth_tokens'
const removeAtMost = 20

/** Opens the table. @throws StoreError */
export async function openTokenRows(url: string, seal: Seal, now: () => number): Promise<TokenRows> {
  const store = await openStore<Tables>({ url, room: 'resource_oauth', migrations })
  const opened = (row: Row): KeptTokens | undefined => {
    const text = seal.open(row.sealed, nameOf(row))
    return text === undefined ? undefined : (JSON.parse(text) as KeptTokens)
  }
  const sealed = ({ owner, api }: TokenPlace, { access_token, refresh_token, expires }: KeptTokens): Uint8Array =>
    seal.close(JSON.stringify({ access_token, refresh_token, expires }), nameOf({ owner, api }))
  const find = async ({ owner, before, api }: TokenPlace): Promise<FoundTokens | undefined> => {
    const query = store.db.selectFrom(table).select(['owner', 'api', 'sealed', 'last_used'])
    const rows = await query
      .where('owner', 'in', [owner, ...before])
      .where('api', '=', api)
      .execute()
    for (const name of [owner, ...before]) {
      const row = rows.find(one => one.owner === name)
      const kept = row === undefined ? undefined : opened(row)
      if (row !== undefined && kept !== undefined) {
        return { ...kept, sealed: row.sealed, lastUsed: row.last_used, owner: row.owner }
      }
    }
    return undefined
  }
  return {
    async read(place) {
      const found = await find(place)
      if (found === undefined || found.owner === place.owner) return found
      const fresh = sealed(place, found)
      const isMoved = await store.write(async tx => {
        const { numDeletedRows } = await remove(tx, { ...found, api: place.api })
        if (numDeletedRows > 0n) await put(tx, place, { sealed: fresh, last_used: found.lastUsed })
        return numDeletedRows > 0n
      })
      // Where another process was first, its row stands.
      return isMoved ? { ...found, sealed: fresh } : find(place)
    },
    write: (place, kept) => store.write(tx => put(tx, place, { sealed: sealed(place, kept), last_used: now() })),
    replace: (place, read, next) =>
      store.write(async tx => {
        const { numDeletedRows } = await remove(tx, { ...place, sealed: read.sealed })
        if (numDeletedRows === 0n) return false
        if (next !== undefined) await put(tx, place, { sealed: sealed(place, next), last_used: now() })
        return true
      }),
    async touch({ owner, api }) {
      await store.write(tx =>
        tx.updateTable(table).set({ last_used: now() }).where('owner', '=', owner).where('api', '=', api).execute(),
      )
    },
    async remove({ owner, before, api }) {
      await store.write(tx =>
        tx
          .deleteFrom(table)
          .where('owner', 'in', [owner, ...before])
          .where('api', '=', api)
          .execute(),
      )
    },
    async removeUnused(api, then) {
      // In one statement: what is used or kept anew meanwhile stays, and of two processes one has what is to be revoked.
      const rows = await store.write(tx => {
        const unused = tx.selectFrom(table).select('owner').where('api', '=', api).where('last_used', '<=', then)
        return tx
          .deleteFrom(table)
          .where('api', '=', api)
          .where('last_used', '<=', then)
          .where('owner', 'in', unused.limit(removeAtMost))
          .returningAll()
          .execute()
      })
      return rows.flatMap(row => opened(row) ?? [])
    },
    close: () => store.close(),
  }
}

type Row = Pick<Tables[typeof table], 'owner' | 'api' | 'sealed'>
type FoundTokens = ReadTokens & Pick<Row, 'owner'>
type Transaction = Store<Tables>['db']

/** Removes a row as it was read: `sealed` is never twice the same. */
function remove(tx: Transaction, { owner, api, sealed }: Row): Promise<{ readonly numDeletedRows: bigint }> {
  return tx
    .deleteFrom(table)
    .where('owner', '=', owner)
    .where('api', '=', api)
    .where('sealed', '=', sealed)
    .executeTakeFirstOrThrow()
}

/** Writes tokens in place of whatever the owner has, under any name. */
async function put(
  tx: Transaction,
  { owner, before, api }: TokenPlace,
  fresh: { readonly sealed: Uint8Array; readonly last_used: number },
): Promise<void> {
  if (before.length > 0) await tx.deleteFrom(table).where('owner', 'in', before).where('api', '=', api).execute()
  await tx
    .insertInto(table)
    .values({ owner, api, ...fresh })
    .onConflict(conflict => conflict.columns(['owner', 'api']).doUpdateSet(fresh))
    .execute()
}

/** Neither holds a space. */
function nameOf({ owner, api }: Pick<TokenPlace, 'owner' | 'api'>): string {
  return `${api} ${owner}`
}
