import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asAgent, type Party } from '@countersign/testing/world/signer'
import { resourceToken } from '@countersign/testing/world/tokens'
import { publishAgent, publishResource } from '@countersign/testing/world/web'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { enrolled, granting, renewal } from './delegate.fixture.js'
import { documentSite } from './document-site.fixture.js'
import { end, type LogRecord, logOf, run, stand } from './processes.fixture.js'
import { loadDuring } from './steady-load.fixture.js'
import { isLong, ofKind } from './tier.fixture.js'

// Servers as processes that read their settings again while signed requests come in.

/** Requests per second, and how often the settings are read again meanwhile. */
const { rate, reloads } = isLong ? { rate: 500, reloads: 15 } : { rate: 100, reloads: 3 }

const place = stand()
const { server: site, documents } = documentSite()
/** The API behind the gateway: its answers are under way for so long that each reload meets some. */
const upstream = createServer((_request, response) => setTimeout(() => response.end('events'), 20))
let agent: Party
let resource: Party
let upstreamPort: number

beforeAll(async () => {
  const sitePort = await listenOn(site)
  upstreamPort = await listenOn(upstream)
  agent = { id: `http://localhost:${sitePort}`, kid: 'k1', key: await generateSigningKey() }
  resource = { id: `http://127.0.0.1:${sitePort}`, kid: 'r1', key: await generateSigningKey() }
  publishAgent({ web: documents }, agent.id, [agent])
  publishResource({ web: documents }, resource.id, [resource])
})
afterAll(async () => {
  await place.stop()
  site.closeAllConnections()
  await Promise.all([site, upstream].map(closeServer))
})

/** A server that runs on the settings of a file. */
interface Reloadable {
  readonly id: string
  readonly port: number
  readonly log: readonly LogRecord[]
  readonly process: ChildProcess
  /** Writes more settings and sends SIGHUP; what the log says of it. */
  reload(more: object): Promise<LogRecord>
}

interface Kind {
  readonly name: string
  /** What the server needs beside its identity. */
  settings(): object
  /** Settings of which each reload takes the next. */
  readonly changes: readonly object[]
  /** Prepares the requests of the load. */
  requests(server: Reloadable): Promise<(index: number) => Promise<ReceivedMessage>>
}

async function started({ name, settings }: Kind): Promise<Reloadable> {
  const port = await freePort()
  const id = `http://localhost:${port}`
  const common = { id, port, ...settings() }
  const child = await place.start(name, place.config(name, common))
  const log = logOf(child)
  return {
    id,
    port,
    log,
    process: child,
    async reload(more) {
      const before = log.length
      const file = join(place.folder, `${name}.json`)
      writeFileSync(file, JSON.stringify({ data: join(place.folder, name), development: true, ...common, ...more }))
      child.kill('SIGHUP')
      for (const until = Date.now() + 60_000; Date.now() < until; await sleep(10)) {
        const told = log.slice(before).find(({ event }) => /^reload/.test(String(event)))
        if (told !== undefined) return told
      }
      throw new Error(`${name} said nothing of a reload`)
    },
  }
}

const gateway: Kind = {
  name: 'gateway',
  settings: () => ({
    upstream: `http://127.0.0.1:${upstreamPort}`,
    routes: [{ path: '/*', level: 'identified' }],
  }),
  changes: [{ deny: { agents: ['http://localhost:1'] } }, { dropHeaders: ['x-internal'] }],
  requests:
    async ({ id }) =>
    index =>
      signedMessage({ as: asAgent(agent), origin: id, target: `/events/${index}` }),
}

const authServer: Kind = {
  name: 'auth-server',
  settings: () => ({ grants: [{ agent: agent.id, resource: resource.id, scopes: ['events.read'] }] }),
  changes: [{ authTokenLifetime: 300 }, { demoUsers: [{ name: 'Ada' }] }],
  async requests(server) {
    const post = (form: Record<string, string>): Promise<ReceivedMessage> =>
      signedMessage({
        as: asAgent(agent),
        origin: server.id,
        target: '/agent/token',
        method: 'POST',
        contentType: 'application/x-www-form-urlencoded',
        body: String(new URLSearchParams(form)),
      })
    const { key } = agent
    const now = Math.floor(Date.now() / 1000)
    const token = await resourceToken(resource, { key, now, aud: server.id, agent: agent.id })
    const granted = await granting(server.id, await post({ request_type: 'auth', resource_token: token }))
    return () => post({ request_type: 'refresh', refresh_token: String(granted['refresh_token']) })
  },
}

const agentServer: Kind = {
  name: 'agent-server',
  settings: () => ({}),
  changes: [{ name: 'Renamed' }, { tokenLifetime: 600 }],
  async requests(server) {
    const config = join(place.folder, 'agent-server.json')
    const invited = await run(['agent-server', 'invite', '--config', config, '--series', 'load'])
    const { code } = JSON.parse(invited.stdout) as { code: string }
    const holder = await enrolled(server.id, code)
    return () => renewal(server.id, holder)
  },
}

test.each(ofKind([authServer, agentServer, gateway]))(
  verifies('F-63', `$name loses none of ${rate} requests per second while its settings are read again`),
  { timeout: 240_000 },
  async kind => {
    const server = await started(kind)
    const make = await kind.requests(server)
    const told: LogRecord[] = []
    const reloading = async (): Promise<void> => {
      for (let turn = 0; turn < reloads; turn++) {
        await sleep(200)
        const change = turn % 3 === 2 ? { colour: 'red' } : (kind.changes[turn % 3] ?? {})
        told.push(await server.reload(change))
      }
      await sleep(200)
    }
    const load = { port: server.port, rate, make }
    const { sent, ends, connections, ...measured } = await loadDuring(load, reloading())
    if (isLong)
      process.stdout.write(
        `${kind.name}: ${sent} requests, ${measured.rate.toFixed()}/s, ${connections} connections, p99 ${measured.p99.toFixed()} ms\n`,
      )
    expect(ends).toEqual({ 200: sent })
    // New connections and kept ones: as many as requests, or fewer by those that a kept one carried.
    expect(connections).toBeGreaterThan(sent / 2)
    expect(connections).toBeLessThan(sent)
    expect(told.map(({ event }) => event)).toEqual(
      Array.from({ length: reloads }, (_, turn) => (turn % 3 === 2 ? 'reload_failed' : 'reloaded')),
    )
    expect(told[2]).toMatchObject({ level: 'error', why: expect.stringContaining('unknown option colour') })
    expect(server.log.filter(({ level }) => level === 'error')).toHaveLength(Math.floor(reloads / 3))
    await end(server.process, 'SIGTERM')
    expect(server.process.exitCode).toBe(0)
  },
)
