import type { ChildProcess } from 'node:child_process'
import { generateSigningKey, type SigningKey, signRequest } from '@countersign/httpsig'
import { freePort } from '@countersign/testing/ports'
import { expect, onTestFinished, test } from 'vitest'
import { type LogRecord, logOf, run, type Stand, stand } from './processes.fixture.js'

// `countersign auth-server --admin-port` and `auth-server admins`, as an operator uses them.

interface Place extends Stand {
  readonly users: string
  readonly origin: string
  /** Where the server is, for commands. */
  readonly settings: readonly string[]
  /** Where its admin page is. */
  readonly admin: readonly string[]
  readonly server: ChildProcess
}

async function place(...more: string[]): Promise<Place> {
  const made = stand()
  onTestFinished(() => made.stop())
  const [port, adminPort] = [await freePort(), await freePort()]
  const users = `http://localhost:${port}`
  const settings = ['--id', users, '--development', '--data', `${made.folder}/auth`]
  const admin = ['--admin-port', String(adminPort)]
  const server = await made.start('auth', ['auth-server', ...settings, '--port', String(port), ...admin, ...more])
  return { ...made, users, server, origin: `http://localhost:${adminPort}`, settings, admin }
}

/** Makes a call of the page. */
async function call(origin: string, key: SigningKey, path: string, members: object = {}): Promise<Response> {
  const url = `${origin}/api/${path}`
  const body = new TextEncoder().encode(JSON.stringify(members))
  const headers: Array<[string, string]> = [['content-type', 'application/json']]
  const signatureKey = { scheme: 'hwk', jwk: key.publicJwk } as const
  const added = await signRequest({ method: 'POST', url, headers, body, key, signatureKey })
  return fetch(url, { method: 'POST', body, headers: Object.fromEntries([...headers, ...added, ['origin', origin]]) })
}

/** Signs a browser in by a link of the command. */
async function signedIn({ origin, settings, admin }: Place, name: string): Promise<SigningKey> {
  const { code, stdout, stderr } = await run(['auth-server', 'admins', 'add', ...settings, ...admin, '--name', name])
  expect(code, stderr).toBe(0)
  expect(stderr).toContain('good once, for ten minutes')
  const [url = '', link = ''] = stdout.trim().split('#enrol=')
  expect(url).toBe(`${origin}/`)
  const key = await generateSigningKey()
  const answer = await call(origin, key, 'enrol', { link })
  expect([answer.status, await answer.json()]).toEqual([200, { name }])
  return key
}

test('a link of the command signs in, a reload keeps it, and admins remove ends it at once', async () => {
  const at = await place()
  const key = await signedIn(at, 'ada')
  expect((await call(at.origin, key, 'overview')).status).toBe(200)
  const list = await run(['auth-server', 'admins', 'list', ...at.settings, '--json'])
  expect(JSON.parse(list.stdout)).toMatchObject({ name: 'ada', browsers: [{}], links: 0 })
  // Calls go on while the settings are read again.
  const calls = Array.from({ length: 20 }, () => call(at.origin, key, 'agents/list'))
  if (at.server.pid !== undefined) process.kill(at.server.pid, 'SIGHUP')
  expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]))
  await expect.poll(async () => (await call(at.origin, key, 'overview')).status).toBe(200)
  const removed = await run(['auth-server', 'admins', 'remove', ...at.settings, '--name', 'ada'])
  expect([removed.code, removed.stdout]).toEqual([0, expect.stringContaining('ada is removed')])
  expect((await call(at.origin, key, 'overview')).status).toBe(401)
  expect((await run(['auth-server', 'admins', 'remove', ...at.settings, '--name', 'ada'])).code).toBe(1)
})

test('the page tries the policy of the configuration, and names its rule', async () => {
  const at = await place()
  const key = await signedIn(at, 'ada')
  const asked = { agent: 'https://agent.example', resource: 'https://calendar.example', scope: 'events.read' }
  expect(await (await call(at.origin, key, 'policy/test', asked)).json()).toEqual({
    decision: 'deny',
    reason: 'policy_refused',
    by: [],
  })
})

test('a refused request is logged with the address in front of the proxies of the port, or with the setting to write', async () => {
  const refused = async (...more: string[]): Promise<readonly LogRecord[]> => {
    const at = await place(...more)
    const log = logOf(at.server)
    const url = `${at.origin}/api/overview`
    const headers = { origin: at.origin, 'x-forwarded-for': '198.51.100.4, 203.0.113.9' }
    expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(401)
    await expect.poll(() => log.some(({ event }) => event === 'admin_refused')).toBe(true)
    return log.filter(({ event }) => event === 'admin_refused' || event === 'unnamed_proxy')
  }
  expect(await refused('--admin-trusted-proxies', '1')).toMatchObject([{ event: 'admin_refused', peer: '203.0.113.9' }])
  expect(await refused('--trusted-proxies', '1')).toMatchObject([
    { event: 'unnamed_proxy', peer: '127.0.0.1', msg: expect.stringContaining('(--admin-trusted-proxies)') },
    { event: 'admin_refused', peer: expect.stringContaining('127.0.0.1') },
  ])
})

test('the port of the users has no admin page, and without --admin-port nothing has', async () => {
  const at = await place()
  for (const path of ['/admin.js', '/api/overview', '/api/enrol', '/api/users/list'])
    expect((await fetch(`${at.users}${path}`, { method: 'POST', body: '{}' })).status, path).toBe(404)
  expect((await fetch(at.origin)).headers.get('content-security-policy')).toContain("default-src 'none'")
  // What the commands do is reached by nobody over the network: they open the database themselves.
  const add = await run(['auth-server', 'admins', 'add', ...at.settings, '--name', 'ada'])
  expect([add.code, add.stderr]).toEqual([2, expect.stringContaining('where is the admin page?')])
  const elsewhere = [...at.settings.slice(0, -1), `${at.folder}/other`, ...at.admin]
  const lost = await run(['auth-server', 'admins', 'add', ...elsewhere, '--name', 'ada'])
  expect([lost.code, lost.stderr]).toEqual([2, expect.stringContaining('there is no database of an auth server')])
})

test.each([
  [['--admin-host', '127.0.0.1'], 'give that, too'],
  [['--admin-trusted-proxies', '1'], 'give that, too'],
  [['--admin-port', '0'], 'needs --admin-origin'],
  [['--admin-port', '8444', '--admin-host', '0.0.0.0'], 'give --admin-origin'],
  [['--admin-port', '8444', '--admin-origin', 'http://admin.example'], 'the origin of the admin page'],
  [['--admin-port', '8444', '--admin-life-hours', '9999'], '--admin-life-hours'],
])('%j is refused at the start, in words', async (flags, words) => {
  const made = stand()
  onTestFinished(() => made.stop())
  const port = await freePort()
  const settings = ['--id', `http://localhost:${port}`, '--development', '--data', `${made.folder}/auth`]
  const { code, stderr } = await run(['auth-server', ...settings, '--port', String(port), ...flags])
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)])
})

test('a port that is in use is named, and the server ends', async () => {
  const at = await place()
  const port = await freePort()
  const settings = ['--id', `http://localhost:${port}`, '--development', '--data', `${at.folder}/other`]
  const flags = ['--port', String(port), '--admin-port', new URL(at.origin).port]
  const { code, stderr } = await run(['auth-server', ...settings, ...flags])
  expect([code, stderr]).toEqual([2, expect.stringContaining('--admin-port: port')])
})
