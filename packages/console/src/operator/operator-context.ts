import type { AuditAppender } from '@countersign/audit'
import type { Reporter } from '@countersign/audit/internal'
import type { AuthServerEvent, AuthServerOptions, BlockedFacts } from '@countersign/auth-server'
import type { BlockRow, Tables } from '@countersign/auth-server/internal'
import { type EndingContext, endBlocked, mostBlocks } from '@countersign/auth-server/internal'
import type { Store } from '@countersign/store'

/** What operators work with. */
export interface OperatorContext extends EndingContext {
  readonly development: boolean
  readonly report: Reporter<AuthServerEvent>
  /** Absent where the database has no audit log. */
  readonly audit: AuditAppender | undefined
  /** Called when blocks have changed. */
  readonly onBlocked: () => void
  /** The keys of the running server; absent where they are not known. */
  readonly rotation?: AuthServerOptions['keys']
  /** Called when keys have changed. */
  readonly onKeysChanged: () => void
}

/** What a block did. */
export interface Blocked {
  /** False where the block was there before; what was left of the access ends all the same. */
  readonly changed: boolean
  /** How many grants ended. */
  readonly grants: number
}

type Blocking = Omit<BlockRow, 'created'>

/**
 * Blocks, then ends the access, so that nothing new comes while it ends. Again for one who is blocked: that takes up what an
 * interruption has left.
 * @throws RangeError when 10 000 blocks are there
 */
export async function block(blocking: Blocking, context: OperatorContext): Promise<Blocked> {
  const { store, now, onBlocked, report } = context
  const facts = blockedFacts(blocking)
  const changed = await store.write(
    async tx => {
      const isNew = await insertBlock(tx, { ...blocking, created: now() })
      await report.record(tx, { type: 'blocked', ...facts })
      return isNew
    },
    { alone: 'operator' },
  )
  onBlocked()
  const grants = await endBlocked(blocking, context)
  report.tell({ type: 'blocked', ...facts, grants })
  return { changed, grants }
}

/** Lets one in again; resolves with false where there was no block. What has ended stays ended. */
export async function unblock(blocking: Blocking, context: OperatorContext): Promise<boolean> {
  const { store, onBlocked, report } = context
  const isLifted = await store.write(async tx => {
    const { numDeletedRows } = await tx
      .deleteFrom('auth_server_blocks')
      .where(({ and }) => and({ ...blocking }))
      .executeTakeFirstOrThrow()
    if (numDeletedRows === 0n) return false
    await report.within(tx, { type: 'unblocked', ...blockedFacts(blocking) })
    return true
  })
  onBlocked()
  return isLifted
}

async function insertBlock(tx: Store<Tables>['db'], row: BlockRow): Promise<boolean> {
  const { count } = await tx
    .selectFrom('auth_server_blocks')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .executeTakeFirstOrThrow()
  const { numInsertedOrUpdatedRows = 0n } = await tx
    .insertInto('auth_server_blocks')
    .values(row)
    .onConflict(on => on.columns(['kind', 'name', 'agent_delegate']).doNothing())
    .executeTakeFirstOrThrow()
  // After the insert: to block again what is blocked must work when there is no room. What it throws takes the row back.
  if (numInsertedOrUpdatedRows > 0n && Number(count) >= mostBlocks)
    throw new RangeError('10 000 blocks are there: lift some, or deny whole sites')
  return numInsertedOrUpdatedRows > 0n
}

/** How events and lists name who is blocked. */
export function blockedFacts({ kind, name, agent_delegate }: Blocking): BlockedFacts {
  switch (kind) {
    case 'agent':
      return { agent: name }
    case 'delegate':
      return { agent: name, delegate: agent_delegate }
    case 'site':
      return { site: name }
    case 'user':
      return { user: name }
  }
}
