import { verifies } from '@countersign/requirements'
import { databasesForTests } from '@countersign/testing/databases'
import { sql } from 'kysely'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { fill, openLog, start, type TestLog } from '../audit.test.fixture.js'
import { AuditError } from '../index.js'

const databases = await databasesForTests(6)

/** What a log tells while it runs, with a clock that goes ten seconds at each look. */
function watched() {
  const faults: unknown[] = []
  let time = start
  const now = (): number => (time += 10)
  return { faults, options: { every: 0.02, onFault: (fault: unknown) => void faults.push(fault), now } }
}

/** Changes a record in the database, and nothing beside it. */
async function changeRecord({ store }: TestLog, from: string, to: string): Promise<void> {
  await store.write(tx => sql`update test_audit set records = replace(records, ${from}, ${to})`.execute(tx))
}

const isChanged = (fault: unknown): boolean => fault instanceof AuditError && fault.code === 'changed'

describe.each(databases)('in $name $away', ({ away, url }) => {
  const inDatabase = test.skipIf(away)

  inDatabase(
    verifies('LOG-13', 'a record that is changed is told while the log is kept, in the newest tile and in an old one'),
    async () => {
      for (const [txn, index] of [
        ['txn-299', 299],
        ['txn-7"', 7],
      ] as const) {
        const { faults, options } = watched()
        const log = await openLog(url(), options)
        onTestFinished(() => log.close())
        await fill(log, 300, 2)
        // The accepted twin: nothing is told of a log that nobody has changed, nor of a user who is forgotten.
        await log.store.write(tx => log.audit.forgetUser(tx, 'user-3'))
        await vi.waitFor(async () => expect((await log.audit.list({ user: 'user-3' })).events).toEqual([]))
        await new Promise(resolve => setTimeout(resolve, 300))
        expect(faults).toEqual([])
        await changeRecord(log, txn, txn.replace('txn', 'txx'))
        await vi.waitFor(() => expect(faults.filter(isChanged)).not.toEqual([]), { timeout: 10_000 })
        const [fault] = faults.filter(isChanged)
        expect(fault).toMatchObject({
          message: 'a record in the database is not the one that was logged',
          cause: { index },
        })
        // The log goes on: what follows is signed.
        const before = await log.audit.checkpoint()
        await fill(log, 5, 1)
        expect(await log.audit.checkpoint()).not.toBe(before)
      }
    },
  )

  inDatabase(
    verifies(
      'LOG-13',
      'so are a record that was removed, one whose hash was changed with it, and a place that was changed',
    ),
    async () => {
      const changes: ReadonlyArray<readonly [string, (log: TestLog) => Promise<unknown>, number]> = [
        ['removed', ({ store }) => store.write(tx => sql`delete from test_audit_runs where first = 0`.execute(tx)), 0],
        [
          'a tile of others',
          ({ store }) =>
            store.write(tx =>
              sql`update test_audit_tiles set hashes = (select hashes from test_audit_tiles where level = 0 and number = 1)
                where level = 0 and number = 0`.execute(tx),
            ),
          0,
        ],
        ['nonsense', log => changeRecord(log, '"txn-3"', '"txn-3'), 3],
      ]
      for (const [name, change, index] of changes) {
        const { faults, options } = watched()
        const log = await openLog(url(), options)
        onTestFinished(() => log.close())
        await fill(log, 600, 3)
        await change(log)
        const told = (): unknown[] => faults.filter(fault => isChanged(fault) && Object(fault).cause.index === index)
        await vi.waitFor(() => expect(told(), name).not.toEqual([]), { timeout: 10_000 })
      }
    },
  )

  inDatabase('events that the retention removes are not told', async () => {
    const { faults, options } = watched()
    let later = 0
    const log = await openLog(url(), { ...options, days: 1, now: () => options.now() + later })
    onTestFinished(() => log.close())
    await fill(log, 600, 3)
    later = 2 * 86_400
    await vi.waitFor(
      async () => {
        const { rows } = await sql<{ first: number }>`select min(first) as first from test_audit_runs`.execute(
          log.store.db,
        )
        expect(Number(rows[0]?.first)).toBe(512)
      },
      { timeout: 10_000 },
    )
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(faults).toEqual([])
  })
})
