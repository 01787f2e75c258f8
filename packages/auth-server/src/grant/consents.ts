import type { Store } from '@countersign/store'
import { sweepAtMost } from '../bound/sweep.js'
import type { Tables } from '../tables.js'
import { refreshTokenLifetime } from './refresh-token.js'

/** Seconds between two notes of a use. */
const noteEvery = 86_400

/** What a consent is remembered for: exactly this user, agent, delegate, resource and chain. @see protocol §6.3 */
export interface ConsentKey {
  readonly user_sub: string
  readonly agent: string
  readonly agent_delegate: string
  readonly resource: string
  /** Names the chain of an exchange. Default: none, the agent asks for itself. */
  readonly chain?: string | undefined
  /** Names the grant that the chain began with, so that the consent ends with it; not part of the key. */
  readonly beginning?: string | undefined
}

type Transaction = Store<Tables>['db']

/** The columns that a key names. */
function namedBy({ user_sub, agent, agent_delegate, resource, chain = '' }: ConsentKey): ConsentColumns {
  return { user_sub, agent, agent_delegate, resource, chain }
}

type ConsentColumns = Omit<ConsentKey, 'chain' | 'beginning'> & { readonly chain: string }

/** The part of `scope` that the user has allowed before. */
export async function rememberedScope(
  db: Store<Tables>['db'],
  key: ConsentKey,
  o: { readonly scope: readonly string[]; readonly now: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('auth_server_consents')
    .select('scope')
    .where(({ and }) => and(namedBy(key)))
    .where('scope', 'in', [...o.scope])
    .where('last_used', '>', o.now - refreshTokenLifetime)
    .execute()
  return o.scope.filter(name => rows.some(row => row.scope === name))
}

/** Remembers a consent, in the transaction that makes the code. */
export async function rememberConsent(
  tx: Transaction,
  key: ConsentKey,
  o: {
    readonly scope: readonly string[]
    readonly now: number
    /** The words the user saw, by scope. */
    readonly words: Readonly<Record<string, string>>
  },
): Promise<void> {
  const { beginning = null } = key
  const rows = o.scope.map(scope => ({
    ...namedBy(key),
    beginning,
    scope,
    words: wordsIn(o.words, scope),
    created: o.now,
    last_used: o.now,
  }))
  await tx
    .insertInto('auth_server_consents')
    .values(rows)
    .onConflict(on =>
      on
        .columns(['user_sub', 'agent', 'agent_delegate', 'resource', 'scope', 'chain'])
        .doUpdateSet(({ ref }) => ({ last_used: o.now, words: ref('excluded.words') })),
    )
    .execute()
}

/** The words the user saw when they allowed it, by scope; none where that is not known. */
export async function rememberedWords(
  tx: Transaction,
  key: ConsentKey,
  scope: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  if (scope.length === 0) return {}
  const rows = await tx
    .selectFrom('auth_server_consents')
    .select(['scope', 'words'])
    .where(({ and }) => and(namedBy(key)))
    .where('scope', 'in', [...scope])
    .execute()
  return Object.fromEntries(rows.flatMap(({ scope: name, words }) => (words === null ? [] : [[name, words]])))
}

function wordsIn(words: Readonly<Record<string, string>>, scope: string): string | null {
  return Object.hasOwn(words, scope) ? (words[scope] ?? null) : null
}

/** Notes a use without the user, so that the consent does not end as unused; written once a day at most. */
export async function noteConsentUse(
  store: Pick<Store<Tables>, 'db' | 'write'>,
  key: ConsentKey,
  o: { readonly scope: readonly string[]; readonly now: number },
): Promise<void> {
  const old = await store.db
    .selectFrom('auth_server_consents')
    .select('scope')
    .where(({ and }) => and(namedBy(key)))
    .where('scope', 'in', [...o.scope])
    .where('last_used', '<=', o.now - noteEvery)
    .executeTakeFirst()
  if (old === undefined) return
  await store.write(tx =>
    tx
      .updateTable('auth_server_consents')
      .set({ last_used: o.now })
      .where(({ and }) => and(namedBy(key)))
      .where('scope', 'in', [...o.scope])
      .execute(),
  )
}

/** Forgets what the user allowed, in the transaction that ends a grant. */
export async function forgetConsent(tx: Transaction, key: ConsentKey, scope: readonly string[]): Promise<void> {
  await tx
    .deleteFrom('auth_server_consents')
    .where(({ and }) => and(namedBy(key)))
    .where('scope', 'in', [...scope])
    .execute()
}

/** Forgets the user's consents to exchanges that began with a grant, in the transaction that ends it. */
export async function forgetBegun(tx: Transaction, user_sub: string, beginning: string): Promise<void> {
  await tx
    .deleteFrom('auth_server_consents')
    .where('user_sub', '=', user_sub)
    .where('beginning', '=', beginning)
    .execute()
}

/** Deletes consents that were not used for their lifetime, a few at a time; resolves with how many. */
export async function sweepConsents(tx: Transaction, now: number): Promise<number> {
  const old = tx
    .selectFrom('auth_server_consents')
    .select(['user_sub', 'agent', 'agent_delegate', 'resource', 'scope'])
    .where('last_used', '<=', now - refreshTokenLifetime)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_consents')
    .where(({ eb, refTuple }) =>
      eb(
        refTuple('user_sub', 'agent', 'agent_delegate', 'resource', 'scope'),
        'in',
        old.$asTuple('user_sub', 'agent', 'agent_delegate', 'resource', 'scope'),
      ),
    )
    // The consent for another chain may be in use.
    .where('last_used', '<=', now - refreshTokenLifetime)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
