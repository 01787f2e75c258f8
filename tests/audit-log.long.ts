import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { keysFile } from '@countersign/server'
import { openStore } from '@countersign/store'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formAt, passkeyWorld } from '../testing/auth/src/passkey-world.js'
import { ask, delegate, granted, otherAgent, send } from '../testing/auth/src/world.js'
import { end, type Finished, run, type Stand, stand } from './processes.fixture.js'

let place: Stand
beforeAll(() => {
  place = stand()
})
afterAll(() => place.stop())

const id = 'https://auth.example'

/** The objects that a command has printed, one a line. */
const objectsOf = ({ stdout }: Finished): Array<Record<string, unknown>> =>
  stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)

test(verifies(
  'LOG-03',
  'LOG-09',
  'account.deleted',
  'what a server decided is listed, exported, proven and verified by commands, and tampering is named',
), { timeout: 180_000 }, async () => {
  const [file, database] = [join(place.folder, 'audit-key.json'), `sqlite:${join(place.folder, 'auth.db')}`]
  const publicKey = (await run(['audit', 'key', file, '--id', id, '--new'])).stdout.trim()
  expect(publicKey).toMatch(/^auth\.example\+[0-9a-f]{8}\+\S+$/)
  expect((await run(['audit', 'key', file, '--id', id])).stdout.trim()).toBe(publicKey)
  expect((await run(['audit', 'key', file, '--id', id, '--new'])).code).toBe(2)
  const [key] = await keysFile(file, { missing: 'refuse' })
  if (key === undefined) throw new Error('no key was made')

  const at = await passkeyWorld({ database, audit: { key: key.key } })
  const { made } = at
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await ask(made, phone))
  expect((await send(made, phone, { request_type: 'refresh', refresh_token })).status).toBe(200)
  expect((await ask(made, await otherAgent(made))).status).toBe(403)
  const ada = await at.account('Ada')
  const { action, options, fields } = await formAt(ada.one, '/account/verify?return_to=/account')
  await ada.one.post(action, { ...fields, credential: ada.passkey.signed(options) })
  const csrf = await ada.one.csrf('/account/data')
  expect((await ada.one.post('/account/delete', { csrf, sure: '1' })).status).toBe(200)
  await made.auth.close()

  const server = ['auth-server', 'audit']
  const flags = ['--id', id, '--database', database, '--data', place.folder]
  const listed = objectsOf(await run([...server, 'list', ...flags, '--json']))
  expect(listed.map(({ type }) => type)).toEqual([
    'account_deleted',
    'account_created',
    'invited',
    'refused',
    'refreshed',
    'granted',
    'started',
  ])
  expect(JSON.stringify(listed)).not.toContain(ada.sub)
  const [first] = objectsOf(
    await run([...server, 'list', ...flags, '--json', '--type', 'granted', '--delegate', 'phone']),
  )
  expect(first).toMatchObject({ agent: 'https://agent.example', resource: 'https://calendar.example', by: 'policy' })
  const page = await run([...server, 'list', ...flags, '--json', '--limit', '2'])
  const [, next = ''] = /--after (\d+)/.exec(page.stderr) ?? []
  expect(
    objectsOf(await run([...server, 'list', ...flags, '--json', '--limit', '1', '--after', next]))[0],
  ).toMatchObject({ type: 'invited' })
  expect((await run([...server, 'list', ...flags, '--agent', 'https://nobody.example'])).code).toBe(1)
  expect((await run([...server, 'show', ...flags, '--event', String(first?.['event'])])).stdout).toContain(
    'events.read',
  )

  const proof = join(place.folder, 'proof.json')
  writeFileSync(proof, (await run([...server, 'prove', ...flags, '--event', String(first?.['event'])])).stdout)
  expect((await run(['audit', 'proof', proof, '--key', publicKey])).stdout).toContain('verified: event 1 of a log of 7')
  const folder = join(place.folder, 'export')
  expect((await run([...server, 'export', ...flags, '--to', folder, '--personal', 'with'])).code).toBe(0)
  expect(await run(['audit', 'verify', folder, '--key', publicKey])).toMatchObject({ code: 0 })
  expect(readFileSync(join(folder, 'events.jsonl'), 'utf8')).not.toContain(ada.sub)

  // Somebody who can write to the database makes the denial another agent's.
  const store = await openStore<{
    auth_server_audit: { row_number: number; records: string }
    auth_server_audit_runs: { row_number: number; first: number }
  }>({ url: database, room: 'thief', migrations: [] })
  const runs = await store.db
    .selectFrom('auth_server_audit')
    .innerJoin('auth_server_audit_runs as runs', 'runs.row_number', 'auth_server_audit.row_number')
    .select(['first', 'records', 'runs.row_number as row'])
    .execute()
  const changed = runs.find(({ first, records }) => first <= 3 && 3 < first + records.split('\n').length)
  const lines = changed?.records.split('\n') ?? []
  const third = 3 - (changed?.first ?? 0)
  lines[third] = lines[third]?.replace('https://other.example', 'https://agent.example') ?? ''
  await store.write(tx =>
    tx
      .updateTable('auth_server_audit')
      .set({ records: lines.join('\n') })
      .where('row_number', '=', changed?.row ?? -1)
      .execute(),
  )
  await store.close()
  const after = join(place.folder, 'after')
  await run([...server, 'export', ...flags, '--to', after, '--personal', 'with'])
  const verified = await run(['audit', 'verify', after, '--key', publicKey])
  expect([verified.code, verified.stdout]).toEqual([1, expect.stringContaining('event 3 was changed')])
})

test('a server keeps its log with --audit-key, and does not start without it on that database', {
  timeout: 120_000,
}, async () => {
  const port = await freePort()
  const own = `http://localhost:${port}`
  const file = join(place.folder, 'own-key.json')
  await run(['audit', 'key', file, '--id', own, '--development', '--new'])
  const config = place.config('auth-server', { id: own, port })
  const started = await place.start('auth-server', [...config, '--audit-key', file, '--audit-days', '30'])
  const list = [
    'auth-server',
    'audit',
    'list',
    '--id',
    own,
    '--development',
    '--data',
    join(place.folder, 'auth-server'),
    '--json',
  ]
  await expect.poll(async () => (await run(list)).stdout, { timeout: 60_000 }).toContain('"type":"started"')
  await end(started, 'SIGTERM')
  await expect(place.start('auth-server', config)).rejects.toThrow('has an audit log')
  await expect(place.start('auth-server', [...config, '--audit-days', '30'])).rejects.toThrow('--audit-key is missing')
  await end(await place.start('auth-server', [...config, '--audit-off']), 'SIGTERM')
})
