import type { Algorithm } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import {
  cacheCap,
  checkOptions,
  type KeyPlan,
  type KeySchedule,
  planKeys,
  restriction,
  type ScheduledKey,
} from '@countersign/protocol/internal'
import type { Kysely } from 'kysely'
import type { KeyRotation, OwnKey, OwnKeyEvent, RecordKey } from './own-key.js'
import { newKeyRow, ownKeyOf } from './own-key-rows.js'
import { type KeyRoom, type KeyTables, keyRoom, type OwnKeyRow } from './own-key-tables.js'
import { usualAhead } from './own-keys.js'
import type { Store } from './store.js'

/** An own key of a server, as its operator sees it: never its private part. Times are Unix seconds. */
export interface OperatorKey {
  readonly kid: string
  readonly algorithm: Algorithm
  /**
   * `next`: published, signs later. `signing`: signs now. `retiring`: published until the last token that it signed has ended.
   * `retired`: no longer published. `revoked`: ended by an operator.
   */
  readonly state: 'next' | 'signing' | 'retiring' | 'retired' | 'revoked'
  /** Since when it is published; 0 where it was before the rotation knew it. */
  readonly published: number
  /** From when it signs, or signed. */
  readonly signs: number
  /** When it leaves the published keys. */
  readonly until?: number
  /** When it was revoked. */
  readonly revoked?: number
  /** Where its private part is: the database, or the options of the server, such as a key file. */
  readonly from: 'database' | 'options'
}

/** What a rotation or a revocation did. */
export interface RotatedKeys {
  /** The key that signs next, or signs already where a revoked key signed no more. */
  readonly kid: string
  /** From when it signs, Unix seconds. */
  readonly signs: number
  /** Whether it was made by this call; false where a next key was there. */
  readonly made: boolean
  /** The keys that this call revoked. */
  readonly revoked: readonly string[]
}

/** The own keys of a server, for its operator. Only those that rotate: a server with a fixed list of keys has none here. */
export interface OperatorKeys {
  /** All keys, the oldest first. */
  list(): Promise<readonly OperatorKey[]>
  /**
   * Makes the next key now. It signs once it has been published for as long as every key, by default 15 minutes; then the key before it
   * retires, and no token is refused. With `now: true` all keys are revoked first, as in {@link OperatorKeys.revoke}.
   * @throws TypeError where no keys rotate
   */
  rotate(options?: { readonly now?: boolean }): Promise<RotatedKeys>
  /**
   * Ends a key that is in the wrong hands. It is not published any more, and its tokens are refused, by other instances within 20 seconds
   * and by resources once they read the keys again, within 10 minutes. Where it signed, nothing is signed (503) until the next key has been
   * published for a minute.
   * @returns undefined where there is no such key, or it was revoked before
   */
  revoke(kid: string): Promise<RotatedKeys | undefined>
}

/** Seconds that a key is published before it signs when the key before it was revoked: caches ask again after 30, instances know within 20. */
const leastPublished = 60

/** What the keys are operated with. */
export interface OperatedKeys {
  readonly room: string
  readonly schedule: Pick<KeySchedule, 'publishAhead' | 'tokenLifetime' | 'grace'>
  readonly algorithm?: Algorithm | undefined
  readonly now: () => number
  /** Records events in the transactions of their changes. */
  readonly record?: RecordKey
  readonly onEvent: (event: OwnKeyEvent) => void
  /** Called after each change. */
  readonly onChanged: () => void
}

/**
 * How an operator rotates the keys of a server: as the server does, or by the defaults where its keys are not known here, or do not
 * rotate.
 */
// unchecked options lifetimes: all members are required, and one that is missing refuses everything
export function operatedAs(
  keys: readonly PublishedKey[] | KeyRotation | undefined,
  lifetimes: Pick<KeySchedule, 'tokenLifetime' | 'grace'>,
): Pick<OperatedKeys, 'schedule' | 'algorithm'> {
  const { publishAhead = usualAhead, algorithm } = keys !== undefined && 'rotateEvery' in keys ? keys : {}
  return { schedule: { publishAhead, ...lifetimes }, algorithm }
}

/** Operates the keys in the database of a server. */
export function keyOperator<T>(store: Store<T>, o: OperatedKeys): OperatorKeys {
  const place = keyRoom(store, o.room)
  const { algorithm = 'Ed25519', now } = o
  const planOf = (rows: readonly OwnKeyRow[]): KeyPlan<OwnKey> => planAt(rows, o.schedule, now())
  const change = async (step: (tx: Kysely<KeyTables>, spare: OwnKeyRow) => Promise<Changed>): Promise<Changed> => {
    // The key is made before the transaction, which must stay short.
    const spare = await newKeyRow({ generation: 0, published: 0, signs: 0 }, algorithm)
    const changed = await place.write(async tx => {
      const done = await step(tx, spare)
      for (const event of eventsOf(done)) await o.record?.(tx, event)
      return done
    })
    o.onChanged()
    for (const event of eventsOf(changed)) o.onEvent(event)
    return changed
  }
  return {
    async list() {
      const rows = await place.db.selectFrom(place.table).selectAll().orderBy('generation').execute()
      const plan = planOf(rows)
      return rows.map(row => operatorKey(ownKeyOf(row), plan, o.schedule))
    },
    async rotate(options = {}) {
      // A slip of `now` would leave a stolen key in use.
      checkOptions('keys.rotate', options, { now: restriction('boolean') })
      const { now: atOnce = false } = options
      const changed = await change(async (tx, spare) => {
        const plan = planOf(await tx.selectFrom(place.table).selectAll().execute())
        if (plan.order.every(isRevoked))
          throw new TypeError('keys.rotate: no keys rotate here: the server has its keys from its options')
        const revoked = atOnce ? plan.known : []
        return replace(tx, { place, plan, spare, revoked, at: now(), ahead: o.schedule.publishAhead })
      })
      if (changed === undefined) throw new Error('a rotation always has a next key')
      return rotatedOf(changed)
    },
    async revoke(kid) {
      const changed = await change(async (tx, spare) => {
        const plan = planOf(await tx.selectFrom(place.table).selectAll().execute())
        const key = plan.known.find(known => known.kid === kid)
        return key && replace(tx, { place, plan, spare, revoked: [key], at: now(), ahead: o.schedule.publishAhead })
      })
      return changed && rotatedOf(changed)
    },
  }
}

const isRevoked = ({ revoked }: ScheduledKey): boolean => revoked !== undefined

type Changed =
  | {
      readonly next: Pick<OwnKey, 'kid' | 'published' | 'signs'>
      readonly made: boolean
      readonly revoked: readonly string[]
    }
  | undefined

function eventsOf(changed: Changed): OwnKeyEvent[] {
  if (changed === undefined) return []
  const { kid, published, signs } = changed.next
  return [
    ...changed.revoked.map(each => ({ did: 'revoked', kid: each }) as const),
    ...(changed.made ? [{ did: 'made', kid, published, signs } as const] : []),
  ]
}

function rotatedOf({ next, made, revoked }: Changed & {}): RotatedKeys {
  return { kid: next.kid, signs: next.signs, made, revoked }
}

function planAt(rows: readonly OwnKeyRow[], schedule: OperatedKeys['schedule'], now: number): KeyPlan<OwnKey> {
  return planKeys(rows.map(ownKeyOf), { ...schedule, rotateEvery: Number.POSITIVE_INFINITY }, now)
}

interface Replacing {
  readonly place: KeyRoom
  readonly plan: KeyPlan<OwnKey>
  readonly spare: OwnKeyRow
  readonly revoked: readonly OwnKey[]
  readonly at: number
  readonly ahead: number
}

/**
 * Revokes keys, and sees to a next one, in one transaction: there is always a key that signs, or will. Without a key to revoke it is the
 * next key alone.
 */
async function replace(tx: Kysely<KeyTables>, o: Replacing): Promise<Changed> {
  const { plan, at, revoked } = o
  const { table } = o.place
  const gone = new Set(revoked.map(({ kid }) => kid))
  for (const kid of gone)
    await tx.updateTable(table).set({ revoked: at, private_jwk: null }).where('kid', '=', kid).execute()
  const left = plan.order.filter(key => !isRevoked(key) && !gone.has(key.kid))
  const signing = plan.signing !== undefined && !gone.has(plan.signing.kid) ? plan.signing : undefined
  const waiting = left.find(({ signs }) => signs > at)
  const kids = { revoked: [...gone] }
  // A key that was not in use: the others go on.
  if (gone.size > 0 && signing !== undefined) return { ...kids, next: waiting ?? signing, made: false }
  if (waiting !== undefined) {
    // A next key that is published already takes over as soon as it may.
    const signs = signing === undefined ? soonest(waiting, at) : waiting.signs
    if (signs !== waiting.signs) await tx.updateTable(table).set({ signs }).where('kid', '=', waiting.kid).execute()
    return { ...kids, next: { ...waiting, signs }, made: false }
  }
  const signs = at + (signing === undefined ? leastPublished : o.ahead)
  const generation = (await newestGeneration(tx, table)) + 1
  const row = { ...o.spare, generation, published: at, signs }
  await tx.insertInto(table).values(row).execute()
  return { ...kids, next: row, made: true }
}

function soonest({ published, signs }: ScheduledKey, at: number): number {
  return Math.min(signs, Math.max(at, published + leastPublished))
}

async function newestGeneration(tx: Kysely<KeyTables>, table: string): Promise<number> {
  const { newest } = await tx
    .selectFrom(table)
    .select(({ fn }) => fn.max<number | null>('generation').as('newest'))
    .executeTakeFirstOrThrow()
  return newest ?? 0
}

function operatorKey(
  key: Omit<OwnKey, 'key'>,
  plan: KeyPlan<OwnKey>,
  { tokenLifetime }: OperatedKeys['schedule'],
): OperatorKey {
  const { kid, published, signs, revoked, publicJwk } = key
  const end = plan.order.find(other => other.signs > signs)?.signs
  const state = stateOf(key, plan)
  return {
    kid,
    algorithm: publicJwk.alg,
    state,
    published,
    signs,
    ...(end === undefined || revoked !== undefined ? {} : { until: end + tokenLifetime + cacheCap }),
    ...(revoked === undefined ? {} : { revoked }),
    from: key.given ? 'options' : 'database',
  }
}

function stateOf({ kid, revoked }: Pick<OwnKey, 'kid' | 'revoked'>, plan: KeyPlan<OwnKey>): OperatorKey['state'] {
  const isKid = (key: OwnKey): boolean => key.kid === kid
  if (revoked !== undefined) return 'revoked'
  if (plan.signing?.kid === kid) return 'signing'
  if (!plan.published.some(isKid)) return 'retired'
  const of = plan.order.find(isKid)
  return of !== undefined && of.signs > (plan.signing?.signs ?? Number.NEGATIVE_INFINITY) ? 'next' : 'retiring'
}
