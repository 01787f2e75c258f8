import { authorizedRequests } from './authorized-requests.js'
import { type BareOperations, bareOperations } from './bare-operations.js'
import { type GatewayServers, startServers } from './gateway-servers.js'
import { type Load, load, type Ready } from './http-load.js'
import { median } from './measure.js'
import type { MeasuredProcess } from './measured-process.js'
import { type Bench, type Result, result } from './result.js'

const inFlight = 16
const operations = 768
const rounds = 15
/**
 * Requests of a kind before those that count: a server is measured as it runs, and V8 still compiles after 16 384. Those whose row has a
 * budget come last.
 */
const warmUp = { large: 16_384, post: 16_384, small: 65_536, authorized: 65_536 } as const
/** So many are made at once. */
const portion = 4096

/**
 * What is sent: an anonymous GET with a small answer or a large one that is streamed, a POST of 1 KiB, and a signed GET. The POST is
 * compared with a proxy that opens a connection for each request, as the gateway does for one with a body.
 */
const kinds = ['small', 'large', 'post', 'authorized'] as const
type Kind = (typeof kinds)[number]

/** What is measured: the gateway without and with its access log, beside `http-proxy`. */
const subjects = ['proxy', 'quiet', 'logged'] as const
type Subject = (typeof subjects)[number]

const budgets = { quiet: 1.5, logged: 2 } as const
/** Of an authorized request, in bare verifications more. */
const verifying = 1.25

const texts: Record<Kind, string> = {
  small: 'anonymous, small JSON',
  large: 'anonymous, 64 KiB streamed',
  post: 'anonymous, POST of 1 KiB',
  authorized: 'authorized',
}

function anonymous(host: string, kind: Exclude<Kind, 'authorized'>): Ready {
  const common = { host, accept: 'application/json', 'user-agent': 'bench/1' }
  if (kind !== 'post') return { method: 'GET', path: `/open/${kind}`, headers: common, body: '' }
  const body = 'x'.repeat(1024)
  return { path: '/open/post', headers: { ...common, 'content-type': 'text/plain', 'content-length': '1024' }, body }
}

type Makers = Record<Kind, () => Promise<Ready>>

async function makersFor({ port }: MeasuredProcess, { issuer, issuerKey }: GatewayServers): Promise<Makers> {
  const audience = `http://localhost:${port}`
  const { host } = new URL(audience)
  const plain = { method: 'GET', path: '/events', body: '' }
  return {
    small: async () => anonymous(host, 'small'),
    large: async () => anonymous(host, 'large'),
    post: async () => anonymous(host, 'post'),
    authorized: await authorizedRequests({ issuer, issuerKey, audience }, plain),
  }
}

interface Measured {
  readonly server: MeasuredProcess
  readonly make: Makers
}

function made(make: () => Promise<Ready>, count: number): Promise<Ready[]> {
  return Promise.all(Array.from({ length: count }, make))
}

type Round = Readonly<Record<Kind, Readonly<Record<Subject, Load>>>> & { readonly cost: BareOperations }

async function oneRound(measured: Readonly<Record<Subject | 'closing', Measured>>, turn: number): Promise<Round> {
  const of = async (kind: Kind): Promise<Record<Subject, Load>> => {
    const loads = new Map<Subject, Load>()
    for (const subject of turn % 2 === 0 ? subjects : subjects.toReversed()) {
      const { server, make } = measured[subject === 'proxy' && kind === 'post' ? 'closing' : subject]
      loads.set(subject, await load(server, await made(make[kind], operations), inFlight))
    }
    return Object.fromEntries(loads) as Record<Subject, Load>
  }
  return {
    small: await of('small'),
    large: await of('large'),
    post: await of('post'),
    authorized: await of('authorized'),
    cost: await bareOperations(),
  }
}

function rowOf(all: readonly Round[], kind: Kind, subject: 'quiet' | 'logged'): Result {
  const of = (value: (round: Round) => number): number => median(all.map(value))
  const log = subject === 'quiet' ? 'no access log' : 'access log'
  const cpu = of(round => round[kind][subject].cpu)
  const base = of(round => round[kind].proxy.cpu)
  const rate = of(round => round[kind][subject].rate)
  const verify = of(round => round.cost.verify)
  const extra = kind === 'authorized' ? verifying : 0
  return result({
    id: `gateway, ${texts[kind]}, ${log}`,
    inFlight,
    // Of medians, where one is a difference of two that vary.
    ratio: extra > 0 ? (cpu - extra * verify) / base : of(round => round[kind][subject].cpu / round[kind].proxy.cpu),
    ...(kind === 'small' || kind === 'authorized' ? { budget: budgets[subject] } : {}),
    detail:
      `CPU${extra > 0 ? ` less ${extra} bare verifies (${verify.toFixed(0)} µs)` : ''} × http-proxy; ` +
      `${cpu.toFixed(0)} µs against ${base.toFixed(0)}; ${rate.toFixed(0)}/s, p99 ${of(r => r[kind][subject].p99).toFixed(1)} ms`,
  })
}

/** A request through the gateway as the command runs it, beside the same one through the package `http-proxy`. */
export const gateway: Bench = {
  name: 'gateway',
  async run() {
    const servers = await startServers()
    try {
      const quiet = await servers.gateway({ accessLog: 'off' })
      const logged = await servers.gateway({ accessLog: 'on' })
      const ready = async (server: MeasuredProcess): Promise<Measured> => ({
        server,
        make: await makersFor(server, servers),
      })
      const measured = {
        quiet: await ready(quiet),
        logged: await ready(logged),
        // The requests of a gateway, which the proxy passes on unread.
        proxy: { server: servers.proxy, make: await makersFor(quiet, servers) },
        closing: { server: servers.closing, make: await makersFor(quiet, servers) },
      }
      const all: Round[] = []
      for (const { server, make } of Object.values(measured))
        for (const kind of Object.keys(warmUp) as Kind[])
          for (let count = 0; count < warmUp[kind]; count += portion)
            await load(server, await made(make[kind], portion), inFlight)
      for (let turn = 0; turn < rounds; turn++) all.push(await oneRound(measured, turn))
      return kinds.flatMap(kind => [rowOf(all, kind, 'quiet'), rowOf(all, kind, 'logged')])
    } finally {
      await servers.stop()
    }
  },
}
