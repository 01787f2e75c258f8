import type { ChildProcess } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { scriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { postgresForTests } from '@countersign/testing/postgres'
import { previousRelease } from '@countersign/testing/previous-release'
import type { Signer } from '@countersign/testing/world/signer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf, enrolled, renewal } from './delegate.fixture.js'
import { asks, countersign, end, type LogRecord, logOf, run, stand } from './processes.fixture.js'

// The servers of the last release, stopped and started again as this release.

const before = previousRelease()
const postgres = await postgresForTests(2)
const place = stand()
const oldCommand = join(before.root, 'packages/cli/bin/countersign.js')

/** Seconds: so short that the tokens of before have expired once the servers run again. */
const authTokenLifetime = 5

let upstream: Server
let upstreamPort: number
beforeAll(async () => {
  upstream = createServer((request, response) => {
    const facts = Object.entries(request.headers).filter(([name]) => name.startsWith('aauth-'))
    response.setHeader('content-type', 'application/json').end(JSON.stringify(Object.fromEntries(facts)))
  })
  upstreamPort = await listenOn(upstream)
})
afterAll(async () => {
  await place.stop()
  await closeServer(upstream)
})

const names = ['agent-server', 'auth-server', 'gateway'] as const
type Name = (typeof names)[number]

interface Servers {
  readonly logs: Readonly<Record<Name, readonly LogRecord[]>>
  stop(): Promise<void>
}

/** Three servers whose files stay where they are, whichever release runs them. */
interface Site {
  readonly home: string
  readonly auth: string
  readonly api: string
  /** The configuration of a server, as the command takes it. */
  config(name: Name): string[]
  start(command: string): Promise<Servers>
}

async function siteOf(databases: Readonly<Partial<Record<Name, string>>>): Promise<Site> {
  const ports = { 'agent-server': await freePort(), 'auth-server': await freePort(), gateway: await freePort() }
  const url = (name: Name): string => `http://localhost:${ports[name]}`
  const [home, auth, api] = [url('agent-server'), url('auth-server'), url('gateway')]
  const settings: Record<Name, object> = {
    'agent-server': { localhostCallback: true },
    'auth-server': {
      authTokenLifetime,
      grants: [{ agent: home, delegates: 'any', resource: api, scopes: ['events.read'] }],
      demoUsers: [{ name: 'Ada', email: 'ada@demo.example' }],
      ask: [{ agents: 'any', resources: 'any' }],
    },
    gateway: {
      upstream: `http://127.0.0.1:${upstreamPort}`,
      authServer: [auth],
      scopes: { 'events.read': 'See your events', 'events.write': 'Change your events' },
      routes: [
        { path: '/events', scope: ['events.read'] },
        { path: '/drafts', scope: ['events.write'] },
      ],
    },
  }
  const folder = join(place.folder, String(ports.gateway))
  const config = (name: Name): string[] => {
    const database = databases[name] === undefined ? {} : { database: databases[name] }
    const own = { id: url(name), port: ports[name], data: join(folder, name), ...database }
    return place.config(name, { ...own, ...settings[name] })
  }
  return {
    home,
    auth,
    api,
    config,
    async start(command) {
      const program = [process.execPath, command]
      const started: Array<readonly [Name, ChildProcess]> = []
      for (const name of names) started.push([name, await place.start(name, config(name), { program })])
      return {
        logs: Object.fromEntries(started.map(([name, child]) => [name, logOf(child)])) as unknown as Servers['logs'],
        async stop() {
          await Promise.all(started.map(([, child]) => end(child, 'SIGTERM')))
          expect(started.map(([name, child]) => [name, child.exitCode])).toEqual(names.map(name => [name, 0]))
        },
      }
    },
  }
}

async function keysOf({ home, auth, api }: Site): Promise<unknown[]> {
  return Promise.all([home, auth, api].map(async id => (await fetch(`${id}/.well-known/jwks.json`)).json()))
}

/** A code of the agent server for one delegate. */
async function invitation(site: Site, sub: string, command: string): Promise<string> {
  const [, ...config] = site.config('agent-server')
  const { stdout } = await run(['agent-server', 'invite', ...config, '--sub', sub], {}, command)
  return (JSON.parse(stdout) as { code: string }).code
}

/** A delegate with the state folder of the command, which `release` of the command uses. */
interface Caller {
  readonly state: string
  readonly release: string
}

type Facts = Readonly<Record<string, string>>

const calling = (site: Site, path: string, { state }: Caller): string[] => {
  const flags = ['--as', 'delegate', '--id', site.home, '--auth-server', site.auth, '--state', state, '--development']
  return ['fetch', `${site.api}${path}`, ...flags]
}

/** A call for which no user is asked. @returns what the API learns of the caller */
async function call(site: Site, path: string, caller: Caller): Promise<Facts> {
  const { code, stdout, stderr } = await run(calling(site, path, caller), {}, caller.release)
  expect([path, code, stderr]).toEqual([path, 0, ''])
  return JSON.parse(stdout) as Facts
}

/** A call that Ada signs in for and allows. */
async function callAskingAda(site: Site, path: string, caller: Caller): Promise<Facts> {
  const { found, ended } = await asks([...calling(site, path, caller), '--no-browser'], /(http:\S+\/agent\/\S+)/, [
    process.execPath,
    caller.release,
  ])
  const { choices } = await scriptedUser('Ada').decide(found[1] ?? '', 'Allow')
  expect(choices).toContain('Change your events')
  const { code, out } = await ended
  expect(code).toBe(0)
  return JSON.parse(out) as Facts
}

/** A delegate of each kind, made with the servers of the last release. */
async function settled(site: Site) {
  const phone: Caller = { state: join(place.folder, crypto.randomUUID()), release: oldCommand }
  const code = await invitation(site, 'phone', oldCommand)
  const stateFlags = ['--state', phone.state, '--development']
  expect(await run(['enroll', site.home, '--code', code, ...stateFlags], {}, oldCommand)).toMatchObject({ code: 0 })
  await call(site, '/events', phone)
  const written = await callAskingAda(site, '/drafts', phone)
  const read = await call(site, '/events', phone)
  const laptop = await enrolled(site.home, await invitation(site, 'laptop', oldCommand))
  const thief = await enrolled(site.home, await invitation(site, 'stolen', oldCommand))
  const [, ...config] = site.config('agent-server')
  expect(await run(['agent-server', 'revoke', ...config, '--sub', 'stolen'], {}, oldCommand)).toMatchObject({ code: 0 })
  return { phone, read, written, laptop, thief, unused: await invitation(site, 'tablet', oldCommand) }
}

test.skipIf(before.away !== '').each([
  { name: 'SQLite', away: '', databases: () => ({}) },
  {
    name: `PostgreSQL${postgres.away}`,
    away: postgres.away,
    databases: () => ({ 'agent-server': postgres.newUrl(), 'auth-server': postgres.newUrl() }),
  },
])(
  verifies('F-82', `on $name servers of the last release go on as this one where they stopped${before.away}`),
  { timeout: 480_000 },
  async ({ away, databases }) => {
    if (away !== '') return
    const site = await siteOf(databases())
    const old = await site.start(oldCommand)
    const { phone, read, written, laptop, thief, unused } = await settled(site)
    const keys = await keysOf(site)
    await old.stop()

    const stopped = Date.now()

    const now = await site.start(countersign)
    expect(await keysOf(site)).toEqual(keys)
    expect(Object.values(now.logs).flatMap(log => log.filter(({ level }) => level === 'error'))).toEqual([])
    await sleep(Math.max(0, stopped + authTokenLifetime * 1000 - Date.now()))
    // The agent of the last release goes on, too, and this one with the state of that one: no user is asked again.
    expect(await call(site, '/drafts', phone)).toEqual(written)
    const upgraded = { ...phone, release: countersign }
    expect(await call(site, '/drafts', upgraded)).toEqual(written)
    expect(await call(site, '/events', upgraded)).toEqual(read)
    const told = now.logs['auth-server'].map(({ event }) => event)
    expect(told).toContain('refreshed')
    expect(told.filter(event => event === 'granted' || event === 'requested')).toEqual([])
    const renewed = async (one: Signer) => answerOf(site.home, await renewal(site.home, one))
    expect(await renewed(laptop)).toMatchObject({ status: 200 })
    // What ended before stays ended: a revoked delegate has no key.
    expect(await renewed(thief)).toMatchObject({ status: 401, body: { reason: 'delegate_key_not_current' } })
    expect(await renewed(await enrolled(site.home, unused))).toMatchObject({ status: 200 })
    expect((await scriptedUser('Ada').account(site.auth)).agents).toEqual([new URL(site.home).host])
    await now.stop()

    // The way back is a backup: the last release does not open what this one has migrated, and harms nothing.
    for (const name of ['auth-server', 'agent-server'] as const) {
      const { code, stdout } = await run(site.config(name), {}, oldCommand)
      expect([name, stdout, code === 0]).toEqual([name, '', false])
    }
    const again = await site.start(countersign)
    expect(await call(site, '/drafts', { ...phone, release: countersign })).toEqual(written)
    await again.stop()
  },
)
