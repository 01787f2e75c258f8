import { execFileSync } from 'node:child_process'
import { chownSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { baseBackup, newPostgres, type PostgresServer, postgresIn } from '@countersign/testing/rig/postgres-server'
import { requireRig, rigAway } from '@countersign/testing/rig/program'
import { postgresUser, rigFolder } from '@countersign/testing/rig/rig-folder'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { end, root, run, type Stand, stand } from './processes.fixture.js'

// A PostgreSQL that is put back to a time, with the settings that docs/operations.md names.

requireRig('postgres', 'pg_basebackup')
const away = rigAway('postgres', 'pg_basebackup')
const on = away === '' ? test : test.skip

const { folder, remove } = rigFolder()
const archive = join(folder, 'archive')
const backup = join(folder, 'backup')
let place: Stand
let primary: PostgresServer
const servers: PostgresServer[] = []

/** The settings of the page, in the block that begins with one of them. */
function settingsOf(first: string, time?: string): Record<string, string> {
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  const [, block = ''] = new RegExp(`\`\`\`ini\\n\\s*(${first} .*?)\`\`\``, 's').exec(page) ?? []
  const pairs = [...block.matchAll(/^\s*(\w+) = (.*)$/gm)].map(([, name = '', value = '']): [string, string] => [
    name,
    value.replace(/^'|'$/g, '').replaceAll('/archive', archive),
  ])
  const settings = Object.fromEntries(pairs)
  const { recovery_target_time: _, ...toTheEnd } = settings
  if (first !== 'restore_command') return settings
  return time === undefined ? toTheEnd : { ...settings, recovery_target_time: time }
}

/** Data that PostgreSQL may own. */
function given(name: string): void {
  const user = postgresUser()
  if (user !== undefined) chownSync(name, user.uid, user.gid)
}

async function restored(name: string, time?: string): Promise<PostgresServer> {
  const data = join(folder, name)
  cpSync(backup, data, { recursive: true, preserveTimestamps: true })
  writeFileSync(join(data, 'recovery.signal'), '')
  execFileSync('chown', ['-R', '--reference', backup, data])
  const server = await postgresIn({ folder: data, settings: settingsOf('restore_command', time) })
  servers.push(server)
  await server.start()
  await expect
    .poll(async () => (await server.query('select pg_is_in_recovery() as is')).at(0)?.['is'], { timeout: 30_000 })
    .toBe(false)
  return server
}

let port = 0
const flagsOn = (server: PostgresServer): string[] => [
  '--development',
  '--id',
  `http://localhost:${port}`,
  '--data',
  join(place.folder, 'data'),
  '--database',
  server.url(),
]

const said = async (command: string, server: PostgresServer, ...more: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(['agent-server', command, ...flagsOn(server), ...more])
  if (code !== 0) throw new Error(stderr)
  return stdout
}

/** The delegate, as the command lists it. */
const phoneIn = async (server: PostgresServer): Promise<Record<string, unknown>> =>
  JSON.parse(await said('list', server, '--json'))

beforeAll(async () => {
  if (away !== '') return
  place = stand()
  port = await freePort()
  mkdirSync(archive)
  given(archive)
  primary = await newPostgres({ folder: join(folder, 'primary'), settings: settingsOf('archive_mode') })
  servers.push(primary)
  baseBackup(primary, backup)
})

afterAll(async () => {
  if (away === '') await place.stop()
  for (const server of servers) await server.stop()
  remove()
})

const started = (server: PostgresServer) =>
  place.start('agent-server', ['agent-server', ...flagsOn(server), '--port', String(port)])

on(
  verifies(
    'restore.epoch',
    `a database that was put back to a time starts only after restore, with what was then${away}`,
  ),
  { timeout: 300_000 },
  async () => {
    const server = await started(primary)
    const invited = JSON.parse(await said('invite', primary, '--sub', 'phone'))
    const state = ['--state', join(place.folder, 'state'), '--development']
    expect(await run(['enroll', `http://localhost:${port}`, '--code', invited.code, ...state])).toMatchObject({
      code: 0,
    })
    const before = String((await primary.query('select now()::text as now')).at(0)?.['now'])
    await new Promise(resolve => setTimeout(resolve, 1500))
    await said('revoke', primary, '--sub', 'phone')
    // The epoch file is written within two seconds.
    await new Promise(resolve => setTimeout(resolve, 3000))
    await end(server, 'SIGTERM')
    await primary.query('select pg_switch_wal()')
    await primary.stop()

    const whole = await restored('whole')
    expect(await phoneIn(whole)).toMatchObject({ sub: 'phone', revoked: expect.anything() })
    await end(await started(whole), 'SIGTERM')

    const earlier = await restored('earlier', before)
    const refused = await run(['agent-server', ...flagsOn(earlier), '--port', String(port)])
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('behind the epoch')])
    await said('restore', earlier, '--trust-backup')
    await end(await started(earlier), 'SIGTERM')
    expect(await phoneIn(earlier)).toMatchObject({ sub: 'phone' })
    expect((await phoneIn(earlier))['revoked'] ?? undefined).toBeUndefined()
    // What was undone is repeated.
    await said('revoke', earlier, '--sub', 'phone')
    expect(await phoneIn(earlier)).toMatchObject({ revoked: expect.anything() })
  },
)
