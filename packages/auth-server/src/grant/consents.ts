import { type Conditions, conditionsOf, narrow } from '@countersign/conditions'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { sweepAtMost } from '../bound/sweep.js'
import { conditionsIn, conditionsText, purposesText } from '../mandate/conditions-text.js'
import { sha256 } from '../secret/sha256.js'
import type { ConsentRow, Tables } from '../tables/tables.js'
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
  /** The names among the resource's purposes that it was allowed for. Default: none. */
  readonly purposes?: readonly string[] | undefined
  /** Names the grant that the chain began with, so that the consent ends with it; not part of the key. */
  readonly beginning?: string | undefined
  /** The agents of the chain, nearest first; not part of the key. */
  readonly hops?: readonly string[] | undefined
}

/** The columns that a key names. */
function namedBy({ user_sub, agent, agent_delegate, resource, chain = '', purposes }: ConsentKey): ConsentColumns {
  return { user_sub, agent, agent_delegate, resource, chain: chainColumn(chain, purposes) }
}

/**
 * A consent for one purpose is none for another. Purposes stand in the column of the chain, because a new key would break the release before;
 * hashed, because an index takes no long names.
 */
function chainColumn(chain: string, purposes: readonly string[] = []): string {
  return purposes.length === 0 ? chain : `${chain} ${sha256(purposes.toSorted().join(' '))}`
}

/** Tells whether a row is for calls of others that come through a chain. */
export function isOfChain({ chain }: Pick<ConsentRow, 'chain'>): boolean {
  return chain !== '' && !chain.startsWith(' ')
}

type ConsentColumns = Pick<ConsentRow, 'user_sub' | 'agent' | 'agent_delegate' | 'resource' | 'chain'>

/** What a user said yes to before. */
export interface RememberedYes {
  readonly scope: readonly string[]
  /** The conditions of each yes, all together. */
  readonly conditions: Conditions
}

/** The part of `scope` that the user has allowed before, under conditions that have not ended. */
// unchecked options o: only the desk, the console and tests call it, and TypeScript checks them
export async function rememberedYes(
  db: Store<Tables>['db'],
  key: ConsentKey,
  o: { readonly scope: readonly string[]; readonly now: number },
): Promise<RememberedYes> {
  const rows = await rememberedRows(db, key, o)
  // Each yes keeps its own conditions, and a token that draws on two has those of both (DEL-49).
  const conditions = joined(rows.map(row => conditionsIn(row.conditions) ?? []))
  if (conditions === undefined) return { scope: [], conditions: [] }
  return { scope: o.scope.filter(name => rows.some(row => row.scope === name)), conditions }
}

/** Undefined where they are too long for a token: then none of it is remembered, and one new yes takes their place. */
function joined(lists: readonly Conditions[]): Conditions | undefined {
  try {
    return narrow(lists)
  } catch {
    return undefined
  }
}

async function rememberedRows(
  db: Store<Tables>['db'],
  key: ConsentKey,
  o: { readonly scope: readonly string[]; readonly now: number },
): Promise<ReadonlyArray<Pick<ConsentRow, 'scope' | 'conditions'>>> {
  if (o.scope.length === 0) return []
  const rows = await db
    .selectFrom('auth_server_consents')
    .select(['scope', 'conditions'])
    .where(({ and }) => and(namedBy(key)))
    .where('scope', 'in', [...o.scope])
    .where('last_used', '>', o.now - refreshTokenLifetime)
    .orderBy('scope')
    .execute()
  return rows.filter(({ conditions }) => !hasEnded(conditionsIn(conditions) ?? [], o.now))
}

/** A consent until a time is none after it: its user is asked again. */
function hasEnded(conditions: Conditions, now: number): boolean {
  return conditionsOf(conditions, 'until').some(({ time }) => time <= now)
}

/** Remembers a consent, in the transaction that makes the code. */
// unchecked options o: only the desk, the console and tests call it, and TypeScript checks them
export async function rememberConsent(
  tx: Transaction<Tables>,
  key: ConsentKey,
  o: {
    readonly scope: readonly string[]
    readonly now: number
    /** The words the user saw, by scope. */
    readonly words: Readonly<Record<string, string>>
    /** The conditions that the user chose; scopes that were allowed before keep theirs. */
    readonly conditions?: Conditions | undefined
    readonly held?: readonly string[] | undefined
  },
): Promise<void> {
  const { beginning = null, hops, purposes } = key
  const before = await rememberedRows(tx, key, { scope: o.held ?? [], now: o.now })
  const conditionsFor = (scope: string): string | null => {
    const kept = before.find(row => row.scope === scope)
    return kept === undefined ? conditionsText(o.conditions) : kept.conditions
  }
  const rows = o.scope.map(scope => ({
    ...namedBy(key),
    beginning,
    hops: hops === undefined ? null : JSON.stringify(hops),
    scope,
    words: wordsIn(o.words, scope),
    conditions: conditionsFor(scope),
    purposes: purposesText(purposes),
    created: o.now,
    last_used: o.now,
  }))
  await tx
    .insertInto('auth_server_consents')
    .values(rows)
    .onConflict(on =>
      on.columns(['user_sub', 'agent', 'agent_delegate', 'resource', 'scope', 'chain']).doUpdateSet(({ ref }) => ({
        last_used: o.now,
        words: ref('excluded.words'),
        hops: ref('excluded.hops'),
        conditions: ref('excluded.conditions'),
      })),
    )
    .execute()
}

/** The words the user saw when they allowed it, by scope; none where that is not known. */
export async function rememberedWords(
  tx: Transaction<Tables>,
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
export async function forgetConsent(tx: Transaction<Tables>, key: ConsentKey, scope: readonly string[]): Promise<void> {
  await tx
    .deleteFrom('auth_server_consents')
    .where(({ and }) => and(namedBy(key)))
    .where('scope', 'in', [...scope])
    .execute()
}

/** Names of one statement. */
const batch = 200

/** Forgets the user's consents to exchanges that began with these grants, in the transaction that ends them. */
export async function forgetBegun(
  tx: Transaction<Tables>,
  user_sub: string,
  beginnings: readonly string[],
): Promise<void> {
  for (let at = 0; at < beginnings.length; at += batch)
    await tx
      .deleteFrom('auth_server_consents')
      .where('user_sub', '=', user_sub)
      .where('beginning', 'in', beginnings.slice(at, at + batch))
      .execute()
}

/** Deletes consents that were not used for their lifetime, a few at a time; resolves with how many. */
export async function sweepConsents(tx: Transaction<Tables>, now: number): Promise<number> {
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
