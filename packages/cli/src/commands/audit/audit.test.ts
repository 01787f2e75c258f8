import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditMigration, checkpointSigner, createAuditLog } from '@countersign/audit'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test, vi } from 'vitest'
import { main } from '../../index.js'

const place = temporaryFolder()

/** An export of ten events, the proof of one, a checkpoint that was kept, and the key. */
async function exported(name: string) {
  const store = await openStore({ url: 'sqlite::memory:', room: 'test', migrations: [auditMigration('001', 'test')] })
  const signer = checkpointSigner({ origin: 'auth.example', key: await generateSigningKey() })
  const audit = createAuditLog({
    store,
    room: 'test',
    signer,
    every: 'manual',
    onFault: console.error,
    now: () => 1_800_000_000,
  })
  const events = Array.from({ length: 10 }, (_, n) => ({ type: 'granted', user: `user-${n}`, detail: { n } }))
  const ids = await store.write(tx => audit.append(tx, events))
  await audit.sequence()
  const folder = join(place, name)
  await audit.export(folder, { personal: 'with' })
  const proof = join(place, `${name}.json`)
  writeFileSync(proof, JSON.stringify(await audit.prove(ids[3] ?? '')))
  const kept = join(place, `${name}.checkpoint`)
  await store.write(tx => audit.append(tx, [{ type: 'later' }]))
  await audit.sequence()
  writeFileSync(kept, (await audit.checkpoint()) ?? '')
  await audit.close()
  await store.close()
  return { folder, proof, kept, key: signer.publicKey, events: join(folder, 'events.jsonl') }
}

async function run(...args: readonly string[]): Promise<{ readonly out: string; readonly code: unknown }> {
  const lines: string[] = []
  const spies = (['log', 'error'] as const).map(name =>
    vi.spyOn(console, name).mockImplementation((line: unknown) => void lines.push(String(line))),
  )
  const before = process.exitCode
  process.exitCode = undefined
  await main(['node', 'countersign', 'audit', ...args])
  const code = process.exitCode ?? 0
  process.exitCode = before
  for (const spy of spies) spy.mockRestore()
  return { out: lines.join('\n'), code }
}

test(verifies('LOG-09', 'audit verify says that nothing was changed, or what was'), async () => {
  const { folder, key, events } = await exported('whole')
  expect(await run('verify', folder, '--key', key)).toEqual({
    code: 0,
    out: 'verified: 10 events of a log of 10, 1 checkpoint\nno checkpoint was given: a log that was replaced as a whole, or cut, would not be noticed',
  })
  const lines = readFileSync(events, 'utf8').split('\n')
  writeFileSync(events, lines.toSpliced(4, 1).join('\n'))
  expect(await run('verify', folder, '--key', key)).toEqual({
    code: 1,
    out: 'NOT verified: 9 events of a log of 10, 1 checkpoint\n- removed: event 4',
  })
  writeFileSync(events, lines.with(4, (lines[4] ?? '').replace('user-4', 'user-5')).join('\n'))
  const { out, code } = await run('verify', folder, '--key', key, '--json')
  expect([code, JSON.parse(out)]).toMatchObject([1, { ok: false, faults: [{ kind: 'changed', index: 4, line: 5 }] }])
})

test('audit verify compares with checkpoints that were kept, and takes a key from a file', async () => {
  const { folder, key, kept } = await exported('kept')
  const file = join(place, 'key')
  writeFileSync(file, `${key}\n`)
  const newest = join(folder, 'checkpoint')
  expect(await run('verify', folder, '--key', file, '--checkpoint', newest)).toEqual({
    code: 0,
    out: 'verified: 10 events of a log of 10, 2 checkpoints',
  })
  expect((await run('verify', folder, '--key', file, '--checkpoint', newest, kept)).out).toContain(
    '- cut off: 10 events, where a checkpoint that was kept has 11',
  )
  const other = await exported('other')
  expect(await run('verify', folder, '--key', other.key)).toMatchObject({ code: 1 })
  expect((await run('verify', folder, '--key', key, '--checkpoint', other.kept)).out).toContain(
    'is not signed by this key, or is of another log',
  )
})

test('audit proof prints an event that stands in the log, and refuses another', async () => {
  const { proof, key } = await exported('proven')
  const { out, code } = await run('proof', proof, '--key', key)
  expect(code).toBe(0)
  expect(out).toContain('verified: event 3 of a log of 10')
  expect(out).toContain('  user: user-3\n  n: 3')
  expect(JSON.parse((await run('proof', proof, '--key', key, '--json')).out)).toMatchObject({
    size: 10,
    event: { index: 3, type: 'granted', detail: { n: 3 } },
  })
  writeFileSync(proof, readFileSync(proof, 'utf8').replace('user-3', 'user-4'))
  expect(await run('proof', proof, '--key', key)).toEqual({
    code: 1,
    out: 'NOT verified: the proof does not lead to the root of its checkpoint',
  })
  expect((await run('proof', proof, '--key', key.slice(0, -4))).code).toBe(2)
})
