import { type Migration, openStore } from '@countersign/store'
import type { Seal } from './sealed.js'

/** Tokens as they are kept. */
export interface KeptTokens {
  readonly access_token: string
  readonly refresh_token?: string
  /** Unix seconds; absent where the provider does not say. */
  readonly expires?: number
}

/** Where tokens are: of whom, in a way that names nobody, and at which API. */
export interface TokenPlace {
  readonly owner: string
  readonly api: string
}

/** The table of tokens. */
export interface TokenRows {
  /** Absent for a row that is not there, and for one that does not open: another key, or changed, or moved (F-66). */
  read(place: TokenPlace): Promise<(KeptTokens & { readonly lastUsed: number }) | undefined>
  write(place: TokenPlace, kept: KeptTokens): Promise<void>
  /** Notes a use. */
  touch(place: TokenPlace): Promise<void>
  remove(place: TokenPlace): Promise<void>
  /** Removes a few that nobody has used since `then`, and returns what they held. */
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

const removeAtMost = 20

/** Opens the table. @throws StoreError */
export async function openTokenRows(url: string, seal: Seal, now: () => number): Promise<TokenRows> {
  const store = await openStore<Tables>({ url, room: 'resource_oauth', migrations })
  const table = 'resource_oauth_tokens'
  const opened = (place: TokenPlace, sealed: Uint8Array): KeptTokens | undefined => {
    const text = seal.open(sealed, nameOf(place))
    return text === undefined ? undefined : (JSON.parse(text) as KeptTokens)
  }
  const few = (tx: typeof store.db) => tx.selectFrom(table).select('owner').limit(removeAtMost)
  const remove = async ({ owner, api }: TokenPlace): Promise<void> => {
    await store.write(tx => tx.deleteFrom(table).where('owner', '=', owner).where('api', '=', api).execute())
  }
  return {
    remove,
    async read({ owner, api }) {
      const query = store.db.selectFrom(table).select(['sealed', 'last_used'])
      const row = await query.where('owner', '=', owner).where('api', '=', api).executeTakeFirst()
      const kept = row === undefined ? undefined : opened({ owner, api }, row.sealed)
      return row === undefined || kept === undefined ? undefined : { ...kept, lastUsed: row.last_used }
    },
    async write({ owner, api }, { access_token, refresh_token, expires }) {
      const sealed = seal.close(JSON.stringify({ access_token, refresh_token, expires }), nameOf({ owner, api }))
      const fresh = { sealed, last_used: now() }
      await store.write(tx =>
        tx
          .insertInto(table)
          .values({ owner, api, ...fresh })
          .onConflict(conflict => conflict.columns(['owner', 'api']).doUpdateSet(fresh))
          .execute(),
      )
    },
    async touch({ owner, api }) {
      await store.write(tx =>
        tx.updateTable(table).set({ last_used: now() }).where('owner', '=', owner).where('api', '=', api).execute(),
      )
    },
    async removeUnused(api, then) {
      // In one statement: what is used or kept anew meanwhile stays, and of two processes one has what is to be revoked.
      const rows = await store.write(tx =>
        tx
          .deleteFrom(table)
          .where('api', '=', api)
          .where('last_used', '<=', then)
          .where('owner', 'in', few(tx).where('api', '=', api).where('last_used', '<=', then))
          .returning(['owner', 'sealed'])
          .execute(),
      )
      return rows.flatMap(({ owner, sealed }) => opened({ owner, api }, sealed) ?? [])
    },
    close: () => store.close(),
  }
}

/** Neither holds a space. */
function nameOf({ owner, api }: TokenPlace): string {
  return `${api} ${owner}`
}
