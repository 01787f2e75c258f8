import { createHash } from 'node:crypto'
import { generatePrivateJwk, generateSigningKey, importSigningKey, signRequest } from '@countersign/httpsig'
import { signToken } from '@countersign/protocol'
import { importJWK, SignJWT } from 'jose'
import { type BareOperations, bareOperations } from './bare-operations.js'
import type { GuardOrder } from './guard-process.js'
import { type Load, load, type Ready } from './http-load.js'
import { median } from './measure.js'
import { type MeasuredProcess, measuredProcess } from './measured-process.js'
import { type Bench, type Result, result } from './result.js'

const issuer = 'https://auth.example'
const audience = 'https://calendar.example'
const operations = 512
const rounds = 7
/** Rounds before those that count: a server is measured as it runs, compiled. */
const warmUp = 6
const kinds = ['bare', 'aauth', 'dpop'] as const
const now = (): number => Math.floor(Date.now() / 1000)

type Kind = (typeof kinds)[number]
type Maker = () => Promise<Ready>

/** Authorized requests, no two alike: one token, and a signature or proof for each. */
async function makers(): Promise<{ readonly issuerKey: GuardOrder['issuerKey']; readonly make: Record<Kind, Maker> }> {
  const issuerJwk = await generatePrivateJwk()
  const issuerKey = await importSigningKey(issuerJwk)
  const plain = { method: 'GET', path: '/events', body: '' }
  return {
    issuerKey: issuerKey.publicJwk,
    make: {
      bare: async () => ({ ...plain, headers: { host: 'calendar.example' } }),
      aauth: await signedRequests(issuerKey, plain),
      dpop: await dpopRequests(issuerJwk, plain),
    },
  }
}

async function signedRequests(
  issuerKey: Awaited<ReturnType<typeof importSigningKey>>,
  plain: Omit<Ready, 'headers'>,
): Promise<Maker> {
  const key = await generateSigningKey()
  const claims = {
    ...{ iss: issuer, aud: audience, agent: 'https://agent.example', agent_delegate: 'laptop-7f3a' },
    ...{ cnf: { jwk: key.publicJwk }, sub: '2b1d7c3e', scope: 'events.read', jti: 'bench' },
    ...{ iat: now(), exp: now() + 3600 },
  }
  const jwt = await signToken({ typ: 'auth+jwt', key: issuerKey, kid: 'k1', claims })
  return async () => {
    const url = `${audience}${plain.path}`
    const signed = await signRequest({ method: 'GET', url, headers: [], key, signatureKey: { scheme: 'jwt', jwt } })
    return { ...plain, headers: { host: 'calendar.example', ...Object.fromEntries(signed) } }
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
  const token = await new SignJWT({ scope: 'events.read', client_id: 'agent', cnf: { jkt } })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject('2b1d7c3e')
    .setJti('bench')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(await importJWK({ ...issuerJwk, alg: 'EdDSA' }, 'EdDSA'))
  const ath = createHash('sha256').update(token).digest('base64url')
  return async () => {
    const proof = await new SignJWT({ htm: 'GET', htu: `${audience}${plain.path}`, jti: crypto.randomUUID(), ath })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'dpop+jwt', jwk: { ...publicJwk, alg: 'EdDSA' } })
      .setIssuedAt()
      .sign(holder)
    return { ...plain, headers: { host: 'calendar.example', authorization: `DPoP ${token}`, dpop: proof } }
  }
}

type Round = Record<Kind, Load> & { readonly cost: BareOperations }

async function oneRound(
  servers: Readonly<Record<Kind, MeasuredProcess>>,
  make: Readonly<Record<Kind, Maker>>,
  { turn, inFlight }: { readonly turn: number; readonly inFlight: number },
): Promise<Round> {
  const taken: Partial<Record<Kind, Load>> = {}
  for (const kind of turn % 2 === 0 ? kinds : kinds.toReversed()) {
    const ready = await Promise.all(Array.from({ length: operations }, make[kind]))
    taken[kind] = await load(servers[kind], ready, inFlight)
  }
  const { bare, aauth, dpop } = taken
  if (bare === undefined || aauth === undefined || dpop === undefined) throw new Error('a server was left out')
  return { bare, aauth, dpop, cost: await bareOperations() }
}

function rowsOf(measured: readonly Round[], inFlight: number): Result[] {
  const of = (value: (round: Round) => number): number => median(measured.map(value))
  const added = (kind: Kind) => (round: Round) => round[kind].cpu - round.bare.cpu
  const rate = (kind: Kind): string => `${of(round => round[kind].rate).toFixed(0)}/s`
  const detail = `CPU added to the bare route, × one bare verify; ${of(added('aauth')).toFixed(0)} µs, ${rate('aauth')}, bare route ${rate('bare')}`
  return [
    result({
      ...{ id: 'guard on a Hono route', inFlight, ratio: of(r => added('aauth')(r) / r.cost.verify), detail },
      ...(inFlight === 16 ? { budget: 1.25 } : {}),
    }),
    result({
      ...{ id: 'guard × OAuth JWT + DPoP', inFlight, ratio: of(r => added('aauth')(r) / added('dpop')(r)) },
      ...(inFlight === 16 ? { budget: 0.45 } : {}),
      detail: `CPU added; oauth4webapi ${of(added('dpop')).toFixed(0)} µs, ${rate('dpop')}`,
    }),
  ]
}

/** One authorized request through the guard, beside the bare route and the same route under OAuth JWT + DPoP. */
export const guard: Bench = {
  name: 'guard',
  async run() {
    const { issuerKey, make } = await makers()
    const started: MeasuredProcess[] = []
    try {
      const start = async (kind: Kind): Promise<MeasuredProcess> => {
        const process = await measuredProcess<GuardOrder>('./guard-process.js', { kind, issuer, issuerKey, audience })
        started.push(process)
        return process
      }
      const servers = { bare: await start('bare'), aauth: await start('aauth'), dpop: await start('dpop') }
      const rows: Result[] = []
      for (const inFlight of [16, 1, 64]) {
        const measured: Round[] = []
        const warm = inFlight === 16 ? warmUp : 1
        for (let turn = 0; turn < warm + rounds; turn++)
          measured.push(await oneRound(servers, make, { turn, inFlight }))
        rows.push(...rowsOf(measured.slice(warm), inFlight))
      }
      return rows
    } finally {
      for (const process of started) await process.stop()
    }
  },
}
