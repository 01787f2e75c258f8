import { type Migration, openStore, type Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import type { Seal } from './sealed.js'

/** Tokens as they are kept. */
export interface KeptTokens {
  readonly access_token: string
  readonly refresh_token?: string
  /** Unix seconds; absent where the provider does not say. */
  readonly expires?: number
}

/** The key of a row: a hash of the owner, and the API. */
export interface TokenPlace {
  readonly owner: string
  /** The hashes of the owner under replaced keys. */
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
   * Undefined for a missing row, and for one that cannot be decrypted: its key is unknown, or the row was changed or moved (F-66).
   * A row of an older key is written again with the first key.
   */
  read(place: TokenPlace): Promise<ReadTokens | undefined>
  write(place: TokenPlace, kept: KeptTokens): Promise<void>
  /** Replaces the tokens that were read; without `next` removes them. False if they have been replaced meanwhile. */
  replace(place: TokenPlace, read: ReadTokens, next: KeptTokens | undefined): Promise<boolean>
  /** Notes a use. */
  touch(place: TokenPlace): Promise<void>
  /** Removes an owner's tokens, under any name, and returns what it removed. */
  remove(place: TokenPlace): Promise<KeptTokens[]>
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
  return new StoredRows(await openStore<Tables>({ url, room: 'resource_oauth', migrations }), seal, now)
}

class StoredRows implements TokenRows {
  readonly #store: Store<Tables>
  readonly #seal: Seal
  readonly #now: () => number

  constructor(store: Store<Tables>, seal: Seal, now: () => number) {
    this.#store = store
    this.#seal = seal
    this.#now = now
  }

  async read(place: TokenPlace): Promise<ReadTokens | undefined> {
    const found = await this.#find(place)
    if (found === undefined || found.owner === place.owner) return found
    const fresh = this.#sealed(place, found)
    const isMoved = await this.#store.write(async tx => {
      const { numDeletedRows } = await remove(tx, { ...found, api: place.api })
      if (numDeletedRows > 0n) await put(tx, place, { sealed: fresh, last_used: found.lastUsed })
      return numDeletedRows > 0n
    })
    // Where another process was first, its row stands.
    return isMoved ? { ...found, sealed: fresh } : this.#find(place)
  }

  async write(place: TokenPlace, kept: KeptTokens): Promise<void> {
    await this.#store.write(tx => put(tx, place, { sealed: this.#sealed(place, kept), last_used: this.#now() }))
  }

  replace(place: TokenPlace, read: ReadTokens, next: KeptTokens | undefined): Promise<boolean> {
    return this.#store.write(async tx => {
      const { numDeletedRows } = await remove(tx, { ...place, sealed: read.sealed })
      if (numDeletedRows === 0n) return false
      if (next !== undefined) await put(tx, place, { sealed: this.#sealed(place, next), last_used: this.#now() })
      return true
    })
  }

  async touch({ owner, api }: TokenPlace): Promise<void> {
    await this.#store.write(tx =>
      tx.updateTable(table).set({ last_used: this.#now() }).where('owner', '=', owner).where('api', '=', api).execute(),
    )
  }

  async remove({ owner, before, api }: TokenPlace): Promise<KeptTokens[]> {
    // In one statement: what another process wrote a moment ago is returned too, so that its caller can revoke it.
    const rows = await this.#store.write(tx =>
      tx
        .deleteFrom(table)
        .where('owner', 'in', [owner, ...before])
        .where('api', '=', api)
        .returningAll()
        .execute(),
    )
    return rows.flatMap(row => this.#opened(row) ?? [])
  }

  async removeUnused(api: string, then: number): Promise<KeptTokens[]> {
    // In one statement: tokens that are used or written meanwhile stay, and only one of two processes gets a row to revoke.
    const rows = await this.#store.write(tx => {
      const unused = tx.selectFrom(table).select('owner').where('api', '=', api).where('last_used', '<=', then)
      return tx
        .deleteFrom(table)
        .where('api', '=', api)
        .where('last_used', '<=', then)
        .where('owner', 'in', unused.limit(removeAtMost))
        .returningAll()
        .execute()
    })
    return rows.flatMap(row => this.#opened(row) ?? [])
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async #find({ owner, before, api }: TokenPlace): Promise<FoundTokens | undefined> {
    const query = this.#store.db.selectFrom(table).select(['owner', 'api', 'sealed', 'last_used'])
    const rows = await query
      .where('owner', 'in', [owner, ...before])
      .where('api', '=', api)
      .execute()
    for (const name of [owner, ...before]) {
      const row = rows.find(one => one.owner === name)
      const kept = row === undefined ? undefined : this.#opened(row)
      if (row !== undefined && kept !== undefined) {
        return { ...kept, sealed: row.sealed, lastUsed: row.last_used, owner: row.owner }
      }
    }
    return undefined
  }

  #opened(row: Row): KeptTokens | undefined {
    const text = this.#seal.open(row.sealed, nameOf(row))
    return text === undefined ? undefined : (JSON.parse(text) as KeptTokens)
  }

  #sealed({ owner, api }: TokenPlace, { access_token, refresh_token, expires }: KeptTokens): Uint8Array {
    return this.#seal.close(JSON.stringify({ access_token, refresh_token, expires }), nameOf({ owner, api }))
  }
}

type Row = Pick<Tables[typeof table], 'owner' | 'api' | 'sealed'>
type FoundTokens = ReadTokens & Pick<Row, 'owner'>

/** Removes a row as it was read: `sealed` is never twice the same. */
function remove(tx: Transaction<Tables>, { owner, api, sealed }: Row): Promise<{ readonly numDeletedRows: bigint }> {
  return tx
    .deleteFrom(table)
    .where('owner', '=', owner)
    .where('api', '=', api)
    .where('sealed', '=', sealed)
    .executeTakeFirstOrThrow()
}

/** Writes tokens in place of whatever the owner has, under any name. */
async function put(
  tx: Transaction<Tables>,
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
