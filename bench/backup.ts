import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { AuthServerOrder } from './auth-server-process.js'
import type { BackupOrder } from './backup-process.js'
import { type Cast, cast, directGrant, populate } from './direct-grants.js'
import { load } from './http-load.js'
import { median } from './measure.js'
import { type MeasuredProcess, measuredProcess } from './measured-process.js'
import { type Bench, type Result, result } from './result.js'
import { at } from './signed-requests.js'

const connections = 16
/** Requests a second: what a server with room to spare gets. At its limit any other work on the machine would count as delay. */
const rate = 100
/** Requests that are made at once, before the clock runs. */
const portion = 300
const rounds = 3

/** A finished backup. */
interface Copied {
  readonly bytes: number
  readonly seconds: number
}

/** The waits of requests in one round, without and with a backup beside them, and the backup. */
interface Round {
  readonly without: number
  readonly beside: number
  readonly sent: number
  readonly copied: Copied
}

async function waits(server: MeasuredProcess, made: Cast): Promise<readonly number[]> {
  const ready = await Promise.all(
    Array.from({ length: portion }, (_, i) => directGrant(at(made.delegates, i), made.resourceKey)),
  )
  return (await load(server, ready, connections, { rate })).waits
}

/** Copies a database in another process. `done` says when that is over. */
function copying(order: BackupOrder): { readonly done: () => boolean; readonly copied: Promise<Copied> } {
  const child = fork(fileURLToPath(new URL('./backup-process.js', import.meta.url)))
  let isDone = false
  const copied = once(child, 'message').then(([message]) => message as Copied)
  child.once('exit', () => {
    isDone = true
  })
  child.send(order)
  return { done: () => isDone, copied }
}

function p99(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length * 0.99)] ?? 0
}

async function oneRound(server: MeasuredProcess, made: Cast, order: BackupOrder): Promise<Round> {
  const without: number[] = []
  const beside: number[] = []
  for (let times = 0; times < 2; times++) without.push(...(await waits(server, made)))
  const backup = copying(order)
  do beside.push(...(await waits(server, made)))
  while (!backup.done())
  const copied = await backup.copied
  rmSync(order.to)
  return { without: p99(without), beside: p99(beside), sent: beside.length, copied }
}

function rowOf(measured: readonly Round[], grants: number): Result {
  const of = (pick: (round: Round) => number): string => median(measured.map(pick)).toFixed(1)
  const copied = `${of(r => r.copied.bytes / 1e6)} MB in ${of(r => r.copied.seconds)} s`
  return result({
    id: `99th percentile of direct grants during a backup of ${grants} grants`,
    inFlight: connections,
    ratio: median(measured.map(({ without, beside }) => beside / without)),
    budget: 2,
    detail: `× without; ${of(r => r.beside)} ms, without ${of(r => r.without)} ms, at ${rate}/s; ${copied}`,
  })
}

/** Direct grants beside a backup of a database with so many grants. */
export function backupOf({ grants }: { readonly grants: number }): Bench {
  return {
    name: 'backup',
    async run() {
      const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
      const file = join(folder, 'auth.db')
      const made = await cast()
      const keys = { agent: made.agentKey.publicJwk, resource: made.resourceKey.publicJwk }
      const order: AuthServerOrder = { database: `sqlite:${file}`, ...keys }
      const server = await measuredProcess('./auth-server-process.js', order)
      try {
        populate(file, grants)
        // A replay set that has just begun takes nothing signed before it.
        await sleep(1100)
        const one = (): Promise<Round> => oneRound(server, made, { url: `sqlite:${file}`, to: join(folder, 'copy.db') })
        // The first does not count: a server is measured as it runs, compiled.
        const measured: Round[] = []
        for (let turn = 0; turn <= rounds; turn++) measured.push(await one())
        return [rowOf(measured.slice(1), grants)]
      } finally {
        await server.stop()
        rmSync(folder, { recursive: true })
      }
    },
  }
}

/** A million grants. */
export const backup: Bench = backupOf({ grants: 1_000_000 })
