import { readFileSync } from 'node:fs'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { databasesForTests } from '@countersign/testing/databases'
import { sqliteFiles } from '@countersign/testing/folders'
import { describe, expect, test, vi } from 'vitest'
import { createAgentServer } from '../agent-server.js'
import { enrolled, renewal, rotation, scene } from '../delegate.test.fixture.js'
import { auditedTypes, recordedNames } from './audit-event.js'

const newFile = sqliteFiles()

describe.each(await databasesForTests(4))('in $name $away', ({ away, url }) => {
  test.skipIf(away)(
    verifies(
      'LOG-03',
      'enrolments, key changes, alarms and what an operator does are one event each; renewals are none',
    ),
    async () => {
      const [key, database] = [await generateSigningKey(), url()]
      const stage = await scene({ database, audit: { key } })
      const { server, keys } = stage
      const phone = await enrolled(stage, 'phone', 'lab')
      await server.handle(await renewal(stage, phone))
      stage.clock.now += 1
      const next = await generateSigningKey()
      expect((await server.handle(await rotation(stage, phone, next))).status).toBe(200)
      stage.clock.now += 3600
      // The key that was replaced, and later a delegate that was revoked.
      expect((await server.handle(await renewal(stage, phone))).status).toBe(401)
      await server.revoke('phone')
      const beside = await createAgentServer({
        id: 'https://agent.example',
        keys,
        database,
        knownKeys: 'ignore',
        audit: 'append',
        now: () => stage.clock.now,
      })
      await beside.reinstate('phone')
      await beside.revokeEnrollment('code:lab')
      await beside.close()
      const read = async () => [...(await server.audit.list()).events].reverse()
      await vi.waitFor(async () => expect((await read()).at(-1)?.type).toBe('enrollment-revoked'), { timeout: 20_000 })
      const events = await read()
      expect(events.map(({ type, delegate }) => [type, delegate])).toEqual([
        ['started', undefined],
        ['invited', 'phone'],
        ['enrolled', 'phone'],
        ['rotated', 'phone'],
        ['alarm', 'phone'],
        ['refused', 'phone'],
        ['revoked', 'phone'],
        ['reinstated', 'phone'],
        ['enrollment-revoked', undefined],
      ])
      await server.close()
    },
  )
})

test(verifies('LOG-05', 'strangers and delegates who are refused without end get a share of the log'), async () => {
  const stage = await scene({ audit: { key: await generateSigningKey() } })
  const { server } = stage
  const phone = await enrolled(stage, 'phone')
  await server.revoke('phone')
  for (let n = 0; n < 70; n++) {
    const target = { method: 'POST', target: '/delegate/token', headers: [], peer: '192.0.2.7' }
    expect((await server.handle(target)).status).toBe(401)
    stage.clock.now += 0.01
    expect((await server.handle(await renewal(stage, phone))).status).toBe(401)
  }
  const refused = async () => (await server.audit.list({ type: 'refused', limit: 1000 })).events.length
  await vi.waitFor(async () => expect(await refused()).toBe(60), { timeout: 20_000 })
  await server.close()
})

test('a database that has a log does not open without the option, and a log needs a database', async () => {
  const [key, id] = [await generateSigningKey(), 'https://agent.example']
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  const options = { id, keys, database: newFile() }
  await (await createAgentServer({ ...options, audit: { key } })).close()
  await expect(createAgentServer(options)).rejects.toThrow('the database has an audit log')
  await (await createAgentServer({ ...options, audit: 'off' })).close()
  await expect(createAgentServer({ id, keys, audit: { key } })).rejects.toThrow('audit needs a database')
})

test('docs/audit.md lists the events that are recorded, and says the same of each', () => {
  const page = readFileSync(new URL('../../../../docs/audit.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('## The log of an agent server')
  const [, table = ''] = section.split('| type | |')
  const rows = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| `([\w-]+)` \| (.+) \|$/gm)].map(([, type, text]) => [
    type,
    text,
  ])
  const named: Readonly<Record<string, string>> = recordedNames
  const recorded = Object.entries(auditedTypes).flatMap(([type, told]) =>
    told === undefined ? [] : [[named[type] ?? type, told]],
  )
  expect(rows).toEqual(recorded)
  expect(rows.length).toBeGreaterThan(12)
})
