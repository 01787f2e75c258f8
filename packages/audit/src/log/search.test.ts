import { databasesForTests } from '@countersign/testing/databases'
import { sqliteOfTest } from '@countersign/testing/folders'
import fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openLog, start, type TestLog } from '../audit.test.fixture.js'
import type { AuditEvent, AuditQuery, KeptEvent, PlacedEvent } from '../index.js'
import { filterOf, gatheredOf, mayHold } from './filter.js'

/** Three whole tiles and a part of one. Some values are in one tile only, and the clock is not always right. */
function eventAt(n: number): AuditEvent {
  return {
    type: n === 17 ? 'alarm' : `type-${n % 3}`,
    time: start + n + (n % 50 === 0 ? -300 : 0),
    agent: `https://agent-${n % 7}.example`,
    delegate: `delegate-${Math.floor(n / 100)}`,
    txn: `txn-${n}`,
    ...(n % 2 === 0 && { user: `user-${n % 11}` }),
    ...(n === 700 && { resource: 'https://rare.example', detail: { text: '"type":"alarm"' } }),
  }
}

const count = 900

async function filled(url: string): Promise<TestLog> {
  const log = await openLog(url)
  for (let from = 0; from < count; from += 60) {
    await log.append(...Array.from({ length: Math.min(60, count - from) }, (_, at) => eventAt(from + at)))
    await log.audit.sequence()
  }
  return log
}

async function pages(log: TestLog, query: AuditQuery): Promise<PlacedEvent[]> {
  const found: PlacedEvent[] = []
  for (let before = query.before; ; ) {
    const { events, next } = await log.audit.list({ ...query, ...(before !== undefined && { before }) })
    found.push(...events)
    if (next === undefined) return found
    before = next
  }
}

const queries = fc.record(
  {
    type: fc.constantFrom('alarm', 'type-0', 'type-1', 'none'),
    agent: fc.nat(8).map(n => `https://agent-${n}.example`),
    delegate: fc.nat(9).map(n => `delegate-${n}`),
    user: fc.nat(12).map(n => `user-${n}`),
    resource: fc.constantFrom('https://rare.example', 'https://none.example'),
    txn: fc.nat(count).map(n => `txn-${n}`),
    since: fc.nat(count + 300).map(n => start - 300 + n),
    until: fc.nat(count + 300).map(n => start - 300 + n),
    before: fc.nat(count),
    limit: fc.integer({ min: 1, max: 1000 }),
  },
  { requiredKeys: [] },
)

/** Whether an event is one that the query asks for. */
function isAsked({ index, time, personal, ...event }: PlacedEvent, query: AuditQuery): boolean {
  const { since = 0, until = Number.POSITIVE_INFINITY, before = count, limit: _, user, ...named } = query
  const own = personal?.['user']
  return (
    index < before &&
    time >= since &&
    time < until &&
    (user === undefined || (own !== undefined && 'value' in own && own.value === user)) &&
    Object.entries(named).every(([name, value]) => event[name as keyof typeof event] === value)
  )
}

describe.each(await databasesForTests(6))('in $name$away', ({ away, url }) => {
  test.skipIf(away !== '')('a query finds what a reader of all events finds', { timeout: 60_000 }, async () => {
    const log = await filled(url())
    const all = await pages(log, { limit: 1000 })
    expect(all.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, at) => count - 1 - at))
    await fc.assert(
      fc.asyncProperty(queries, async query => {
        expect(await pages(log, query)).toEqual(all.filter(event => isAsked(event, query)))
      }),
    )
    for (const { id, index } of [0, 255, 256, 700, count - 1].flatMap(at => all[at] ?? []))
      expect(await log.audit.find(id)).toMatchObject({ index })
    await log.close()
  })

  test.skipIf(away !== '')('a user who is forgotten is in no tile, and other users are found as before', async () => {
    const log = await filled(url())
    const others = await pages(log, { user: 'user-4' })
    await log.store.write(tx => log.audit.forgetUser(tx, 'user-6'))
    await log.audit.sequence()
    expect(await pages(log, { user: 'user-6' })).toEqual([])
    expect(await pages(log, { user: 'user-4' })).toEqual(others)
    const { rows } = await sql<{
      bits: Uint8Array
    }>`select bits from test_audit_filters where whole is not null`.execute(log.store.db)
    expect(rows).toHaveLength(3)
    const holding = (user: string): number => rows.filter(({ bits }) => mayHold(bits, [['user', user]])).length
    expect([holding('user-4'), holding('user-6')]).toEqual([3, 0])
    await log.close()
  })
})

test('a tile without what is asked for is not read', async () => {
  const log = await filled(sqliteOfTest())
  await log.store.write(tx =>
    sql`update test_audit set records = 'changed'
      where row_number in (select row_number from test_audit_runs where first < 512)`.execute(tx),
  )
  expect((await log.audit.list({ resource: 'https://rare.example' })).events.map(({ index }) => index)).toEqual([700])
  await expect(log.audit.list({ limit: 1000 })).rejects.toThrow('a record in the database is no event')
  await log.store.close()
})

test('a filter holds every value, and seldom another one', () => {
  const events = Array.from({ length: 256 }, (_, n): KeptEvent => {
    const { agent = '', txn = '', type } = eventAt(n)
    return { agent, id: '', time: start, txn, type, v: 1 }
  })
  const bits = filterOf(gatheredOf(events))
  for (const { txn = '', agent = '' } of events)
    expect(
      mayHold(bits, [
        ['txn', txn],
        ['agent', agent],
      ]),
    ).toBe(true)
  const others = Array.from({ length: 10_000 }, (_, n) => `txn-${n + 256}`)
  expect(others.filter(value => mayHold(bits, [['txn', value]])).length).toBeLessThan(100)
  expect(mayHold(bits, [['txn', events[0]?.agent ?? '']])).toBe(false)
  expect(mayHold(filterOf(gatheredOf([])), [['type', 'granted']])).toBe(false)
})
