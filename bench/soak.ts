import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuthServerOrder } from './auth-server-process.js'
import { type Cast, cast, directGrant, renewed, signedForm } from './direct-grants.js'
import { startFloor } from './floor.js'
import { type Load, load, type Ready } from './http-load.js'
import { median } from './measure.js'
import { type MeasuredProcess, measuredProcess } from './measured-process.js'
import { type Bench, type Result, result } from './result.js'
import { at } from './signed-requests.js'

const connections = 16
/** Requests that are made at once, before the clock runs. */
const portion = 512
/** Rounds at full speed: code is compiled, and the rate of the server is known. */
const warmUp = 8
/** Minutes at half load; `COUNTERSIGN_SOAK_MINUTES` sets another time. */
const minutes = Number(process.env['COUNTERSIGN_SOAK_MINUTES'] ?? 60)
/** Milliseconds between two renewals of the agent tokens. */
const renewal = 20 * 60_000
/** The first and the last part of the time are compared, as shares of it. */
const compared = 0.2

interface Moment {
  /** Milliseconds that one in a hundred waits longer. */
  readonly p99: number
  /** The same of a server that keeps nothing in memory, in the same seconds: other work of the machine slows both. */
  readonly control: number
  readonly held: number
}

async function grantsAndRefreshes(
  made: Cast,
  server: MeasuredProcess,
  rate?: number,
): Promise<Load & { readonly grants: readonly Ready[] }> {
  const half = portion / 2
  const grants = await Promise.all(
    Array.from({ length: half }, (_, index) => directGrant(at(made.delegates, index), made.resourceKey)),
  )
  const { answers, ...granted } = await load(server, grants, connections, { rate })
  const owners = new Map(made.delegates.map(delegate => [delegate.sub, delegate]))
  const refreshes = await Promise.all(
    answers.flatMap(({ auth_token: token, refresh_token }) => {
      const { agent_delegate } = JSON.parse(
        Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString('utf8'),
      )
      const by = owners.get(String(agent_delegate))
      return by === undefined ? [] : [signedForm(by, { request_type: 'refresh', refresh_token: String(refresh_token) })]
    }),
  )
  const refreshed = await load(server, refreshes, connections, { rate })
  return { ...granted, grants, p99: Math.max(granted.p99, refreshed.p99), rate: (granted.rate + refreshed.rate) / 2 }
}

interface Servers {
  readonly server: MeasuredProcess
  readonly control: MeasuredProcess
}

async function soaked(made: Cast, { server, control }: Servers): Promise<{ moments: Moment[]; rate: number }> {
  const rates: number[] = []
  for (let round = 0; round < warmUp; round++) rates.push((await grantsAndRefreshes(made, server)).rate)
  const rate = median(rates.slice(warmUp / 2)) / 2
  const end = performance.now() + minutes * 60_000
  const moments: Moment[] = []
  let [delegates, renewAt] = [made, performance.now() + renewal]
  while (performance.now() < end) {
    if (performance.now() > renewAt) [delegates, renewAt] = [await renewed(made), performance.now() + renewal]
    const { p99, grants } = await grantsAndRefreshes(delegates, server, rate)
    const beside = await load(control, grants, connections, { rate })
    moments.push({ p99, control: beside.p99, held: await server.held() })
  }
  return { moments, rate }
}

function rowsOf(moments: readonly Moment[], rate: number): Result[] {
  const part = Math.max(1, Math.floor(moments.length * compared))
  const [first, last] = [moments.slice(0, part), moments.slice(-part)]
  const row = (id: string, of: (moment: Moment) => number, budget: number | undefined, unit: string): Result => {
    const [before, after] = [median(first.map(of)), median(last.map(of))]
    const detail = `last fifth × first fifth of ${minutes} min at ${rate.toFixed(0)} requests/s; ${after.toFixed(1)} ${unit}, ${before.toFixed(1)} before`
    return result({
      id,
      inFlight: connections,
      ratio: after / before,
      detail,
      ...(budget === undefined ? {} : { budget }),
    })
  }
  return [
    row('heap', ({ held }) => held / 1e6, 1.1, 'MB'),
    row('99th percentile × control', ({ p99, control }) => p99 / control, 1.25, '× a server that does the least'),
    row('99th percentile of the answers', ({ p99 }) => p99, undefined, 'ms'),
  ]
}

/** An auth server at half of its load for an hour: direct grants and refreshes, as many of each, on the disk before they are answered. */
export const soak: Bench = {
  name: 'soak',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
    const made = await cast()
    const keys = { agent: made.agentKey.publicJwk, resource: made.resourceKey.publicJwk }
    const database = `sqlite:${join(folder, 'soak.db')}`
    const server = await measuredProcess<AuthServerOrder>('./auth-server-process.js', { database, ...keys })
    const control = await startFloor(join(folder, 'control.db'), keys)
    try {
      // A replay set that has just begun takes nothing signed before it.
      await new Promise(resolve => setTimeout(resolve, 1100))
      const { moments, rate } = await soaked(made, { server, control })
      return rowsOf(moments, rate)
    } finally {
      await Promise.all([server.stop(), control.stop()])
      rmSync(folder, { recursive: true })
    }
  },
}
