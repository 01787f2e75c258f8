import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, expect, test } from 'vitest'
import { end, logOf, run, stand } from './processes.fixture.js'

// Files that say who may do what, and are not there.

const place = stand()
afterAll(() => place.stop())

const limited = { path: '/*', level: 'anonymous', limits: { anonymous: '1/hour' } }

test.each(['auth-server', 'gateway'])(
  verifies(
    'F-65',
    '%s does not start without the file of its settings, and goes on with those it had where it goes missing',
  ),
  async name => {
    const port = await freePort()
    const settings =
      name === 'gateway' ? { upstream: 'http://127.0.0.1:1', routes: [limited] } : { demoUsers: [{ name: 'Ada' }] }
    const command = place.config(name, { id: `http://localhost:${port}`, port, ...settings })
    const file = command.at(-1) ?? ''
    const missing = await run([name, '--config', join(place.folder, 'nowhere.json')])
    expect([missing.code, missing.stdout]).toEqual([2, ''])
    expect(missing.stderr).toContain('nowhere.json')
    const server = await place.start(name, command)
    const log = logOf(server)
    const answered = (await fetch(`http://localhost:${port}/page`)).status
    rmSync(file)
    server.kill('SIGHUP')
    await expect.poll(() => log.map(({ event }) => event), { timeout: 10_000 }).toContain('reload_failed')
    // Of a gateway without its limits the second request would reach the API, which is not there.
    const again = (await fetch(`http://localhost:${port}/page`)).status
    expect([answered, again]).toEqual(name === 'gateway' ? [503, 429] : [404, 404])
    await end(server, 'SIGTERM')
  },
)

test(
  verifies('F-65', 'an auth server does not start without the file of its policies, and makes nothing'),
  async () => {
    const port = await freePort()
    const data = join(place.folder, 'policed')
    const config = join(place.folder, 'policed.json')
    const policy = join(place.folder, 'policies.cedar')
    const settings = { id: `http://localhost:${port}`, port, development: true, data, cedar: { policiesFile: policy } }
    writeFileSync(config, JSON.stringify(settings))
    const refused = await run(['auth-server', '--config', config])
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr).toContain('policies.cedar')
    expect(existsSync(join(data, 'auth-server.db'))).toBe(false)
  },
)
