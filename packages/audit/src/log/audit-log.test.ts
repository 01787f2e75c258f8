import { verifies } from '@countersign/requirements'
import { databasesForTests } from '@countersign/testing/databases'
import { sqliteOfTest } from '@countersign/testing/folders'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { exported, fill, granted, key, openLog, otherKey, start, type TestLog } from '../audit.test.fixture.js'
import {
  type AuditEvent,
  checkpointSigner,
  createAuditLog,
  parseCheckpoint,
  readAudit,
  verifyAudit,
  verifyProof,
  type Witness,
} from '../index.js'

const fail = (error: unknown): never => {
  throw error
}

const databases = await databasesForTests(10, 'both')
const refused = (code: string) => expect.objectContaining({ code })

const sizeOf = async ({ audit }: TestLog): Promise<number> => parseCheckpoint((await audit.checkpoint()) ?? '').size

/** Every event in the log, the newest first, page by page. */
async function all({ audit }: TestLog): Promise<string[]> {
  const ids: string[] = []
  for (let before: number | undefined; ; ) {
    const { events, next } = await audit.list({ limit: 100, ...(before !== undefined && { before }) })
    ids.push(...events.map(({ id }) => id))
    if (next === undefined) return ids
    before = next
  }
}

describe.each(databases)('in $name$away', ({ away, url }) => {
  test.skipIf(away !== '')(
    'an event has its place after the next sequencing, and none if its transaction fails',
    async () => {
      const log = await openLog(url())
      const [id = ''] = await log.append(granted(1))
      const failed = log.store.write(async tx => {
        await log.audit.append(tx, [granted(2)])
        throw new Error('no grant')
      })
      await expect(failed).rejects.toThrow('no grant')
      expect(await log.audit.find(id)).toBeUndefined()
      await log.audit.sequence()
      expect(await log.audit.find(id)).toMatchObject({ index: 0, type: 'granted', time: start, txn: 'txn-1', v: 1 })
      expect(await all(log)).toEqual([id])
      await log.close()
    },
  )

  test.skipIf(away !== '')('two instances that append and sequence at once give each event one place', async () => {
    const database = url()
    const logs = [await openLog(database), await openLog(database)]
    const ids: string[] = []
    const work = logs.map(async (log, which) => {
      for (let n = 0; n < 30; n++) {
        ids.push(...(await log.append(granted(n), granted(n + which))))
        if (n % 4 === which) await log.audit.sequence()
      }
      await log.audit.sequence()
    })
    await Promise.all(work)
    const [log] = logs as [TestLog]
    await log.audit.sequence()
    const placed = await all(log)
    expect(placed.length).toBe(120)
    expect(new Set(placed)).toEqual(new Set(ids))
    const { folder } = await exported(log)
    const report = await verifyAudit({ folder, publicKeys: [log.publicKey] })
    expect(report).toMatchObject({ ok: true, size: 120, events: 120, faults: [] })
    for (const each of logs) await each.close()
  })

  test.skipIf(away !== '')('events that a kill left without a place get one later, and never two', async () => {
    const database = url()
    const killed = await openLog(database)
    const ids = await killed.append(granted(1), granted(2))
    await killed.store.close()

    const log = await openLog(database)
    // Everything is done, and then the transaction is lost.
    const write: TestLog['store']['write'] = (change, options) =>
      log.store.write(async tx => {
        await change(tx)
        throw new Error('killed')
      }, options)
    const signer = checkpointSigner({ origin: 'auth.example', key: otherKey })
    const dying = createAuditLog({
      store: { ...log.store, write },
      room: 'test',
      signer,
      every: 'manual',
      onFault: console.error,
    })
    await expect(dying.sequence()).rejects.toThrow('killed')
    expect(await all(log)).toEqual([])

    await log.audit.sequence()
    await log.audit.sequence()
    expect(await all(log)).toEqual(ids.toReversed())
    expect(await sizeOf(log)).toBe(2)
    await log.close()
  })

  test.skipIf(away !== '')('events are found by each party, type and time, page by page', async () => {
    const log = await openLog(url())
    const events: AuditEvent[] = [
      {
        type: 'granted',
        agent: 'https://a.example',
        delegate: 'd1',
        user: 'ada',
        resource: 'https://r.example',
        grant: 'g1',
      },
      { type: 'revoked', agent: 'https://a.example', user: 'ada', grant: 'g1', txn: 't1', time: start + 9 },
      { type: 'signed_in', user: 'bob', personal: { peer: '192.0.2.1' } },
    ]
    const ids = await log.append(...events)
    await log.audit.sequence()
    const found = async (query: object): Promise<number[]> => {
      const page = await log.audit.list(query)
      return page.events.map(({ id }) => ids.indexOf(id))
    }
    expect(await found({ agent: 'https://a.example' })).toEqual([1, 0])
    expect(await found({ delegate: 'd1' })).toEqual([0])
    expect(await found({ user: 'bob' })).toEqual([2])
    expect(await found({ user: 'ada', type: 'revoked' })).toEqual([1])
    expect(await found({ resource: 'https://r.example' })).toEqual([0])
    expect(await found({ txn: 't1' })).toEqual([1])
    expect(await found({ since: start + 1 })).toEqual([1])
    expect(await found({ until: start + 9 })).toEqual([2, 0])
    expect(await found({ agent: 'https://b.example' })).toEqual([])
    const first = await log.audit.list({ limit: 2 })
    expect(first.next).toBe(1)
    expect(await found({ limit: 2, before: 1 })).toEqual([0])
    await expect(log.audit.list({ limit: 1001 })).rejects.toThrow(RangeError)
    await expect(log.audit.list({ users: 'ada' } as object)).rejects.toThrow("did you mean 'user'?")
    await log.close()
  })

  test.skipIf(away !== '')('a user who is forgotten leaves no value behind, and all proofs valid', async () => {
    const log = await openLog(url())
    const [id = ''] = await log.append({ ...granted(1), user: 'ada-lovelace', personal: { peer: '192.0.2.77' } })
    const [other = ''] = await log.append({ ...granted(2), user: 'bob' })
    await log.audit.sequence()
    const before = JSON.stringify(await log.audit.prove(id))
    expect(before).toContain('ada-lovelace')
    await log.store.write(async tx => {
      await log.audit.append(tx, [{ type: 'account_deleted', user: 'ada-lovelace' }])
      await log.audit.forgetUser(tx, 'ada-lovelace')
    })
    await log.audit.sequence()

    const after = JSON.stringify(await log.audit.prove(id))
    const kept = JSON.stringify(await all(log)) + JSON.stringify(await log.audit.list({}))
    expect(after + kept).not.toMatch(/ada-lovelace|192\.0\.2\.77/)
    expect(await log.audit.list({ user: 'ada-lovelace' })).toEqual({ events: [] })
    for (const proof of [before, after])
      expect(verifyProof({ proof, publicKey: log.publicKey }).event).toMatchObject({ index: 0, txn: 'txn-1' })
    expect((await log.audit.find(other))?.personal).toMatchObject({ user: { value: 'bob' } })
    const { folder, read } = await exported(log)
    expect(await verifyAudit({ folder, publicKeys: [log.publicKey] })).toMatchObject({ ok: true, events: 3 })
    expect(read('events.jsonl').toString()).not.toMatch(/ada-lovelace|192\.0\.2\.77/)
    await log.close()
  })

  test.skipIf(away !== '')('old events go a whole tile at a time, and later ones are proven all the same', async () => {
    let now = start + 0.5
    const faults: unknown[] = []
    const onFault = (error: unknown): void => void faults.push(error)
    const log = await openLog(url(), { now: () => now, days: 30, every: 0.01, onFault })
    // One whose program had a wrong clock keeps no others.
    await log.append({ ...granted(0), time: start + 10 ** 9 })
    await fill(log, 299, 2)
    now += 20 * 86_400
    await fill(log, 300, 2)
    now += 15 * 86_400
    const first = async (): Promise<number> => {
      const { rows } = await sql<{ first: number }>`select min(first) as first from test_audit_runs`.execute(
        log.store.db,
      )
      return rows[0]?.first ?? -1
    }
    await expect.poll(first, { timeout: 10_000 }).toBe(256)
    const oldest = async (): Promise<number> => {
      const { rows } = await sql<{ time: number }>`select min(time) as time from test_audit_checkpoints`.execute(
        log.store.db,
      )
      return rows[0]?.time ?? 0
    }
    await expect.poll(oldest, { timeout: 10_000 }).toBeGreaterThan(start)
    expect(faults).toEqual([])
    const { folder } = await exported(log)
    expect(await verifyAudit({ folder, publicKeys: [log.publicKey] })).toMatchObject({
      ok: true,
      size: 600,
      events: 344,
      first: 256,
      faults: [],
    })
    const [newest] = (await log.audit.list({ limit: 1 })).events
    const proof = JSON.stringify(await log.audit.prove(newest?.id ?? ''))
    expect(verifyProof({ proof, publicKey: log.publicKey }).event.index).toBe(599)
    await log.close()
  })
})

test.skipIf(databases[1]?.away !== '')('a trigger that uses another sequence moves no event', async () => {
  const log = await openLog(databases[1]?.url() ?? '')
  await log.store.write(async tx => {
    await sql`create table copies (id bigserial primary key, records text)`.execute(tx)
    await sql`create function copy_it() returns trigger language plpgsql as
      'begin insert into copies (records) values (new.records); return new; end'`.execute(tx)
    await sql`insert into copies (records) select '' from generate_series(1, 100)`.execute(tx)
    await sql`create trigger copying after insert on test_audit for each row execute function copy_it()`.execute(tx)
  })
  for (const n of [1, 2, 3]) await log.append(granted(n))
  await log.audit.sequence()
  expect((await log.audit.list({})).events.map(({ txn }) => txn)).toEqual(['txn-3', 'txn-2', 'txn-1'])
  await log.close()
})

test(
  verifies('LOG-09', 'a tree that was changed in the database is not signed on, and one that was not is'),
  async () => {
    const log = await openLog(sqliteOfTest())
    await fill(log, 20, 1)
    expect(await sizeOf(log)).toBe(20)
    await log.append(granted(20))
    await log.audit.sequence()
    expect(await sizeOf(log)).toBe(21)
    await log.store.write(tx =>
      sql`update test_audit_tiles set hashes = ${Buffer.alloc(21 * 32, 1).toString('base64')} where level = 0`.execute(
        tx,
      ),
    )
    await log.append(granted(21))
    await expect(log.audit.sequence()).rejects.toEqual(refused('inconsistent'))
    expect(await sizeOf(log)).toBe(21)
    await log.store.close()
  },
)

test('an event that no database could index is found all the same, and proven as it was', async () => {
  for (const { away, url } of await databasesForTests(1, 'both')) {
    if (away !== '') continue
    const log = await openLog(url())
    const odd = { type: 'odd', agent: `\0${'é'.repeat(4000)}`, txn: 'half \ud800 pair', detail: { text: '\0 \udc00' } }
    const [id = ''] = await log.append(odd, granted(1))
    await log.audit.sequence()
    expect(await log.audit.find(id)).toMatchObject({ index: 0, agent: odd.agent, txn: odd.txn, detail: odd.detail })
    expect((await log.audit.list({ txn: odd.txn })).events.map(event => event.id)).toEqual([id])
    const { folder } = await exported(log)
    expect(await verifyAudit({ folder, publicKeys: [log.publicKey] })).toMatchObject({ ok: true, size: 2 })
    await log.close()
  }
})

test.each<[string, object]>([
  ['has no type', {}],
  ['is too long', { type: 'x', detail: { text: 'a'.repeat(17_000) } }],
  ['is too deep', { type: 'x', detail: JSON.parse(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`) }],
  ['holds what is no JSON', { type: 'x', detail: { n: Number.NaN } }],
  ['writes itself', { type: 'x', detail: { date: new Date(0) } }],
  ['has a time that is none', { type: 'x', time: Number.NaN }],
  ['has a personal member that is no text', { type: 'x', personal: { n: 1 } }],
  ['has an agent that is no text', { type: 'x', agent: 7 }],
])('an event that %s is refused with its transaction', async (_, event) => {
  const log = await openLog(sqliteOfTest())
  await expect(log.append(granted(1), event as AuditEvent)).rejects.toThrow(TypeError)
  await log.append(granted(2))
  await log.audit.sequence()
  expect((await all(log)).length).toBe(1)
  await log.close()
})

test('events that never stop coming keep no checkpoint from being signed', async () => {
  const log = await openLog(sqliteOfTest())
  // Another event waits after every step of the sequencer.
  const write: TestLog['store']['write'] = async (change, options) => {
    const result = await log.store.write(change, options)
    if (options?.alone !== undefined) await log.append(granted(2))
    return result
  }
  const signer = checkpointSigner({ origin: 'auth.example', key })
  const busy = createAuditLog({ store: { ...log.store, write }, room: 'test', signer, every: 'manual', onFault: fail })
  await log.append(granted(1))
  await busy.sequence()
  expect(await sizeOf(log)).toBe(1)
  await busy.sequence()
  expect(await sizeOf(log)).toBe(2)
  await log.close()
})

test('a witness that never answers keeps no event waiting, and no log open', async () => {
  const signer = checkpointSigner({ origin: 'auth.example', key: otherKey })
  const silent: Witness = { publicKey: signer.publicKey, cosign: () => new Promise(() => undefined) }
  const log = await openLog(sqliteOfTest(), { witness: silent, every: 0.01 })
  await log.append(granted(1))
  await expect.poll(() => log.audit.checkpoint()).toContain('\n1\n')
  await log.append(granted(2))
  await expect.poll(() => log.audit.checkpoint()).toContain('\n2\n')
  await log.close()
})

test('an event that was changed in the database until it is none keeps no other from its place', async () => {
  const log = await openLog(sqliteOfTest())
  await log.append(granted(1))
  await log.audit.sequence()
  for (const changed of ['{}', '{"time":1,"agent":null}', '{"time":1,"personal":{"user":"x"}}', 'nothing'])
    await log.store.write(async tx => {
      await sql`update test_audit set records = ${changed}`.execute(tx)
      await log.audit.append(tx, [granted(3)])
    })
  await fill(log, 300, 2)
  await log.store.write(tx => log.audit.forgetUser(tx, 'user-1'))
  await log.audit.sequence()
  expect(await sizeOf(log)).toBe(305)
  expect((await log.audit.list({ user: 'user-2', limit: 1 })).events).toHaveLength(1)
  await log.store.close()
})

test('rows that were changed in the database stop no other event, no query and no forgetting', async () => {
  const log = await openLog(sqliteOfTest())
  const of = (user: string): AuditEvent => ({ type: 'signed_in', user })
  const bad = '{"time":1,"type":"x","personal":{"user":{"salt":"x","value":"ada"}}}'
  const change = (record: string) =>
    log.store.write(async tx => {
      await sql`update test_audit set records = ${record} where records like ${'%ada%'}`.execute(tx)
      await sql`insert into test_audit_forgotten values ('nothing', 1, 0)`.execute(tx)
      await sql`insert into test_audit_runs values (40, 99) on conflict do nothing`.execute(tx)
      await log.audit.forgetUser(tx, 'ada')
      await log.audit.forgetUser(tx, 'bob')
    })
  await log.append(of('ada'))
  await change(bad)
  await log.append(of('bob'))
  await log.audit.sequence()
  expect(await sizeOf(log)).toBe(2)
  await log.append(of('ada'), of('eve'))
  await log.audit.sequence()
  await fill(log, 300, 1)
  await log.store.write(tx => sql`update test_audit_filters set bits = null`.execute(tx))
  await change(bad)
  await log.audit.sequence()
  for (const user of ['ada', 'bob']) expect((await log.audit.list({ user })).events).toEqual([])
  expect((await log.audit.list({ user: 'eve' })).events).toHaveLength(1)
  const { rows } = await sql<{ open: number }>`select count(*) as open from test_audit_forgotten
    where passed = 0`.execute(log.store.db)
  expect(rows[0]?.open).toBe(0)
  await log.store.close()
})

test('personal members of any name, and users of any text, are kept and found', async () => {
  const log = await openLog(sqliteOfTest())
  const personal = JSON.parse('{"__proto__":"one","10":"two","2":"three","a\\"b":"four"}')
  const [id = ''] = await log.append({ type: 'odd', user: 'half \ud800 pair', personal })
  await log.audit.sequence()
  const values = Object.entries((await log.audit.find(id))?.personal ?? {}).map(([, value]) => Object(value).value)
  expect(values.toSorted()).toEqual(['four', 'half \ufffd pair', 'one', 'three', 'two'])
  expect((await log.audit.list({ user: 'half \ud800 pair' })).events).toHaveLength(1)
  const { folder } = await exported(log)
  expect((await verifyAudit({ folder, publicKeys: [log.publicKey] })).ok).toBe(true)
  await log.store.write(tx => log.audit.forgetUser(tx, 'half \ud800 pair'))
  await log.audit.sequence()
  expect(JSON.stringify(await log.audit.find(id))).not.toContain('four')
  await log.close()
})

test('a head that was changed in the database keeps no other event from its place', async () => {
  const log = await openLog(sqliteOfTest())
  for (const heads of [Buffer.alloc(700, 255), Buffer.alloc(700), Buffer.alloc(1)]) {
    await log.append(...Array.from({ length: 11 }, (_, n) => granted(n)))
    await log.store.write(tx => sql`update test_audit_waiting set heads = ${heads}`.execute(tx))
    await log.audit.sequence()
  }
  await fill(log, 300, 2)
  expect((await log.audit.list({ user: 'user-2', limit: 1 })).events).toHaveLength(1)
  const { folder } = await exported(log)
  expect((await verifyAudit({ folder, publicKeys: [log.publicKey] })).ok).toBe(false)
  await log.store.close()
})

test('many events of one append have their places in steps', async () => {
  const log = await openLog(sqliteOfTest())
  for (let append = 0; append < 20; append++)
    await log.append(...Array.from({ length: 200 }, (_, n) => ({ ...granted(n), detail: { text: 'x'.repeat(200) } })))
  await log.audit.sequence()
  expect(await sizeOf(log)).toBe(4000)
  const { rows } = await sql<{ tiles: number }>`select count(*) as tiles from test_audit_filters
    where whole is not null`.execute(log.store.db)
  expect(rows[0]?.tiles).toBe(15)
  const { folder } = await exported(log)
  expect(await verifyAudit({ folder, publicKeys: [log.publicKey] })).toMatchObject({ ok: true, events: 4000 })
  await log.close()
})

test('a user with events in many tiles is forgotten in all of them', async () => {
  const log = await openLog(sqliteOfTest())
  const events = Array.from({ length: 450 }, (_, n) => ({ ...granted(n), user: 'ada-lovelace' }))
  for (let at = 0; at < events.length; at += 50) await log.append(...events.slice(at, at + 50))
  await log.audit.sequence()
  await log.store.write(tx => log.audit.forgetUser(tx, 'ada-lovelace'))
  await log.audit.sequence()
  const { folder, read } = await exported(log)
  expect(read('events.jsonl').toString()).not.toContain('ada-lovelace')
  expect(await verifyAudit({ folder, publicKeys: [log.publicKey] })).toMatchObject({ ok: true, events: 450 })
  await log.close()
})

test('a log of another origin in the same database is not signed on', async () => {
  const log = await openLog(sqliteOfTest())
  await fill(log, 2, 1)
  const signer = checkpointSigner({ origin: 'other.example', key: otherKey })
  const other = createAuditLog({ store: log.store, room: 'test', signer, every: 'manual', onFault: console.error })
  await log.append(granted(3))
  await expect(other.sequence()).rejects.toEqual(refused('origin'))
  await log.audit.sequence()
  expect(await sizeOf(log)).toBe(3)
  await log.close()
})

test('the log continues under a new key, and both keys verify it', async () => {
  const url = sqliteOfTest()
  const log = await openLog(url)
  await fill(log, 3, 1)
  await log.close()
  const later = await openLog(url, { with: otherKey })
  await fill(later, 3, 1)
  const { folder } = await exported(later)
  const publicKeys = [later.publicKey, log.publicKey]
  expect(await verifyAudit({ folder, publicKeys })).toMatchObject({ ok: true, size: 6, checkpoints: 2 })
  const { faults } = await verifyAudit({ folder, publicKeys: [later.publicKey] })
  expect(faults).toEqual([{ kind: 'signature', of: 'checkpoints', at: 1 }])
  await later.close()
})

test('in the background events get their places by themselves, and a fault is told', async () => {
  const faults: unknown[] = []
  const log = await openLog(sqliteOfTest(), { every: 0.01, onFault: error => void faults.push(error) })
  await log.append(granted(1))
  await expect.poll(() => log.audit.checkpoint()).toContain('\n1\n')
  await log.store.write(tx => sql`update test_audit_tiles set hashes = ''`.execute(tx))
  await expect.poll(() => faults.length).toBeGreaterThan(0)
  expect(faults[0]).toEqual(refused('inconsistent'))
  await log.close()
})

test('a tool without a key reads the log, and closing the log sequences a last time', async () => {
  const log = await openLog(sqliteOfTest())
  const [id = ''] = await log.append(granted(1))
  const reader = readAudit({ store: log.store, room: 'test' })
  await expect(reader.prove(id)).rejects.toEqual(refused('not-found'))
  await log.audit.close()
  expect((await reader.list()).events.map(event => event.id)).toEqual([id])
  expect((await reader.prove(id)).index).toBe(0)
  await log.store.close()
})

test('an export goes into an empty folder only, and before the first checkpoint nowhere', async () => {
  const log = await openLog(sqliteOfTest())
  await expect(exported(log)).rejects.toEqual(refused('not-signed'))
  await fill(log, 2, 1)
  const { folder } = await exported(log)
  await expect(log.audit.export(folder, { personal: 'with' })).rejects.toEqual(refused('not-empty'))
  await log.close()
})
