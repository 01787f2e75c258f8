import { databasesForTests } from '@countersign/testing/databases'
import { sqliteOfTest } from '@countersign/testing/folders'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { exported, granted, openLog, start, type TestLog } from '../audit.test.fixture.js'
import { appendAudit } from '../index.js'

const forget = ({ store, audit }: TestLog, sub: string): Promise<void> => store.write(tx => audit.forgetUser(tx, sub))

const of = (sub: string) => ({ ...granted(1), user: sub, personal: { upstream_user: `${sub}-there` } })

const notes = async ({ store }: TestLog): Promise<number> => {
  const { rows } = await sql<{ count: number }>`select count(*) as count from test_audit_forgotten`.execute(store.db)
  return Number(rows[0]?.count)
}

describe.each(await databasesForTests(8, 'both'))('in $name$away', ({ away, url }) => {
  test.skipIf(away !== '')('an event that follows within half an hour gets its place without the user', async () => {
    let now = start
    const log = await openLog(url(), { now: () => now })
    // No salt or hash beside it can contain this name by chance.
    await log.append(of('ada@'))
    await forget(log, 'ada@')
    await log.audit.sequence()
    now += 900
    await log.append(of('ada@'), of('bob'))
    await log.audit.sequence()
    expect((await exported(log)).read('events.jsonl').toString()).not.toContain('ada@')
    expect((await log.audit.list({ user: 'bob' })).events).toHaveLength(1)
    expect(await notes(log)).toBe(1)
    now += 1000
    await log.audit.sequence()
    expect(await notes(log)).toBe(0)
    await log.close()
  })

  test.skipIf(away !== '')('what another instance was just placing is forgotten when the note ends', async () => {
    let now = start
    const log = await openLog(url(), { now: () => now })
    await forget(log, 'ada')
    await log.audit.sequence()
    // As if its transaction had read the notes before.
    const { rows } = await sql<{ note: string }>`select user_sub as note from test_audit_forgotten`.execute(
      log.store.db,
    )
    await log.store.write(tx => sql`update test_audit_forgotten set user_sub = '"other"'`.execute(tx))
    await log.append(of('ada'))
    await log.audit.sequence()
    await log.store.write(tx => sql`update test_audit_forgotten set user_sub = ${rows[0]?.note}`.execute(tx))
    expect((await log.audit.list({ user: 'ada' })).events).toHaveLength(1)
    now += 1801
    await log.audit.sequence()
    expect((await log.audit.list({ user: 'ada' })).events).toHaveLength(0)
    expect(await notes(log)).toBe(0)
    await log.close()
  })

  test.skipIf(away !== '')('a second note of the same user lives on when the first ends', async () => {
    let now = start
    const log = await openLog(url(), { now: () => now })
    await forget(log, 'ada')
    await log.audit.sequence()
    now += 1500
    await log.store.write(tx => appendAudit({ room: 'test', now: () => now }).forgetUser(tx, 'ada'))
    now += 400
    await log.audit.sequence()
    expect(await notes(log)).toBe(1)
    await log.append(of('ada'))
    await log.audit.sequence()
    expect((await log.audit.list({ user: 'ada' })).events).toHaveLength(0)
    await log.close()
  })
})

test('a note lives on while events wait that are older than it', async () => {
  let now = start
  const log = await openLog(sqliteOfTest(), { now: () => now })
  await log.store.write(async tx => {
    await sql`with recursive n(at) as (select 1 union all select at + 1 from n where at < 17000)
      insert into test_audit (row_number, records) select at, '{"v":0}' from n`.execute(tx)
    await sql`insert into test_audit_waiting select row_number, zeroblob(62) from test_audit`.execute(tx)
  })
  await log.append(of('ada'))
  await log.store.write(tx => log.audit.forgetUser(tx, 'ada'))
  now += 1900
  await log.audit.sequence()
  expect(await notes(log)).toBe(1)
  await log.audit.sequence()
  expect(await notes(log)).toBe(0)
  expect((await log.audit.list({ user: 'ada' })).events).toEqual([])
  expect((await log.audit.list({ type: 'granted' })).events).toHaveLength(1)
  await log.store.close()
})
