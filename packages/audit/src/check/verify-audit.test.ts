import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { folderOfTest, sqliteFiles } from '@countersign/testing/folders'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ExportedFolder,
  exported,
  fill,
  folderAt,
  key,
  openLog,
  otherKey,
  type TestLog,
} from '../audit.test.fixture.js'
import { type AuditFault, type AuditReport, checkpointSigner, leafHash, readAudit, verifyAudit } from '../index.js'

const urls = sqliteFiles()
let log: TestLog
beforeAll(async () => {
  log = await openLog(urls())
  await fill(log, 600, 4)
})
afterAll(() => log.close())

/** A copy of the export that a test may change. */
async function copy(): Promise<ExportedFolder> {
  const folder = join(folderOfTest(), 'copy')
  cpSync((await exported(log)).folder, folder, { recursive: true })
  return folderAt(folder)
}

async function verify({ folder }: ExportedFolder, kept: readonly string[] = []): Promise<AuditReport> {
  return verifyAudit({ folder, publicKeys: [log.publicKey], kept })
}

/** The faults of an export whose lines were changed; the bundles are left as they were. */
async function faultsOf(change: (lines: string[]) => readonly string[]): Promise<readonly AuditFault[]> {
  const export_ = await copy()
  expect(await verify(export_)).toMatchObject({
    ok: true,
    size: 600,
    events: 600,
    first: 0,
    checkpoints: 4,
    faults: [],
  })
  export_.setLines(change)
  const report = await verify(export_)
  expect(report.ok).toBe(false)
  return report.faults
}

const without = (lines: readonly string[], first: number, count = 1): string[] => lines.toSpliced(first, count)
const renumbered = (lines: readonly string[]): string[] =>
  lines.map((line, index) => line.replace(/^\{"index":\d+/, `{"index":${index}`))

describe('of the events of an export', () => {
  test(verifies('LOG-09', 'one that was removed is named'), async () => {
    expect(await faultsOf(lines => without(lines, 300))).toEqual([{ kind: 'removed', first: 300, last: 300 }])
  })

  test('one that was removed is named, although all later ones were numbered anew', async () => {
    const faults = await faultsOf(lines => renumbered(without(lines, 598)))
    expect(faults).toEqual([
      { kind: 'removed', first: 598, last: 598 },
      { kind: 'misnumbered', first: 599, last: 599 },
    ])
  })

  test('a row of them that was removed is named, also at the end', async () => {
    expect(await faultsOf(lines => without(lines, 100, 50))).toEqual([{ kind: 'removed', first: 100, last: 149 }])
    expect(await faultsOf(lines => without(lines, 580, 20))).toEqual([{ kind: 'removed', first: 580, last: 599 }])
  })

  test(verifies('LOG-09', 'one that was changed is named, in each of its members'), async () => {
    const changes = [
      ['agent-', 'agent-9'],
      ['"granted"', '"refused"'],
      ['user-', 'user-9'],
      ['"salt":"', '"salt":"A'],
      ['events.read', 'events.write'],
      ['"v":1', '"v":1,"x":1'],
      ['"type"', '"type":"first","type"'],
      ['"time":', '"time": '],
    ] as const
    for (const [from, to] of changes) {
      const faults = await faultsOf(lines => lines.with(42, lines[42]?.replace(from, to) ?? ''))
      expect(faults, to).toEqual([{ kind: 'changed', index: 42, line: 43 }])
    }
  })

  test('one that stands at another place is named', async () => {
    const faults = await faultsOf(lines =>
      renumbered([...without(lines, 10).slice(0, 199), lines[10] ?? '', ...lines.slice(201)]),
    )
    expect(faults).toEqual([
      { kind: 'moved', index: 10, line: 200 },
      { kind: 'removed', first: 200, last: 200 },
      { kind: 'misnumbered', first: 11, last: 199 },
      { kind: 'misnumbered', first: 201, last: 599 },
    ])
    const swapped = await faultsOf(lines => lines.with(7, lines[8] ?? '').with(8, lines[7] ?? ''))
    expect(swapped).toEqual([{ kind: 'moved', index: 7, line: 9 }])
  })

  test('one that was never logged is named, in the middle, twice, and at the end', async () => {
    const made = (line = ''): string => line.replace('user-', 'user-made-up-')
    const middle = await faultsOf(lines => lines.toSpliced(20, 0, made(lines[20])))
    expect(middle).toEqual([{ kind: 'inserted', line: 21 }])
    const twice = await faultsOf(lines => lines.toSpliced(20, 0, lines[20] ?? ''))
    expect(twice).toEqual([{ kind: 'inserted', line: 22 }])
    const end = await faultsOf(lines => [...lines, made(lines[599])])
    expect(end).toEqual([{ kind: 'inserted', line: 601 }])
  })

  test('one in place of another is both told as one change, and a line of nonsense too', async () => {
    expect(await faultsOf(lines => lines.with(5, 'nonsense'))).toEqual([{ kind: 'changed', index: 5, line: 6 }])
    expect(await faultsOf(lines => lines.with(5, 'x'.repeat(200_000)))).toEqual([
      { kind: 'changed', index: 5, line: 6 },
    ])
  })

  test('the first of a tile cannot be removed as if the retention had', async () => {
    expect(await faultsOf(lines => without(lines, 0))).toEqual([{ kind: 'removed', first: 0, last: 0 }])
    expect(await faultsOf(lines => lines.slice(300))).toEqual([{ kind: 'removed', first: 256, last: 299 }])
  })

  test('a file of nothing but faults is told in part', async () => {
    const { folder, setLines } = await copy()
    setLines(lines => lines.map(() => '{}'))
    const { faults, isCut } = await verifyAudit({ folder, publicKeys: [log.publicKey] })
    expect([faults.length, isCut]).toEqual([100, true])
  })
})

describe('of the checkpoints', () => {
  test(verifies('LOG-09', 'one that was kept shows that the log was cut'), async () => {
    const before = await copy()
    const shorter = await openLog(urls())
    await fill(shorter, 10, 1)
    const kept = before.read('checkpoint').toString()
    expect(await verify(before, [kept])).toMatchObject({ ok: true, checkpoints: 5 })
    const cut = await verify(folderAt((await exported(shorter)).folder), [kept])
    expect(cut.faults).toEqual([{ kind: 'truncated', size: 10, expected: 600 }])
    await shorter.close()
  })

  test(verifies('LOG-09', 'one of another history is a fork, at the same size or a smaller one'), async () => {
    const other = await openLog(urls())
    await fill(other, 300, 2)
    const forked = (await other.audit.checkpoint()) ?? ''
    expect((await verify(await copy(), [forked])).faults).toEqual([{ kind: 'fork', size: 300 }])
    await fill(other, 300, 1)
    const same = (await other.audit.checkpoint()) ?? ''
    expect((await verify(await copy(), [forked, same])).faults).toEqual([
      { kind: 'fork', size: 300 },
      { kind: 'fork', size: 600 },
    ])
    await other.close()
  })

  test('one with a wrong signature, of another key or another log is refused', async () => {
    const export_ = await copy()
    const note = export_.read('checkpoint').toString()
    for (const wrong of [
      note.replace('\n600\n', '\n601\n'),
      note.replace('auth.example\n', 'other.example\n'),
      'nothing',
      '',
    ]) {
      export_.write('checkpoint', wrong)
      expect(await verify(export_)).toMatchObject({ ok: false, faults: [{ kind: 'signature', of: 'checkpoint' }] })
    }
    export_.write('checkpoint', note)
    expect((await verify(export_)).ok).toBe(true)
    const { publicKey } = checkpointSigner({ origin: 'auth.example', key: otherKey })
    const { folder } = export_
    expect((await verifyAudit({ folder, publicKeys: [publicKey] })).faults).toEqual([
      { kind: 'signature', of: 'checkpoint' },
    ])
    expect((await verify(export_, ['nothing'])).faults).toEqual([{ kind: 'signature', of: 'kept', at: 0 }])
  })

  test('a line of the file that is none is told, and a smaller one after a larger', async () => {
    const export_ = await copy()
    const lines = export_.read('checkpoints.jsonl').toString().trimEnd().split('\n')
    const faultsWith = async (changed: readonly string[]) => {
      export_.write('checkpoints.jsonl', changed.map(line => `${line}\n`).join(''))
      return (await verify(export_)).faults
    }
    expect(await faultsWith(lines)).toEqual([])
    expect(await faultsWith(lines.with(1, '{}'))).toEqual([{ kind: 'signature', of: 'checkpoints', at: 2 }])
    expect(await faultsWith(lines.toReversed())).toContainEqual({ kind: 'fork', size: 150 })
  })
})

describe('of its files', () => {
  test(
    verifies('LOG-11', 'each that every export has is missed: checkpoint, checkpoints.jsonl, events.jsonl'),
    async () => {
      for (const path of ['checkpoint', 'checkpoints.jsonl', 'events.jsonl']) {
        const export_ = await copy()
        expect((await verify(export_)).ok).toBe(true)
        rmSync(join(export_.folder, path))
        const { ok, faults } = await verify(export_)
        expect([path, ok, faults[0]]).toEqual([path, false, { kind: 'missing', path }])
      }
    },
  )

  test('events that fill their tiles are missed with their file, as if no retention ever removed all', async () => {
    const full = await openLog(urls())
    await fill(full, 512, 2)
    const { folder } = await exported(full)
    const faults = async () => (await verifyAudit({ folder, publicKeys: [full.publicKey] })).faults
    expect(await faults()).toEqual([])
    rmSync(join(folder, 'events.jsonl'))
    expect(await faults()).toContainEqual({ kind: 'missing', path: 'events.jsonl' })
    await full.close()
  })

  test('checkpoints that were cut at the end are missed; those that the retention may have removed are not', async () => {
    const export_ = await copy()
    const lines = export_.read('checkpoints.jsonl').toString().trimEnd().split('\n')
    const faultsWith = async (kept: readonly string[]) => {
      export_.write('checkpoints.jsonl', kept.map(line => `${line}\n`).join(''))
      return (await verify(export_)).faults
    }
    expect(lines).toHaveLength(4)
    expect(await faultsWith(lines.slice(2))).toEqual([])
    const cut = [{ kind: 'missing', path: 'checkpoints.jsonl', size: 600 }]
    expect(await faultsWith(lines.slice(0, 3))).toEqual(cut)
    expect(await faultsWith([])).toEqual(cut)
  })
})

describe('of the tiles', () => {
  test('one that was changed with its event leads to another root, between two checkpoints', async () => {
    const export_ = await copy()
    const tile = export_.read('tile/0/000')
    tile.set(leafHash('another'), 200 * 32)
    export_.write('tile/0/000', tile)
    const { faults } = await verify(export_)
    expect(faults).toContainEqual({ kind: 'root', after: 150, size: 300 })
    expect(faults).toContainEqual({ kind: 'tile', path: 'tile/1/000.p/2' })
    expect(faults).toContainEqual({ kind: 'changed', index: 200, line: 201 })
  })

  test.each(['tile/0/001', 'tile/0/002.p/88', 'tile/1/000.p/2', 'tile/entries/001', 'tile/entries/002.p/88'])(
    '%s is missed, and one bit more or less is noticed',
    async path => {
      const export_ = await copy()
      const whole = export_.read(path)
      for (const changed of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.of(0)]), Buffer.alloc(0)]) {
        export_.write(path, changed)
        expect((await verify(export_)).faults).toContainEqual({ kind: 'tile', path })
      }
      rmSync(join(export_.folder, path))
      expect((await verify(export_)).faults).toContainEqual({ kind: 'tile', path })
      const flipped = Buffer.from(whole)
      flipped[40] = (flipped[40] ?? 0) ^ 1
      export_.write(path, flipped)
      expect((await verify(export_)).ok).toBe(false)
      export_.write(path, whole)
      expect((await verify(export_)).ok).toBe(true)
    },
  )
})

test('an export without personal values verifies as well, and has none', async () => {
  const { folder, read } = await exported(log, 'without')
  expect(await verifyAudit({ folder, publicKeys: [log.publicKey] })).toMatchObject({ ok: true, events: 600 })
  expect(read('events.jsonl').toString()).not.toMatch(/user-\d|"salt"/)
})

test('a record that was changed in the database is exported as it is, and noticed', async () => {
  const changed = await openLog(urls(), { with: key })
  await fill(changed, 10, 1)
  const { sql } = await import('kysely')
  const clean = await exported(changed)
  expect((await verify(clean)).ok).toBe(true)
  const changeFourth = async (change: (record: string) => string): Promise<void> => {
    const { rows } = await sql<{ records: string }>`select records from test_audit`.execute(changed.store.db)
    const records = (rows[0]?.records ?? '').split('\n').map((record, at) => (at === 3 ? change(record) : record))
    await changed.store.write(tx => sql`update test_audit set records = ${records.join('\n')}`.execute(tx))
  }
  await changeFourth(record => record.replace('user-3', 'user-4'))
  expect((await verify(await exported(changed))).faults).toContainEqual({ kind: 'changed', index: 3, line: 4 })
  await changeFourth(() => 'nothing')
  for (const personal of ['with', 'without'] as const) {
    const { faults } = await verify(await exported(changed, personal))
    expect(faults).toEqual([
      { kind: 'tile', path: 'tile/entries/000.p/10' },
      { kind: 'changed', index: 3, line: 4 },
    ])
  }
  await changed.close()
})

test('an export during which the retention goes on begins with what is left, and verifies', async () => {
  const old = await openLog(urls(), { with: key })
  await fill(old, 1100, 3)
  const { sql } = await import('kysely')
  // Between the reads of two tiles the oldest ones go.
  let reads = 0
  const db = old.store.db.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if (result.rows[0]?.['records'] !== undefined && ++reads === 2)
        await old.store.write(async tx => {
          await sql`delete from test_audit_runs where first < 768`.execute(tx)
          await sql`delete from test_audit_filters where tile < 3`.execute(tx)
        })
      return result
    },
  })
  const folder = join(folderOfTest(), 'export')
  await readAudit({ store: { ...old.store, db }, room: 'test' }).export(folder, { personal: 'with' })
  expect(reads).toBeGreaterThan(2)
  expect(await verifyAudit({ folder, publicKeys: [old.publicKey] })).toMatchObject({
    ok: true,
    size: 1100,
    events: 332,
    first: 768,
    faults: [],
  })
  await old.close()
})

test('an empty or missing folder, and a key that is none, are told', async () => {
  const folder = folderOfTest()
  const report = await verifyAudit({ folder, publicKeys: [log.publicKey] })
  expect(report).toMatchObject({ ok: false, events: 0, checkpoints: 0 })
  expect(report.faults).toEqual(
    ['checkpoint', 'checkpoints.jsonl', 'events.jsonl'].map(path => ({ kind: 'missing', path })),
  )
  await expect(verifyAudit({ folder, publicKeys: ['nothing'] })).rejects.toThrow('public key')
})
