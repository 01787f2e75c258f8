import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { type EpochKeeper, type EpochMark, openStore } from './index.js'
import { beginEpoch, epochMigration, openEpoch } from './internal.js'

const room = 'room'
const now = (): number => 1_800_000_000

/** A keeper in memory, and what it was last told. */
function keeper(): EpochKeeper & { mark: EpochMark | undefined } {
  const kept = {
    mark: undefined as EpochMark | undefined,
    read: async () => kept.mark,
    write: async (mark: EpochMark) => {
      kept.mark = mark
    },
  }
  return kept
}

test(verifies('restore.epoch', 'a lost mark is reported once, when it is written anew'), async () => {
  const store = await openStore<object>({ url: 'sqlite::memory:', room, migrations: [epochMigration('001', room)] })
  const [first, second, third] = [keeper(), keeper(), keeper()]
  const told: Array<EpochMark | undefined> = []
  const start = async (by: typeof first): Promise<void> => {
    await (await openEpoch(store, { room, keeper: by, now, onLost: () => told.push(by.mark) })).close()
  }
  // The first start ever, and the next.
  await start(first)
  await start(first)
  expect(told).toEqual([])
  await start(second)
  expect(told).toEqual([second.mark])
  expect(second.mark).toMatchObject({ database: first.mark?.database })
  await start(second)
  expect(told).toHaveLength(1)
  await beginEpoch(store, { room, keeper: second, now, onLost: () => told.push(undefined) })
  expect(told).toHaveLength(1)
  await beginEpoch(store, { room, keeper: third, now, onLost: () => told.push(third.mark) })
  expect(told).toEqual([told[0], third.mark])
  expect(third.mark?.epoch).toBeGreaterThan(second.mark?.epoch ?? 0)
  await store.close()
})
