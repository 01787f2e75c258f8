import { sqliteOfTest } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'
import { exported, fill, openLog, otherKey, start, type TestLog } from '../audit.test.fixture.js'
import { type AuditLog, cosignatureTime, httpWitness, verifyAudit } from '../index.js'
import { cosignNewest } from '../log/cosign.js'
import { tablesOf } from '../log/tables.js'
import { type TestWitness, testWitness } from './witness.test.fixture.js'

const tables = tablesOf('test')

async function place(count: number): Promise<{ log: TestLog; witness: TestWitness; ask(now?: number): Promise<void> }> {
  const log = await openLog(sqliteOfTest())
  await fill(log, count, 1)
  const witness = testWitness({ key: otherKey, logKey: log.publicKey, now: () => start + 5 })
  return {
    log,
    witness,
    ask: (now = start) => cosignNewest({ store: log.store as never, tables, now: () => now }, client(witness)),
  }
}

function client({ publicKey, fetch }: Pick<TestWitness, 'publicKey' | 'fetch'>) {
  return httpWitness({ url: 'https://witness.example/api/', publicKey, fetch })
}

const newest = async (audit: AuditLog): Promise<string> => (await audit.checkpoint()) ?? ''
const refused = (code: string) => expect.objectContaining({ code })

test('a witness cosigns the first checkpoint, and each later one with a proof from the last', async () => {
  const { log, witness, ask } = await place(5)
  await ask()
  expect(cosignatureTime(await newest(log.audit), witness.publicKey)).toBe(start + 5)
  await fill(log, 300, 1)
  await ask()
  expect(witness.seen.size).toBe(305)
  expect(witness.asked.map(body => body.split('\n')[0])).toEqual(['old 0', 'old 5'])
  expect(cosignatureTime(await newest(log.audit), witness.publicKey)).toBe(start + 5)
  // Nothing new is not asked about again.
  await ask()
  expect(witness.asked.length).toBe(2)
  const { folder } = await exported(log)
  const given = { folder, publicKeys: [log.publicKey] }
  expect(await verifyAudit({ ...given, witness: witness.publicKey })).toMatchObject({ ok: true, checkpoints: 2 })
  const another = testWitness({
    key: (await import('../audit.test.fixture.js')).key,
    logKey: log.publicKey,
    now: () => 0,
  })
  expect((await verifyAudit({ ...given, witness: another.publicKey })).faults).toEqual([{ kind: 'witness' }])
  await log.close()
})

test('a witness whose answer was lost is asked again from where it is', async () => {
  const { log, witness, ask } = await place(5)
  const { fetch } = witness
  const lost = client({
    ...witness,
    fetch: async (...asked) => fetch(...asked).then(() => Promise.reject(new Error('gone'))),
  })
  const context = { store: log.store as never, tables, now: () => start }
  await expect(cosignNewest(context, lost)).rejects.toEqual(refused('witness-unavailable'))
  await fill(log, 4, 1)
  await ask()
  expect(witness.asked.map(body => body.split('\n')[0])).toEqual(['old 0', 'old 0', 'old 5'])
  expect(witness.seen.size).toBe(9)
  await log.close()
})

test('an instance that is overtaken by another is not told of a conflict', async () => {
  const { log, witness } = await place(5)
  const { fetch } = witness
  // While the first asks, the other has a later checkpoint cosigned.
  let isFirst = true
  const overtaken: typeof fetch = async (...asked) => {
    if (isFirst) {
      isFirst = false
      await fill(log, 4, 1)
      await cosignNewest({ store: log.store as never, tables, now: () => start }, client(witness))
    }
    return fetch(...asked)
  }
  await cosignNewest({ store: log.store as never, tables, now: () => start }, client({ ...witness, fetch: overtaken }))
  expect(witness.seen.size).toBe(9)
  expect(cosignatureTime(await newest(log.audit), witness.publicKey)).toBe(start + 5)
  await log.close()
})

describe('another history is refused by the witness', () => {
  test('of the same size, or a larger one', async () => {
    const { log, witness, ask } = await place(5)
    await ask()
    await log.close()
    for (const count of [5, 8]) {
      const forked = await place(count)
      const context = { store: forked.log.store as never, tables, now: () => start }
      await expect(cosignNewest(context, client(witness))).rejects.toEqual(refused('witness-conflict'))
      await forked.log.close()
    }
  })

  test('as of a database that was restored from before the last cosignature', async () => {
    const { log, witness, ask } = await place(5)
    await fill(log, 4, 1)
    await ask()
    expect(witness.seen.size).toBe(9)
    const restored = await place(5)
    const context = { store: restored.log.store as never, tables, now: () => start }
    await expect(cosignNewest(context, client(witness))).rejects.toEqual(refused('witness-conflict'))
    await log.close()
    await restored.log.close()
  })
})

describe('an answer is refused', () => {
  test.each<[string, Response, string]>([
    ['without a signature of the witness', new Response('\u2014 other.example AAAAAAAAAAA=\n'), 'witness-conflict'],
    ['that is no signature', new Response('thanks'), 'malformed'],
    ['that is too long', new Response('x'.repeat(20_000)), 'witness-unavailable'],
    ['of another size without its type', new Response('9\n', { status: 409 }), 'witness-conflict'],
    ['of an unknown log', new Response(null, { status: 404 }), 'witness-unavailable'],
    ['of a broken server', new Response(null, { status: 500 }), 'witness-unavailable'],
  ])('%s', async (_, response, code) => {
    const { log, witness, ask } = await place(3)
    const wrong = client({ publicKey: witness.publicKey, fetch: async () => response })
    const context = { store: log.store as never, tables, now: () => start }
    await expect(cosignNewest(context, wrong)).rejects.toEqual(refused(code))
    expect(cosignatureTime(await newest(log.audit), witness.publicKey)).toBeUndefined()
    await ask()
    expect(cosignatureTime(await newest(log.audit), witness.publicKey)).toBe(start + 5)
    await log.close()
  })

  test('of another checkpoint, or from the future', async () => {
    const { log, witness, ask } = await place(3)
    const context = { store: log.store as never, tables, now: () => start }
    const { fetch } = witness
    const other = await place(4)
    const swapped = client({
      ...witness,
      fetch: async url => fetch(url, { body: `old 0\n\n${await newest(other.log.audit)}` }),
    })
    await expect(cosignNewest(context, swapped)).rejects.toEqual(refused('witness-conflict'))
    witness.seen = { size: 0, root: new Uint8Array() }
    await expect(ask(start - 400)).rejects.toEqual(refused('witness-conflict'))
    witness.seen = { size: 0, root: new Uint8Array() }
    await ask(start - 200)
    expect(cosignatureTime(await newest(log.audit), witness.publicKey)).toBe(start + 5)
    await log.close()
    await other.log.close()
  })
})

test('the key of a log is no key of a witness', async () => {
  const { log, witness } = await place(1)
  expect(() => httpWitness({ url: 'https://w.example', publicKey: log.publicKey })).toThrow('type 4')
  expect(httpWitness({ url: 'https://w.example', publicKey: witness.publicKey }).publicKey).toBe(witness.publicKey)
  await log.close()
})
