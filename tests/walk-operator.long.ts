import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@countersign/testing/ports'
import { postgresForTests } from '@countersign/testing/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { there as nginxThere, startNginx, why as withoutNginx } from './nginx.fixture.js'
import { end, type Stand, stand } from './processes.fixture.js'
import { type Walk, walk } from './walks.fixture.js'

// An operator who runs an auth server twice behind nginx, on one PostgreSQL. The packages come as npm would deliver them.

const postgres = await postgresForTests(1)
const why = postgres.away + withoutNginx
const when = nginxThere && postgres.away === '' ? test : test.skip

let place: Stand
let user: Walk
let proxy: ChildProcess | undefined
let api: Server
let [auth, agents, guarded] = ['', '', '']
const instances: Array<{ child: ChildProcess; port: number; log: () => string }> = []

/** Lives so short that each call after a pause asks the auth server. */
const authTokenLifetime = 2

beforeAll(async () => {
  if (when === test.skip) return
  place = stand()
  user = await walk(place, [])
  const ports = [await freePort(), await freePort(), await freePort()] as const
  const [authUrl, agentsUrl, guardedUrl] = ports.map(port => `http://localhost:${port}`)
  auth = authUrl ?? ''
  agents = agentsUrl ?? ''
  guarded = guardedUrl ?? ''
  api = createServer((_, response) => response.end('the API')).listen(0, '127.0.0.1')
  writeConfig(['read'])
  instances.push(await startInstance(await freePort()))
  instances.push(await startInstance(await freePort()))
  const servers = instances.map(({ port }) => `server 127.0.0.1:${port};`).join(' ')
  const settings = 'proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;'
  proxy = await startNginx(
    join(place.folder, 'nginx'),
    ports[0],
    `large_client_header_buffers 4 16k; upstream auth { ${servers} }
     server { listen 127.0.0.1:${ports[0]}; location / { proxy_pass http://auth; ${settings} } }`,
  )
  await start('agent-server', ['--id', agents, '--port', String(ports[1])])
  const routes = join(place.folder, 'gateway.json')
  const upstream = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  writeFileSync(routes, JSON.stringify({ routes: [{ path: '/*', scope: 'read' }], scopes: { read: 'Read it' } }))
  const gateway = ['--id', guarded, '--port', String(ports[2]), '--upstream', upstream, '--auth-server', auth]
  await start('gateway', [...gateway, '--config', routes])
  const invited = await user.run(['agent-server', 'invite', '--id', agents, '--development'])
  const { code } = JSON.parse(invited.stdout) as { code: string }
  const enrolled = await user.run(['enroll', agents, '--code', code, '--development'])
  expect(enrolled.code, enrolled.stderr).toBe(0)
})

afterAll(async () => {
  if (proxy !== undefined) await end(proxy, 'SIGTERM')
  if (when === test) {
    await place.stop()
    api.close()
  }
})

const config = (): string => join(place.folder, 'auth.json')
let database = ''

function writeConfig(scopes: readonly string[]): void {
  database ||= postgres.newUrl()
  const grants = scopes.length === 0 ? [] : [{ agent: agents, delegates: 'any', resource: guarded, scopes }]
  const common = { id: auth, development: true, data: place.folder, trustedProxies: 1, authTokenLifetime }
  writeFileSync(config(), JSON.stringify({ ...common, database, grants }))
}

async function startInstance(port: number): Promise<(typeof instances)[number]> {
  const child = await start('auth-server', ['--config', config(), '--port', String(port)])
  let log = ''
  child.stdout?.on('data', chunk => {
    log += chunk
  })
  child.stderr?.on('data', chunk => {
    log += chunk
  })
  return { child, port, log: () => log }
}

function start(name: string, args: readonly string[]): Promise<ChildProcess> {
  const program = [join(user.folder, 'node_modules/.bin/countersign')]
  return place.start(name, [name, ...args, '--development'], { program, env: { HOME: user.home } })
}

/** What the installed command gets of the API once its last token has ended. */
async function call(): Promise<{ code: number; stdout: string; stderr: string }> {
  await sleep(authTokenLifetime * 1000 + 100)
  const flags = ['--development', '--as', 'delegate', '--id', agents, '--auth-server', auth]
  return user.run(['fetch', ...flags, `${guarded}/`])
}

const answered = (log: string): number => log.match(/"path":"\/agent\/token","status":200/g)?.length ?? 0

when(`two instances on one database answer in turn, and one alone goes on${why}`, async () => {
  for (let at = 0; at < 4; at++) {
    const { code, stdout, stderr } = await call()
    expect([code, stdout], stderr).toEqual([0, 'the API'])
  }
  for (const { log } of instances) expect(answered(log()), log()).toBeGreaterThan(0)
  const [first] = instances
  if (first === undefined) throw new Error('there is no instance')
  await end(first.child, 'SIGTERM')
  expect(first.child.exitCode).toBe(0)
  for (let at = 0; at < 2; at++) expect((await call()).stdout).toBe('the API')
  instances[0] = await startInstance(first.port)
  expect((await call()).stdout).toBe('the API')
})

when(`a grant that is taken out of the configuration ends with a SIGHUP${why}`, async () => {
  writeConfig([])
  for (const { child } of instances) child.kill('SIGHUP')
  for (const { log } of instances) await expect.poll(log).toContain('"event":"reloaded"')
  const refused = await call()
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toContain('access_denied')
  writeConfig(['read'])
  for (const { child } of instances) child.kill('SIGHUP')
  await expect.poll(async () => (await call()).stdout, { timeout: 20_000 }).toBe('the API')
})

when(`what an operator gets wrong is told in a sentence, and nothing is made${why}`, async () => {
  const server = ['auth-server', '--id', 'https://auth.example', '--data', join(place.folder, 'none')]
  const port = String(await freePort())
  const told = async (args: readonly string[]): Promise<[number, string]> => {
    const { code, stderr } = await user.run(args)
    expect(stderr.trim().split('\n').length, stderr).toBeLessThanOrEqual(3)
    return [code, stderr]
  }
  expect(await told([...server, '--port', port])).toEqual([2, expect.stringContaining('--init')])
  expect(await told([...server, '--port', port, '--trusted-proxy', '1'])).toEqual([
    2,
    expect.stringContaining('--trusted-proxies'),
  ])
  expect(await told(['auth-server', '--id', `${auth}/`, '--port', port, '--development'])).toEqual([
    2,
    expect.stringContaining(`did you mean ${auth}?`),
  ])
  expect(await told(['auth-server', '--id', auth, '--port', port])).toEqual([
    2,
    expect.stringContaining('--development'),
  ])
  const taken = String(instances[0]?.port)
  expect(await told(['auth-server', '--config', config(), '--port', taken])).toEqual([
    2,
    expect.stringContaining(`port ${taken} is in use`),
  ])
})
