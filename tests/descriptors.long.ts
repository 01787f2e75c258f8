import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, expect, test } from 'vitest'
import { end, logOf, stand } from './processes.fixture.js'

const place = stand()
afterAll(() => place.stop())

const why =
  spawnSync('prlimit', ['--version']).status === 0
    ? ''
    : ' (skipped: there is no prlimit, which takes descriptors away)'

/** What a new connection gets: a status, or none. */
async function asked(port: number): Promise<number | 'none'> {
  return fetch(`http://127.0.0.1:${port}/healthz`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(2000),
  }).then(
    ({ status }) => status,
    () => 'none',
  )
}

test.skipIf(why !== '').each(['auth-server', 'agent-server'])(
  verifies('F-62', `%s without a free descriptor takes no connection, lives, and serves again with one${why}`),
  async name => {
    const port = await freePort()
    const server = await place.start(name, [
      name,
      '--development',
      '--id',
      `http://localhost:${port}`,
      '--port',
      String(port),
      '--data',
      join(place.folder, name),
    ])
    const log = logOf(server)
    const limit = (soft: number): void => {
      const { status } = spawnSync('prlimit', ['--pid', String(server.pid), `--nofile=${soft}:`])
      if (status !== 0) throw new Error('prlimit failed')
    }
    expect(await asked(port)).toBe(200)
    limit(3)
    expect([await asked(port), await asked(port)]).toEqual(['none', 'none'])
    expect(server.exitCode).toBe(null)
    limit(1024)
    await expect.poll(() => asked(port), { timeout: 5000 }).toBe(200)
    const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/readyz`)).status
    await expect.poll(ready, { timeout: 10_000 }).toBe(200)
    await end(server, 'SIGTERM')
    expect([server.exitCode, log.filter(({ level }) => level === 'error')]).toEqual([0, []])
  },
)
