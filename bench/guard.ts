import { createHash } from 'node:crypto'
import { generatePrivateJwk, importSigningKey } from '@countersign/httpsig'
import { importJWK, SignJWT } from 'jose'
import { authorizedRequests, renewedToken } from './authorized-requests.js'
import { type BareOperations, bareOperations } from './bare-operations.js'
import { counterRows } from './counter.js'
import type { Ed25519 } from './ed25519.js'
import type { GuardOrder } from './guard-process.js'
import { type Load, load, type Ready } from './http-load.js'
import { measuredOf, median } from './measure.js'
import { type MeasuredProcess, measuredProcess } from './measured-process.js'
import { type Bench, type Result, result } from './result.js'

const issuer = 'https://auth.example'
const audience = 'https://calendar.example'
const operations = 512
const rounds = 7
/** Rounds before those that count: a server is measured as it runs, compiled. */
const warmUp = 64
/** What is compared answers at different rates: none of it is to pay for waking the client. */
const awake = true
/** What is measured, and the bare route that goes with it. */
const subjects = [
  { id: 'aauth', on: 'hono', kind: 'aauth' },
  { id: 'dpop', on: 'hono', kind: 'dpop' },
  { id: 'floor', on: 'hono', kind: 'floor' },
  { id: 'nodeAAuth', on: 'node', kind: 'aauth' },
  { id: 'sodium', on: 'hono', kind: 'aauth' },
] as const

type Subject = (typeof subjects)[number]
type Kind = GuardOrder['kind']
type Maker = () => Promise<Ready>

/** Authorized requests, no two alike: one token, and a signature or proof for each. */
export async function makers(): Promise<{
  readonly issuerKey: GuardOrder['issuerKey']
  readonly make: Record<Kind, Maker>
}> {
  const issuerJwk = await generatePrivateJwk()
  const issuerKey = await importSigningKey(issuerJwk)
  const plain = { method: 'GET', path: '/events', body: '' }
  const aauth = await authorizedRequests({ issuer, issuerKey, audience }, plain)
  return {
    issuerKey: issuerKey.publicJwk,
    make: {
      bare: async () => ({ ...plain, headers: { host: 'calendar.example' } }),
      aauth,
      // The same bytes, of which it reads nothing.
      floor: aauth,
      dpop: await dpopRequests(issuerJwk, plain),
    },
  }
}

async function dpopRequests(
  issuerJwk: Awaited<ReturnType<typeof generatePrivateJwk>>,
  plain: Omit<Ready, 'headers'>,
): Promise<Maker> {
  const { d, alg, ...publicJwk } = await generatePrivateJwk()
  const holder = await importJWK({ ...publicJwk, d }, 'EdDSA')
  const members = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x: 'x' in publicJwk ? publicJwk.x : '' })
  const jkt = createHash('sha256').update(members).digest('base64url')
  const issuerKey = await importJWK({ ...issuerJwk, alg: 'EdDSA' }, 'EdDSA')
  const tokenNow = renewedToken(({ iat, exp }) =>
    new SignJWT({ scope: 'events.read', client_id: 'agent', cnf: { jkt } })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject('2b1d7c3e')
      .setJti('bench')
      .setIssuedAt(iat)
      .setExpirationTime(exp)
      .sign(issuerKey),
  )
  return async () => {
    const token = await tokenNow()
    const ath = createHash('sha256').update(token).digest('base64url')
    const proof = await new SignJWT({ htm: 'GET', htu: `${audience}${plain.path}`, jti: crypto.randomUUID(), ath })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'dpop+jwt', jwk: { ...publicJwk, alg: 'EdDSA' } })
      .setIssuedAt()
      .sign(holder)
    return { ...plain, headers: { host: 'calendar.example', authorization: `DPoP ${token}`, dpop: proof } }
  }
}

/** A guarded route as fast as it goes, and the bare one at the same rate. */
interface Pair {
  readonly guarded: Load
  readonly bare: Load
}

type Round = Record<Subject['id'], Pair> & { readonly fastest: Load; readonly cost: BareOperations }

type Servers = Readonly<Record<Subject['id'] | 'hono' | 'node', MeasuredProcess>>

interface Turn {
  readonly turn: number
  readonly inFlight: number
}

async function oneRound(
  servers: Servers,
  make: Readonly<Record<Kind, Maker>>,
  { turn, inFlight }: Turn,
): Promise<Round> {
  const ready = (kind: Kind) => Promise.all(Array.from({ length: operations }, make[kind]))
  const pairs = new Map<Subject['id'], Pair>()
  for (const { id, on, kind } of turn % 2 === 0 ? subjects : subjects.toReversed()) {
    const guarded = await load(servers[id], await ready(kind), inFlight, { awake })
    // One connection is paced by its answers. Of many, a server that is never idle writes and wakes for less: so would no API
    // that gets the requests it got before, guarded from now on.
    const rate = inFlight === 1 ? undefined : guarded.rate
    pairs.set(id, { guarded, bare: await load(servers[on], await ready('bare'), inFlight, { rate, awake }) })
  }
  const fastest = await load(servers.hono, await ready('bare'), inFlight, { awake })
  const pair = (id: Subject['id']): Pair => measuredOf(pairs, id)
  return {
    aauth: pair('aauth'),
    dpop: pair('dpop'),
    floor: pair('floor'),
    nodeAAuth: pair('nodeAAuth'),
    sodium: pair('sodium'),
    fastest,
    cost: await bareOperations(),
  }
}

function rowsOf(measured: readonly Round[], inFlight: number): Result[] {
  const of = (value: (round: Round) => number): number => median(measured.map(value))
  const added = (id: Subject['id']) => (round: Round) => round[id].guarded.cpu - round[id].bare.cpu
  const load = (side: (round: Round) => Load): string =>
    `${of(r => side(r).rate).toFixed(0)}/s, p99 ${of(r => side(r).p99).toFixed(1)} ms`
  const detail = (id: Subject['id']): string => {
    const wide = of(round => round[id].guarded.cpu - round.fastest.cpu)
    const beside = id === 'nodeAAuth' ? '' : `; to the bare route at its fastest ${wide.toFixed(0)} µs`
    return `${of(added(id)).toFixed(0)} µs${beside}; ${load(round => round[id].guarded)}`
  }
  const gated = inFlight === 16
  return [
    result({
      id: 'guard on a Hono route',
      inFlight,
      ratio: of(r => added('aauth')(r) / r.cost.verify),
      detail: `CPU added at the same rate, × one bare verify; ${detail('aauth')}; bare ${load(round => round.fastest)}`,
      ...(gated ? { budget: 1.45 } : {}),
    }),
    result({
      id: 'the same, libsodium verifies',
      inFlight,
      ratio: of(r => added('sodium')(r) / r.cost.verify),
      detail: `likewise; ${of(r => added('sodium')(r) / added('dpop')(r)).toFixed(2)} × OAuth JWT + DPoP; ${detail('sodium')}`,
    }),
    result({
      id: 'of which one verification',
      inFlight,
      ratio: of(r => added('floor')(r) / r.cost.verify),
      detail: `of bytes that are there already, by a middleware that does nothing else; ${detail('floor')}`,
    }),
    result({
      id: 'guard on node:http',
      inFlight,
      ratio: of(r => added('nodeAAuth')(r) / r.cost.verify),
      detail: `likewise; ${detail('nodeAAuth')}`,
    }),
    result({
      id: 'guard × OAuth JWT + DPoP',
      inFlight,
      ratio: of(r => added('aauth')(r) / added('dpop')(r)),
      ...(gated ? { budget: 0.5 } : {}),
      detail: `CPU added; oauth4webapi ${detail('dpop')}`,
    }),
  ]
}

/** One authorized request through the guard, beside the bare route and the same route under OAuth JWT + DPoP. */
export const guard: Bench = {
  name: 'guard',
  async run() {
    const { issuerKey, make } = await makers()
    const started: MeasuredProcess[] = []
    const start = async (on: GuardOrder['on'], kind: Kind, ed25519: Ed25519 = 'node'): Promise<MeasuredProcess> => {
      const order = { on, kind, issuer, issuerKey, audience, ed25519 }
      const process = await measuredProcess<GuardOrder>('./guard-process.js', order)
      started.push(process)
      return process
    }
    try {
      const servers = {
        hono: await start('hono', 'bare'),
        node: await start('node', 'bare'),
        aauth: await start('hono', 'aauth'),
        dpop: await start('hono', 'dpop'),
        floor: await start('hono', 'floor'),
        nodeAAuth: await start('node', 'aauth'),
        sodium: await start('hono', 'aauth', 'sodium'),
      }
      const rows: Result[] = []
      for (const inFlight of [16, 1, 64]) {
        const measured: Round[] = []
        const warm = inFlight === 16 ? warmUp : 1
        for (let turn = 0; turn < warm + rounds; turn++)
          measured.push(await oneRound(servers, make, { turn, inFlight }))
        rows.push(...rowsOf(measured.slice(warm), inFlight))
      }
      return [...rows, ...(await counterRows())]
    } finally {
      for (const process of started) await process.stop()
    }
  },
}
