import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditMigration, checkpointSigner, createAuditLog } from '@countersign/audit'
import { createAuthServer } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test, vi } from 'vitest'
import { main } from '../../index.js'

const place = temporaryFolder()

/** An export of ten events, the proof of one, a checkpoint that was kept, and the key. */
async function exported(name: string, count = 10) {
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
  const events = Array.from({ length: count }, (_, n) => ({ type: 'granted', user: `user-${n}`, detail: { n } }))
  const ids = await store.write(tx => audit.append(tx, events.slice(0, 10)))
  for (let at = 10; at < count; at += 10) await store.write(tx => audit.append(tx, events.slice(at, at + 10)))
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

const run = (...args: readonly string[]) => runMain('audit', ...args)

async function runMain(...args: readonly string[]): Promise<{ readonly out: string; readonly code: unknown }> {
  const lines: string[] = []
  const spies = (['log', 'error'] as const).map(name =>
    vi.spyOn(console, name).mockImplementation((line: unknown) => void lines.push(String(line))),
  )
  const before = process.exitCode
  process.exitCode = undefined
  await main(['node', 'countersign', ...args])
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
    out: 'NOT verified: 9 events of a log of 10, 1 checkpoint\n- missing: event 4',
  })
  writeFileSync(events, lines.with(4, (lines[4] ?? '').replace('user-4', 'user-5')).join('\n'))
  const { out, code } = await run('verify', folder, '--key', key, '--json')
  expect([code, JSON.parse(out)]).toMatchObject([1, { ok: false, faults: [{ kind: 'changed', index: 4, line: 5 }] }])
})

test(verifies('LOG-11', 'audit verify names a file that is missing, and no cause that it cannot know'), async () => {
  const { folder, key, events } = await exported('cut', 600)
  expect((await run('verify', folder, '--key', key)).out).toMatch(
    /^verified: 600 events of a log of 600, 1 checkpoint\n/,
  )
  // As the retention leaves an export, and as somebody does who wants the beginning forgotten.
  writeFileSync(events, readFileSync(events, 'utf8').split('\n').slice(256).join('\n'))
  const cut = await run('verify', folder, '--key', key)
  expect(cut.code).toBe(0)
  expect(cut.out).toContain(
    'verified: 344 events of a log of 600, 1 checkpoint\nnot in the export: events 0 to 255. Why',
  )
  expect(cut.out).not.toContain('retention')
  rmSync(join(folder, 'checkpoints.jsonl'))
  expect(await run('verify', folder, '--key', key)).toEqual({
    code: 1,
    out: cut.out
      .split('\n')
      .slice(0, 2)
      .join('\n')
      .replace('verified', 'NOT verified')
      .replace('1 checkpoint', '0 checkpoints')
      .concat('\n- missing: checkpoints.jsonl'),
  })
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
    '- ends too early: with 10 events, where a checkpoint that was kept has 11',
  )
  const other = await exported('other')
  expect(await run('verify', folder, '--key', other.key)).toMatchObject({ code: 1 })
  expect((await run('verify', folder, '--key', key, '--checkpoint', other.kept)).out).toContain(
    'is none, is not signed by this key, or is of another log',
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

test(
  verifies('LOG-12', 'no detail stands for a verified member: in list, show and proof, in text and JSON'),
  async () => {
    const database = `sqlite:${join(place, 'forged.db')}`
    const key = await generateSigningKey()
    const keys = [{ kid: 'a1', key: await generateSigningKey() }]
    const auth = await createAuthServer({ issuer: 'https://auth.example', keys, database, audit: { key } })
    await auth.close()
    const store = await openStore({ url: database, room: 'test', migrations: [] })
    const signer = checkpointSigner({ origin: 'auth.example', key })
    const audit = createAuditLog({ store, room: 'auth_server', signer, onFault: console.error, every: 'manual' })
    const names = [
      'event',
      'id',
      'place',
      'index',
      'time',
      'type',
      'agent',
      'delegate',
      'user',
      'resource',
      'txn',
      'grant',
    ]
    const forged = Object.fromEntries([...names, 'place_of_birth'].map(name => [name, `forged ${name}`]))
    const told = { type: 'granted', agent: 'https://agent.example', user: 'ada', time: 1_800_000_000 }
    const personal = { agent: 'forged by a person', place_of_birth: 'London' }
    const [id = '', twin = ''] = await store.write(tx =>
      audit.append(tx, [
        { ...told, personal, detail: { ...forged, 'detail.agent': 'forged twice' } },
        { ...told, detail: { scope: ['a'], 'own.name': 1 } },
      ]),
    )
    await audit.sequence()
    const proof = join(place, 'forged.json')
    writeFileSync(proof, JSON.stringify(await audit.prove(id)))
    await audit.close()
    await store.close()

    const flags = ['--id', 'https://auth.example', '--database', database]
    const server = async (...args: readonly string[]) => (await runMain('auth-server', 'audit', ...args, ...flags)).out
    const verified = {
      event: id,
      type: 'granted',
      time: '2027-01-15T08:00:00Z',
      agent: 'https://agent.example',
      user: 'ada',
      'personal.agent': 'forged by a person',
      place_of_birth: 'London',
      'detail.delegate': 'forged delegate',
      'detail.grant': 'forged grant',
      'detail.place': 'forged place',
      'detail.agent': 'forged agent',
      'detail.detail.agent': 'forged twice',
      'detail.event': 'forged event',
      'detail.place_of_birth': 'forged place_of_birth',
    }
    const shown = JSON.parse(await server('show', '--event', id, '--json'))
    expect(shown).toMatchObject(verified)
    expect(typeof shown.place).toBe('number')
    for (const name of ['delegate', 'resource', 'txn', 'grant', 'id', 'index']) expect(shown).not.toHaveProperty([name])
    const listed = (await server('list', '--type', 'granted', '--json')).split('\n').map(line => JSON.parse(line))
    expect(listed.find(({ event }) => event === id)).toEqual(shown)
    // The accepted twin: details of other names stand as they are.
    expect(listed.find(({ event }) => event === twin)).toMatchObject({ scope: ['a'], 'own.name': 1, user: 'ada' })
    const row = (await server('list', '--type', 'granted')).split('\n').find(line => line.includes(id)) ?? ''
    expect([row.includes('https://agent.example'), row.includes('forged')]).toEqual([true, false])
    const lines = (await run('proof', proof, '--key', signer.publicKey)).out.split('\n')
    expect(lines.filter(line => /^ {2}(?:agent|user|id):/.test(line))).toEqual([
      `  id: ${id}`,
      '  agent: https://agent.example',
      '  user: ada',
    ])
    expect(lines).toContain('  detail.agent: forged agent')
    expect(lines).not.toContain('  delegate: forged delegate')
  },
)
