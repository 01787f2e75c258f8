import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { BlockRow } from '../tables/block-tables.js'
import type { Tables } from '../tables/tables.js'
import { type BlockLists, blockLists, type Party } from './block-lists.js'
import type { DenyLists } from './deny.js'

/** Seconds for which blocks are used as they were read. With the time of one read, another instance knows a block within 5 seconds. */
const freshFor = 2
/** Blocks of operators: each instance keeps all in memory. */
export const mostBlocks = 10_000

type Database = Store<Tables>['db']

/** Who takes part in a request. */
export interface Parties {
  /** The caller, and in an exchange each agent of the chain. */
  readonly agents?: readonly Party[] | undefined
  /** `sub` of the user here. */
  readonly user?: string | undefined
}

/** Who gets nothing from this auth server. */
export interface Blocks {
  /** @throws AAuthError `access_denied` (`caller_blocked`, `user_blocked`); StoreError when blocks cannot be read: then nobody gets anything */
  check(parties: Parties): Promise<void>
  /** The checks of one request of the token endpoint. */
  ofCall(): CallBlocks
  isUserBlocked(sub: string): Promise<boolean>
  /**
   * Refuses a sign-in in its transaction, as of the rows of this moment.
   * @throws AAuthError `access_denied` (`user_blocked`)
   */
  checkSignIn(tx: Database, sub: string): Promise<void>
  /** Reads blocks anew before the next check: this instance has changed some. */
  changed(): void
  /** Ends the looks at the database. */
  end(): Promise<void>
}

/** The checks of one request of the token endpoint. */
export interface CallBlocks {
  /** As {@link Blocks.check}. */
  check(parties: Parties): Promise<void>
  /** Checks all of them once more, before the answer goes out: what was made for one who is blocked by now is not sent. */
  checkAgain(): Promise<void>
}

/** What blocks are read with. */
export interface BlocksContext {
  readonly store: Store<Tables>
  readonly deny: DenyLists
  readonly now: () => number
  /** Ends the access of one who was blocked elsewhere: this instance may have given some while it did not know. */
  readonly endAccess: (row: BlockRow) => Promise<void>
}

/** Keeps the blocks of a database in memory. */
export function blocksIn(context: BlocksContext): Blocks {
  const reader = blockReader(context)
  const check = async ({ agents = [], user }: Parties): Promise<void> => {
    const lists = await reader.lists()
    if (agents.some(party => lists.isPartyBlocked(party))) throw callerBlocked()
    if (user !== undefined && lists.isUserBlocked(user)) throw userBlocked()
  }
  return {
    check,
    ofCall() {
      // bound: one call
      const checked: Parties[] = []
      return {
        check(parties) {
          checked.push(parties)
          return check(parties)
        },
        async checkAgain() {
          for (const parties of checked) await check(parties)
        },
      }
    },
    isUserBlocked: async sub => (await reader.lists()).isUserBlocked(sub),
    async checkSignIn(tx, sub) {
      const denied = context.deny.users?.includes(sub) === true
      if (denied || (await findBlock(tx, { kind: 'user', name: sub, agent_delegate: '' })) !== undefined)
        throw userBlocked()
    },
    changed: reader.changed,
    end: reader.end,
  }
}

/** The block of one; undefined where they are not blocked. */
// unchecked options key: all members are required, and one that is missing refuses everything
export function findBlock(db: Database, key: Omit<BlockRow, 'created'>): Promise<BlockRow | undefined> {
  return db
    .selectFrom('auth_server_blocks')
    .selectAll()
    .where(({ and }) => and({ ...key }))
    .executeTakeFirst()
}

interface BlockReader {
  /** As they were read a moment ago, or read now. */
  lists(): Promise<BlockLists>
  changed(): void
  end(): Promise<void>
}

interface Read {
  readonly at: number
  readonly lists: BlockLists
  readonly keys: ReadonlySet<string>
}

function blockReader({ store, deny, now, endAccess }: BlocksContext): BlockReader {
  let held: Read | undefined
  let reading: Promise<Read> | undefined
  let hasEnded = false
  const ends = accessEnder(endAccess)

  const read = (): Promise<Read> => {
    const at = now()
    const before = held
    const begun: Promise<Read> = store.db
      .selectFrom('auth_server_blocks')
      .selectAll()
      .limit(mostBlocks)
      .execute()
      .then(rows => {
        // bound: 10 000 blocks of operators; grown by the program
        const next = { at, lists: blockLists(deny, rows), keys: new Set(rows.map(keyOf)) }
        // What was read before a change of this instance is not kept.
        if (reading === begun) held = next
        if (before !== undefined) ends.begin(rows.filter(row => !before.keys.has(keyOf(row))))
        return next
      })
      .finally(() => {
        if (reading === begun) reading = undefined
      })
    reading = begun
    return begun
  }
  const look = lookAfter(() => {
    // An unreachable database refuses the requests that need it.
    if (!hasEnded) (reading ?? read()).catch(() => undefined)
  })
  return {
    async lists() {
      if (!hasEnded) look.plan()
      // A clock that was set back must not keep old blocks.
      if (held !== undefined && Math.abs(now() - held.at) < freshFor) return held.lists
      return (await (reading ?? read())).lists
    },
    changed() {
      if (held !== undefined) held = { ...held, at: Number.NEGATIVE_INFINITY }
      reading = undefined
    },
    async end() {
      hasEnded = true
      look.end()
      // Once more: what it gave to one who was blocked a moment ago must not outlive it.
      await (held === undefined ? reading : read())?.catch(() => undefined)
      await ends.settled()
    },
  }
}

/** Looks once more after the last request, so that what it was given wrongly ends without another request. */
function lookAfter(look: () => void): { plan(): void; end(): void } {
  let timer: NodeJS.Timeout | undefined
  return {
    plan() {
      timer ??= setTimeout(() => {
        timer = undefined
        look()
      }, freshFor * 1000).unref()
    },
    end: () => clearTimeout(timer),
  }
}

/** Ends the access of the blocked one after the other; what fails is taken up with the next ones. */
function accessEnder(endAccess: BlocksContext['endAccess']): {
  begin(rows: readonly BlockRow[]): void
  settled(): Promise<void>
} {
  // bound: 10 000 blocks of operators; grown by the program
  const left = new Map<string, BlockRow>()
  let ending: Promise<void> = Promise.resolve()
  const endAll = async (): Promise<void> => {
    for (const [key, row] of left) {
      await endAccess(row)
      left.delete(key)
    }
  }
  return {
    begin(rows) {
      for (const row of rows) left.set(keyOf(row), row)
      if (left.size > 0) ending = ending.then(endAll).catch(() => undefined)
    },
    settled: () => ending,
  }
}

function keyOf({ kind, name, agent_delegate }: BlockRow): string {
  return JSON.stringify([kind, name, agent_delegate])
}

function callerBlocked(): AAuthError {
  return refusal('caller_blocked')
}

function userBlocked(): AAuthError {
  return refusal('user_blocked')
}
