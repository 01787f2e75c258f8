import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jwks } from '@countersign/protocol'
import { freePort } from '@countersign/testing/ports'
import { listens } from '@countersign/testing/services'
import pg from 'pg'
import { type Cast, cast, directGrant } from './direct-grants.js'
import { type Load, load } from './http-load.js'
import { median } from './measure.js'
import type { MeasuredProcess } from './measured-process.js'
import { type Result, result } from './result.js'
import { familyCpu } from './scaling/process-cpu.js'
import { at } from './signed-requests.js'

const redisUrl = process.env['COUNTERSIGN_REDIS'] ?? 'redis://127.0.0.1:6379'
const postgres = 'postgres://postgres@127.0.0.1:5432/test'
const command = fileURLToPath(new URL('../../packages/cli/bin/countersign.js', import.meta.url))
const connections = 32
const operations = 512
const rounds = 5
const warmUp = 8

/** A server of the command, whose CPU is that of all its processes. */
interface Served extends MeasuredProcess {
  readonly made: Cast
}

/** The documents of the agent and the resource, at two names of this machine. */
async function documents(): Promise<{ readonly port: number; add(made: Cast): void; close(): void }> {
  const web = new Map<string, unknown>()
  const server = createServer((request, response) => {
    const found = web.get(`http://${request.headers.host}${request.url}`)
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    add({ delegates, agentKey, resourceKey }) {
      const { agent, resource } = at(delegates, 0).names
      web.set(`${agent}/.well-known/aauth-agent`, { issuer: agent, agent, jwks_uri: `${agent}/jwks` })
      web.set(`${agent}/jwks`, jwks([{ kid: 'k1', key: agentKey }]))
      web.set(`${resource}/.well-known/aauth-resource`, { issuer: resource, resource, jwks_uri: `${resource}/jwks` })
      web.set(`${resource}/jwks`, jwks([{ kid: 'r1', key: resourceKey }]))
    },
    close: () => server.close(),
  }
}

async function start(folder: string, count: number): Promise<Served> {
  const site = await documents()
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const names = { issuer, agent: `http://localhost:${site.port}`, resource: `http://127.0.0.1:${site.port}` }
  const made = await cast(names)
  site.add(made)
  const schema = `bench_workers_${process.pid}_${count}`
  const admin = new pg.Client({ connectionString: postgres })
  await admin.connect()
  await admin.query(`create schema ${schema}`)
  const config = join(folder, `${count}.json`)
  const settings = {
    id: issuer,
    port,
    development: true,
    data: join(folder, String(count)),
    workers: count,
    replay: redisUrl,
    database: `${postgres}?options=${encodeURIComponent(`-c search_path=${schema}`)}`,
    grants: [{ agent: names.agent, delegates: 'any', resource: names.resource, scopes: ['events.read'] }],
  }
  writeFileSync(config, JSON.stringify(settings))
  const child = spawn(process.execPath, [command, 'auth-server', '--config', config], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const pid = child.pid ?? 0
  const end = async (): Promise<void> => {
    site.close()
    await admin.query(`drop schema ${schema} cascade`)
    await admin.end()
  }
  await ready(child).catch(error => end().then(() => Promise.reject(error)))
  return {
    made,
    port,
    cpu: async () => familyCpu(pid),
    held: async () => 0,
    async stop() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      await end()
    },
  }
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the server ended with code ${code}`)))
    child.stdout?.on('data', text => String(text).includes(' ready at ') && resolve())
  })
}

async function round(served: Served): Promise<Load> {
  const { delegates, resourceKey } = served.made
  const ready = await Promise.all(
    Array.from({ length: operations }, (_, index) => directGrant(at(delegates, index), resourceKey)),
  )
  return load(served, ready, connections)
}

/** Direct grants at `countersign auth-server --workers 2` beside one process, on PostgreSQL and Redis; no row where these are away. */
export async function workerRows(): Promise<Result[]> {
  if (!(await listens(5432)) || !(await listens(Number(new URL(redisUrl).port || 6379)))) return []
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
  const started: Served[] = []
  try {
    for (const count of [1, 2]) started.push(await start(folder, count))
    const measured: Array<readonly [one: Load, two: Load]> = []
    for (let turn = 0; turn < warmUp + rounds; turn++) {
      const order = turn % 2 === 0 ? [0, 1] : [1, 0]
      const taken: Load[] = []
      for (const index of order) taken[index] = await round(at(started, index))
      measured.push([at(taken, 0), at(taken, 1)])
    }
    return rowsOf(measured.slice(warmUp))
  } finally {
    for (const one of started) await one.stop()
    rmSync(folder, { recursive: true })
  }
}

function rowsOf(measured: ReadonlyArray<readonly [one: Load, two: Load]>): Result[] {
  const middle = (of: (one: Load, two: Load) => number): number => median(measured.map(([one, two]) => of(one, two)))
  const rates = `${middle(one => one.rate).toFixed(0)}/s and ${middle((_, two) => two.rate).toFixed(0)}/s`
  const cpus = `${middle(one => one.cpu).toFixed(0)} µs and ${middle((_, two) => two.cpu).toFixed(0)} µs`
  const common = { inFlight: connections }
  return [
    result({
      ...common,
      id: '--workers 2 × 1, time between two',
      ratio: middle((one, two) => one.rate / two.rate),
      detail: `direct grants on PostgreSQL and Redis, ${rates}, all on this machine`,
    }),
    result({
      ...common,
      id: '--workers 2 × 1, CPU',
      ratio: middle((one, two) => two.cpu / one.cpu),
      detail: `a request, all processes of the command; ${cpus}`,
    }),
  ]
}
