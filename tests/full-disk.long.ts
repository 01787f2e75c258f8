import { type ChildProcess, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, expect, test } from 'vitest'
import { end, run, stand } from './processes.fixture.js'

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
      ...[name, '--development', '--id', `http://localhost:${port}`, '--port', String(port), '--data', data],
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

test('a copy of the database file of a server that was stopped holds what the server knew', async () => {
  const port = await freePort()
  const data = join(place.folder, 'copied')
  const copy = join(place.folder, 'copy')
  const id = `http://localhost:${port}`
  const options = ['--development', '--id', id]
  const server = await place.start('agent-server', [
    ...['agent-server', ...options, '--port', String(port), '--data', data],
  ])
  const invited = await run(['agent-server', 'invite', ...options, '--data', data, '--series', 'lab'])
  const { code } = JSON.parse(invited.stdout) as { code: string }
  const enrolled = await run(['enroll', id, '--code', code, '--development', '--state', join(place.folder, 'state')])
  expect(enrolled.code).toBe(0)
  await end(server, 'SIGTERM')
  const file = join(data, 'agent-server.db')
  expect(existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0).toBe(0)
  mkdirSync(copy)
  copyFileSync(file, join(copy, 'agent-server.db'))
  const listed = await run(['agent-server', 'list', '--json', ...options, '--data', copy])
  expect(JSON.parse(listed.stdout)).toMatchObject({ enrollment: 'code:lab' })
})
