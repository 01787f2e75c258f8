import { type ChildProcess, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { afterAll, expect, test } from 'vitest'
import { countersign, end, logOf, run, stand } from './processes.fixture.js'
import { siteAgent } from './site-agent.fixture.js'

const place = stand()
afterAll(() => place.stop())

const noPrlimit =
  spawnSync('prlimit', ['--version']).status === 0 ? '' : ' (skipped: there is no prlimit, which makes a disk full)'

/** Lets a process write no byte to any file, as on a full disk, or as many as it likes. */
function disk(child: ChildProcess, state: 'full' | 'free'): void {
  const limit = `--fsize=${state === 'full' ? '0:' : 'unlimited:'}`
  if (spawnSync('prlimit', ['--pid', String(child.pid), limit]).status !== 0) throw new Error('prlimit failed')
}

/** Asks until the answer is `wanted`, for at most 10 seconds: one readiness check is remembered for a second. */
async function readiness(port: number, wanted: number): Promise<number> {
  for (const until = Date.now() + 10_000; ; ) {
    const { status } = await fetch(`http://localhost:${port}/readyz`)
    if (status === wanted || Date.now() > until) return status
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

test.skipIf(noPrlimit !== '').each(['auth-server', 'agent-server'])(
  verifies('F-14', `%s is not ready while every write is refused, and ready again with room${noPrlimit}`),
  async name => {
    const port = await freePort()
    const data = join(place.folder, `full-${name}`)
    const server = await place.start(name, [
      name,
      '--development',
      '--id',
      `http://localhost:${port}`,
      '--port',
      String(port),
      '--data',
      data,
    ])
    expect(await readiness(port, 200)).toBe(200)
    disk(server, 'full')
    expect(await readiness(port, 503)).toBe(503)
    expect((await fetch(`http://localhost:${port}/healthz`)).status).toBe(200)
    disk(server, 'free')
    expect(await readiness(port, 200)).toBe(200)
    await end(server, 'SIGTERM')
  },
)

test.skipIf(noPrlimit !== '')(
  verifies('F-14', `a gateway writes no file, and serves and reloads with a full disk${noPrlimit}`),
  async () => {
    const upstream = createServer((_request, response) => response.end('events'))
    const agent = await siteAgent()
    const port = await freePort()
    const id = `http://localhost:${port}`
    const settings = { id, port, upstream: `http://127.0.0.1:${await listenOn(upstream)}` }
    const routes = [{ path: '/*', level: 'identified' }]
    const server = await place.start('gateway', place.config('gateway', { ...settings, routes }))
    const log = logOf(server)
    const got = async (): Promise<string> => (await agent.fetch(`${id}/events`)).text()
    expect([await readiness(port, 200), await got()]).toEqual([200, 'events'])
    disk(server, 'full')
    // Longer than a readiness check is remembered.
    await new Promise(resolve => setTimeout(resolve, 1100))
    expect([await readiness(port, 200), await got()]).toEqual([200, 'events'])
    place.config('gateway', { ...settings, routes: [{ path: '/*', level: 'anonymous' }] })
    server.kill('SIGHUP')
    await expect.poll(() => log.map(({ event }) => event), { timeout: 10_000 }).toContain('reloaded')
    expect((await fetch(`${id}/events`)).status).toBe(200)
    await end(server, 'SIGTERM')
    await closeServer(upstream)
  },
)

test.skipIf(noPrlimit !== '')(
  verifies('F-14', `a server whose log is a file on the full disk goes on, and logs again with room${noPrlimit}`),
  async () => {
    const port = await freePort()
    const log = join(place.folder, 'server.log')
    const id = `http://localhost:${port}`
    const server = await place.start(
      'auth-server',
      ['auth-server', '--development', '--id', id, '--port', String(port), '--data', join(place.folder, 'logged')],
      { program: ['/bin/sh', '-c', `exec "$0" "$@" 2>>'${log}'`, process.execPath, countersign] },
    )
    // Records are written at the end of the turn that answers.
    const logged = async (): Promise<number> => {
      await fetch(`${id}/agent/token`, { method: 'POST' })
      await new Promise(resolve => setTimeout(resolve, 100))
      return statSync(log).size
    }
    expect(await logged()).toBeGreaterThan(0)
    disk(server, 'full')
    const full = await logged()
    expect([await logged(), await logged()]).toEqual([full, full])
    expect((await fetch(`${id}/healthz`)).status).toBe(200)
    disk(server, 'free')
    await expect.poll(logged, { timeout: 10_000 }).toBeGreaterThan(full)
    await end(server, 'SIGTERM')
    expect(server.exitCode).toBe(0)
  },
)

test('a copy of the database file of a server that was stopped holds what the server knew', async () => {
  const port = await freePort()
  const data = join(place.folder, 'copied')
  const copy = join(place.folder, 'copy')
  const id = `http://localhost:${port}`
  const options = ['--development', '--id', id]
  const server = await place.start('agent-server', ['agent-server', ...options, '--port', String(port), '--data', data])
  const invited = await run(['agent-server', 'invite', ...options, '--data', data, '--series', 'lab'])
  const { code } = JSON.parse(invited.stdout) as { code: string }
  const enrolled = await run(['enroll', id, '--code', code, '--development', '--state', join(place.folder, 'state')])
  expect(enrolled.code).toBe(0)
  await end(server, 'SIGTERM')
  const file = join(data, 'agent-server.db')
  expect(existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0).toBe(0)
  mkdirSync(copy, { recursive: true })
  copyFileSync(file, join(copy, 'agent-server.db'))
  const listed = await run(['agent-server', 'list', '--json', ...options, '--data', copy])
  expect(JSON.parse(listed.stdout)).toMatchObject({ enrollment: 'code:lab' })
})
