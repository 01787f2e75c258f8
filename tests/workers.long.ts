import type { ChildProcess } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { postgresForTests } from '@countersign/testing/postgres'
import { redisForTests } from '@countersign/testing/redis'
import { sodium, sodiumMissing } from '@countersign/testing/sodium'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asAgent, type Party } from '@countersign/testing/world/signer'
import { resourceToken } from '@countersign/testing/world/tokens'
import { publishAgent, publishResource } from '@countersign/testing/world/web'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { answerOf, granting } from './delegate.fixture.js'
import { documentSite } from './document-site.fixture.js'
import { end, type LogRecord, logOf, run, stand } from './processes.fixture.js'
import { countedSodium, tries } from './sodium.fixture.js'
import { loadDuring } from './steady-load.fixture.js'

// An auth server of several processes, as an operator runs it.

const redis = await redisForTests()
const postgres = await postgresForTests(6)
const away = postgres.away || redis.away
const place = stand()
const { server: site, documents } = documentSite()
let agent: Party
let resource: Party

beforeAll(async () => {
  const port = await listenOn(site)
  agent = { id: `http://localhost:${port}`, kid: 'k1', key: await generateSigningKey() }
  resource = { id: `http://127.0.0.1:${port}`, kid: 'r1', key: await generateSigningKey() }
  publishAgent({ web: documents }, agent.id, [agent])
  publishResource({ web: documents }, resource.id, [resource])
})
afterAll(async () => {
  await place.stop()
  site.closeAllConnections()
  await closeServer(site)
})

/** An auth server with two workers. */
interface Crew {
  readonly id: string
  readonly port: number
  readonly metricsPort: number
  readonly data: string
  readonly process: ChildProcess
  readonly log: readonly LogRecord[]
  /** What it printed to standard output. */
  printed(): string
  /** Writes other settings, tells the server, and resolves with what its log says of it. */
  reload(more: object | string): Promise<LogRecord>
  /** The record that the log has, or will have. */
  told(event: string, count?: number): Promise<LogRecord>
}

async function crew(name: string, more: object = {}, env: Readonly<Record<string, string>> = {}): Promise<Crew> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const id = `http://localhost:${port}`
  const data = join(place.folder, name)
  const file = join(place.folder, `${name}.json`)
  const settings = {
    id,
    port,
    data,
    development: true,
    database: postgres.newUrl(),
    replay: redis.url,
    workers: 2,
    metricsPort,
    grants: [{ agent: agent.id, resource: resource.id, scopes: ['events.read'] }],
    ...more,
  }
  writeFileSync(file, JSON.stringify(settings))
  let out = ''
  const child = await place.start(name, ['auth-server', '--config', file], {
    env,
    hear: text => {
      out += text
    },
  })
  const log = logOf(child)
  const told =
    (from: number) =>
    async (event: string | RegExp, count = 1) => {
      const found = () => log.slice(from).filter(record => String(record['event']).match(event) !== null)
      await vi.waitFor(() => expect(found().length).toBeGreaterThanOrEqual(count), { timeout: 60_000, interval: 50 })
      return found()[count - 1] as LogRecord
    }
  return {
    id,
    port,
    metricsPort,
    data,
    process: child,
    log,
    printed: () => out,
    told: told(0),
    async reload(next) {
      writeFileSync(file, typeof next === 'string' ? next : JSON.stringify({ ...settings, ...next }))
      const from = log.length
      child.kill('SIGHUP')
      return told(from)(/^reload/)
    },
  }
}

const post = (to: Crew, form: Record<string, string>): Promise<ReceivedMessage> =>
  signedMessage({
    as: asAgent(agent),
    origin: to.id,
    target: '/agent/token',
    method: 'POST',
    contentType: 'application/x-www-form-urlencoded',
    body: String(new URLSearchParams(form)),
  })

async function direct(to: Crew): Promise<ReceivedMessage> {
  const claims = { key: agent.key, now: Math.floor(Date.now() / 1000), aud: to.id, agent: agent.id }
  return post(to, { request_type: 'auth', resource_token: await resourceToken(resource, claims) })
}

/** The process ids of the workers, by what the metrics say each holds. */
const workersOf = (one: Crew): number[] =>
  readFileSync(`/proc/${one.process.pid}/task/${one.process.pid}/children`, 'utf8').trim().split(' ').map(Number)

const metricsOf = async (one: Crew): Promise<string> =>
  (await fetch(`http://127.0.0.1:${one.metricsPort}/metrics`)).text()

/** A member of the metadata, as several new connections see it. */
async function lifetimes(one: Crew): Promise<ReadonlyArray<number>> {
  const seen = Array.from({ length: 8 }, async () => {
    const { expires_in } = await granting(one.id, await direct(one))
    return Number(expires_in)
  })
  return [...new Set(await Promise.all(seen))]
}

describe.skipIf(away !== '')(`an auth server of several workers${away}`, () => {
  test('prints one ready line and one link, and no request passes at two workers', { timeout: 120_000 }, async () => {
    const one = await crew('once', { passkeys: 'invitation' })
    await vi.waitFor(() => expect(one.printed()).toContain('/account/new?invitation='), { timeout: 30_000 })
    expect(one.printed().match(/ ready at /g)).toHaveLength(1)
    expect(one.printed().match(/invitation=/g)).toHaveLength(1)
    expect(workersOf(one)).toHaveLength(2)
    const events = one.log.map(({ event }) => event)
    expect(events.filter(event => event === 'first_start')).toHaveLength(0)
    for (let round = 0; round < 10; round++) {
      const message = await direct(one)
      const answers = await Promise.all(Array.from({ length: 6 }, () => answerOf(one.id, message)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ body }) => body['reason'] === 'request_replayed')).toHaveLength(5)
    }
    const text = await metricsOf(one)
    for (const worker of ['1', '2']) {
      expect(text).toContain(`countersign_server_ready{worker="${worker}"} 1`)
      // Each has served some of these requests.
      expect(text).toMatch(new RegExp(`aauth_request_duration_count\\{worker="${worker}",[^}]*\\} [1-9]`))
    }
    expect(text.match(/^# TYPE countersign_server_ready /gm)).toHaveLength(1)
    expect(text).toContain('countersign_server_workers 2')
    await end(one.process, 'SIGTERM')
    expect(one.process.exitCode).toBe(0)
  })

  test.skipIf(sodium === undefined)(
    `lets libsodium sign and verify in each of them${sodiumMissing}`,
    { timeout: 120_000 },
    async () => {
      const counter = countedSodium(place.folder)
      const one = await crew('sodium', { ed25519: 'sodium' }, counter.env)
      for (let round = 0; round < 10; round++) await granting(one.id, await direct(one))
      const counts = workersOf(one).map(pid => counter.count().get(pid) ?? 0)
      // Each grant takes two verifications at least.
      for (const count of counts) expect(count).toBeGreaterThan(tries)
      expect(counts.reduce((sum, count) => sum + count - tries, 0)).toBeGreaterThanOrEqual(20)
      const made = workersOf(one).map(pid => counter.count('made').get(pid) ?? 0)
      expect(made.reduce((sum, count) => sum + count - 1, 0)).toBeGreaterThanOrEqual(10)
    },
  )

  test('all workers take new settings, or none does', { timeout: 120_000 }, async () => {
    const one = await crew('reloaded')
    expect(await one.reload({ authTokenLifetime: 300 })).toMatchObject({ event: 'reloaded', workers: 2 })
    expect(await lifetimes(one)).toEqual([300])
    for (const [wrong, why] of [
      [{ authTokenLifetime: 200, workers: 3 }, /workers needs a restart/],
      [{ authTokenLifetime: 200, unheardOf: 1 }, /unheardOf/],
      // Only a worker notices.
      [{ authTokenLifetime: 200, tlsCert: 'none.pem' }, /./],
      [{ authTokenLifetime: 200, branding: { accent: '#ffffff' } }, /accent|contrast/],
      ['{', /./],
    ] as const) {
      expect(await one.reload(wrong)).toMatchObject({ event: 'reload_failed', why: expect.stringMatching(why) })
      expect(await lifetimes(one)).toEqual([300])
    }
    // The file is still wrong: another worker starts with the settings that the first one has.
    const [first] = workersOf(one)
    process.kill(first ?? 0, 'SIGKILL')
    await one.told('worker_ready')
    expect(await lifetimes(one)).toEqual([300])
    expect(await metricsOf(one)).toContain('countersign_server_worker_restarts_total 1')
  })

  test(verifies('F-63', 'no request is lost while settings are read again, nor at the stop of the server'), {
    timeout: 120_000,
  }, async () => {
    const one = await crew('loaded')
    // One grant, as an agent of many processes uses it: its refreshes at both workers do not collide.
    const { refresh_token } = await granting(one.id, await direct(one))
    const make = () => post(one, { request_type: 'refresh', refresh_token: String(refresh_token) })
    const work = async (): Promise<void> => {
      for (const authTokenLifetime of [100, 200, 300])
        expect(await one.reload({ authTokenLifetime })).toMatchObject({ event: 'reloaded' })
    }
    const { ends, sent } = await loadDuring({ port: one.port, rate: 60, make }, work())
    expect([ends, sent > 20]).toEqual([{ 200: sent }, true])
    const ended = new Promise(resolve => one.process.once('exit', resolve))
    const stopping = sleep(1500).then(() => one.process.kill('SIGTERM'))
    const { ends: last } = await loadDuring({ port: one.port, rate: 40, make }, stopping)
    // Requests that come as the server stops find no one, as with one process; none that was begun is lost.
    const { 200: granted, 503: notReady = 0, ECONNREFUSED: refused = 0, ECONNRESET: closed = 0, ...others } = last
    expect([others, Number(granted) > 20]).toEqual([{}, true])
    expect(notReady + refused + closed).toBeLessThan(10)
    expect(await ended).toBe(0)
  })

  test('the command ends when no worker can start again', { timeout: 120_000 }, async () => {
    const one = await crew('lost')
    // As when the volume of the keys is gone.
    renameSync(join(one.data, 'keys.json'), join(one.data, 'away.json'))
    const ended = new Promise(resolve => one.process.once('exit', resolve))
    for (const pid of workersOf(one)) process.kill(pid, 'SIGKILL')
    expect(await ended).toBe(1)
    const { cause } = await one.told('worker_failed')
    expect(cause).toMatchObject({ message: expect.stringContaining('key file') })
    expect(await one.told('workers_given_up')).toMatchObject({ failures: 5 })
  })
})

test.skipIf(away !== '')(`a worker that cannot start says so once, and nothing is left${away}`, async () => {
  const taken = createServer()
  const port = await listenOn(taken)
  const flags = ['--id', `http://localhost:${port}`, '--port', String(port), '--data', join(place.folder, 'taken')]
  const shared = ['--development', '--database', postgres.newUrl(), '--replay', redis.url, '--workers', '2']
  const { code, stdout, stderr } = await run(['auth-server', ...flags, ...shared])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr.split('\n').filter(line => line.startsWith('countersign: '))).toEqual([
    expect.stringContaining(`port ${port} is in use`),
  ])
  await closeServer(taken)
})
