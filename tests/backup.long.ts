import { copyFileSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { end, run, type Stand, stand } from './processes.fixture.js'

// The drill of docs/operations.md: a backup beside a running server, its loss, and the way back.

let place: Stand
beforeAll(() => {
  place = stand()
})
afterAll(() => place.stop())

const invitations = ['--count', '3']

test.each(['auth-server', 'agent-server'])(
  verifies('restore.epoch', '%s: a backup of a running server is put back, and used only after restore'),
  async name => {
    const port = await freePort()
    const data = join(place.folder, name)
    const flags = ['--development', '--id', `http://localhost:${port}`, '--data', data]
    const start = () => place.start(name, [name, ...flags, '--port', String(port)])
    const server = await start()
    if (name === 'agent-server') expect((await run([name, 'invite', ...flags, ...invitations])).code).toBe(0)
    const to = join(place.folder, `${name}.backup`)
    const made = await run([name, 'backup', ...flags, '--to', to, '--json'])
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(made.stdout)).toEqual({ file: to, bytes: statSync(to).size })
    expect(statSync(to).mode & 0o777).toBe(0o600)
    // The server has not noticed.
    expect((await fetch(`http://localhost:${port}/readyz`)).status).toBe(200)
    const again = await run([name, 'backup', ...flags, '--to', to])
    expect([again.code, again.stdout, again.stderr]).toEqual([
      2,
      '',
      expect.stringContaining(`${to} exists already: a backup replaces no file`),
    ])
    await end(server, 'SIGTERM')
    // The epoch goes on at each start.
    await end(await start(), 'SIGTERM')

    const file = join(data, `${name}.db`)
    for (const gone of [file, `${file}-wal`, `${file}-shm`]) rmSync(gone, { force: true })
    copyFileSync(to, file)
    const refused = await run([name, ...flags, '--port', String(port)])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('behind the epoch kept with the keys')
    const restored = await run([name, 'restore', ...flags])
    expect(restored).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(name === 'agent-server' ? /^ended: 3 enrolment codes/ : /^ended: 0 requests/),
    })
    const back = await start()
    expect((await fetch(`http://localhost:${port}/readyz`)).status).toBe(200)
    // A backup by the config file of the server.
    const config = place.config(name, { id: `http://localhost:${port}`, port, data })
    const second = await run([name, 'backup', ...config.slice(1), '--to', `${to}.2`])
    expect([second.code, second.stdout]).toEqual([
      0,
      expect.stringMatching(/^copied the database to .*\.backup\.2 \(\d+ bytes\)\n$/),
    ])
    await end(back, 'SIGTERM')
  },
)

test('what is not to be copied is refused, with what to do instead', async () => {
  const folder = join(place.folder, 'none')
  const flags = ['auth-server', 'backup', '--development', '--id', 'http://localhost:4999', '--data', folder]
  const to = join(place.folder, 'none.backup')
  const refusal = async (...more: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run([...flags, ...more])
    expect([code, stdout]).toEqual([2, ''])
    return stderr
  }
  expect(await refusal('--to', to)).toContain('there is no database of an auth-server at ')
  expect(await refusal('--to', to, '--database', 'postgres://user:secret@localhost/db')).toMatch(
    /^countersign: this copies SQLite files: back up PostgreSQL with pg_dump/,
  )
  expect(await refusal('--to', to, '--database', 'postgres://user:secret@localhost/db')).not.toContain('secret')
  expect(await refusal('--to', to, '--database', 'sqlite::memory:')).toContain('a database in memory')
  expect(await refusal()).toContain('--to is required')
  expect(await refusal('--too', to)).toContain('(did you mean --to?)')
  const other = join(place.folder, 'other.db')
  writeFileSync(other, '')
  expect(await refusal('--to', to, '--database', `sqlite:${other}`)).toContain('there is no database of an auth-server')
  expect(existsSync(to)).toBe(false)
  expect(readdirSync(place.folder).filter(name => name.endsWith('.partial'))).toEqual([])
})
