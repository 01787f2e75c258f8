import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatePrivateJwk, importSigningKey, type PrivateJwk } from '@countersign/httpsig'
import { importJWK, SignJWT } from 'jose'
import type { AuthServerOrder } from './auth-server-process.js'
import { bareOperations } from './bare-operations.js'
import { type Cast, cast, type Delegate, directGrant, issuer, populate, signedForm } from './direct-grants.js'
import type { Ed25519 } from './ed25519.js'
import { startFloor } from './floor.js'
import { type Load, load, type Ready } from './http-load.js'
import { measuredOf, median } from './measure.js'
import { type MeasuredProcess, measuredProcess } from './measured-process.js'
import type { OidcProviderOrder } from './oidc-provider-process.js'
import { type Bench, type Result, result } from './result.js'
import { at } from './signed-requests.js'
import { workerRows } from './workers.js'

const connections = 16
const operations = 512
const rounds = 7
/** Rounds before those that count: a server is measured as it runs, compiled, and not in its first second. */
const warmUp = 64

/** Makes a request for each delegate of those whose turn it is: none reaches its limit of live grants. */
function forEachDelegate<T>(all: readonly Delegate[], turn: number, make: (by: Delegate) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: operations }, (_, i) => make(at(all, turn * operations + i))))
}

/** A client_credentials request: an assertion and a DPoP proof, both fresh, as it demands. */
async function clientCredentials(jwk: PrivateJwk): Promise<Ready> {
  const key = await importJWK({ ...jwk }, 'EdDSA')
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'EdDSA', kid: 'k1' })
    .setIssuer('agent')
    .setSubject('agent')
    .setAudience(issuer)
    .setJti(crypto.randomUUID())
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(key)
  const { d, ...publicJwk } = jwk
  const proof = await new SignJWT({ htm: 'POST', htu: `${issuer}/token`, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'dpop+jwt', jwk: { ...publicJwk, alg: 'EdDSA' } })
    .setIssuedAt()
    .sign(key)
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'events.read',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }).toString()
  const headers = {
    host: 'auth.example',
    'x-forwarded-proto': 'https',
    dpop: proof,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length),
  }
  return { path: '/token', headers, body }
}

interface Servers {
  readonly few: MeasuredProcess
  /** Where libsodium signs and verifies, and not `node:crypto`. */
  readonly sodium: MeasuredProcess
  readonly many: MeasuredProcess
  readonly oidc: MeasuredProcess
  readonly floor: MeasuredProcess
}

interface Round {
  readonly few: Load
  readonly sodium: Load
  readonly many: Load
  readonly refresh: Load
  readonly refreshSodium: Load
  readonly refreshMany: Load
  readonly oidc: Load
  readonly floor: Load
  readonly bare: number
}

function refreshes(made: Cast, answers: ReadonlyArray<Record<string, unknown>>): Promise<Ready[]> {
  // An answer does not say whose it is, but its token does.
  const owner = (token: unknown): string => {
    const { agent_delegate } = JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString('utf8'))
    return String(agent_delegate)
  }
  return Promise.all(
    answers.map(answer => {
      const sub = owner(answer['auth_token'])
      const by = made.delegates.find(delegate => delegate.sub === sub)
      if (by === undefined) throw new RangeError('a token of nobody here')
      return signedForm(by, { request_type: 'refresh', refresh_token: String(answer['refresh_token']) })
    }),
  )
}

async function oneRound(made: Cast, client: PrivateJwk, servers: Servers, turned: number): Promise<Round> {
  const grants = (): Promise<Ready[]> =>
    forEachDelegate(made.delegates, turned, by => directGrant(by, made.resourceKey))
  const order =
    turned % 2 === 0
      ? (['few', 'sodium', 'many', 'oidc', 'floor'] as const)
      : (['floor', 'oidc', 'many', 'sodium', 'few'] as const)
  const taken = new Map<string, Load & { readonly answers: ReadonlyArray<Record<string, unknown>> }>()
  for (const name of order) {
    const ready =
      name === 'oidc' ? await forEachDelegate(made.delegates, turned, () => clientCredentials(client)) : await grants()
    taken.set(name, await load(servers[name], ready, connections))
  }
  const of = (name: keyof Servers) => measuredOf(taken, name)
  const refreshed = new Map<string, Load>()
  for (const name of turned % 2 === 0 ? (['few', 'sodium', 'many'] as const) : (['many', 'sodium', 'few'] as const)) {
    const ready = await refreshes(made, of(name).answers)
    refreshed.set(name, await load(servers[name], ready, connections))
  }
  const { verify, sign } = await bareOperations()
  return {
    few: of('few'),
    sodium: of('sodium'),
    many: of('many'),
    oidc: of('oidc'),
    floor: of('floor'),
    refresh: measuredOf(refreshed, 'few'),
    refreshSodium: measuredOf(refreshed, 'sodium'),
    refreshMany: measuredOf(refreshed, 'many'),
    bare: 2 * verify + sign,
  }
}

function rowsOf(measured: readonly Round[]): Result[] {
  const ratio = (of: (round: Round) => number): number => median(measured.map(of))
  const row = (id: string, value: number, budget: number | undefined, detail: string): Result =>
    result({ id, inFlight: connections, ratio: value, detail, ...(budget === undefined ? {} : { budget }) })
  const rate = (of: (round: Round) => number): string => `${ratio(of).toFixed(0)}/s here`
  const grants = (id: string, of: (round: Round) => Load, isGated: boolean): Result[] => [
    row(
      `${id}, time between two`,
      ratio(r => r.oidc.rate / of(r).rate),
      isGated ? 1 / 2 : undefined,
      `× oidc-provider; ${rate(r => of(r).rate)}, oidc-provider ${rate(r => r.oidc.rate)}`,
    ),
    row(
      `${id}, CPU`,
      ratio(r => of(r).cpu / r.bare),
      isGated ? 1.6 : undefined,
      `× two bare verifies and one sign; ${ratio(r => of(r).cpu).toFixed(0)} µs here, HTTP included`,
    ),
    row(
      `${id}, CPU beside`,
      ratio(r => of(r).cpu / r.oidc.cpu),
      isGated ? 0.5 : undefined,
      `× oidc-provider, ${ratio(r => r.oidc.cpu).toFixed(0)} µs`,
    ),
  ]
  return [
    ...grants('direct grant', r => r.few, true),
    ...grants('direct grant, libsodium', r => r.sodium, false),
    row(
      'floor of a direct grant, CPU',
      ratio(r => r.floor.cpu / r.bare),
      undefined,
      `likewise: a server that reads nothing of the request, verifies twice, signs once and writes one row; ${ratio(r => r.floor.cpu / r.oidc.cpu).toFixed(2)} × oidc-provider; ${rate(r => r.floor.rate)}`,
    ),
    row(
      'refresh, time between two',
      ratio(r => r.oidc.rate / r.refresh.rate),
      undefined,
      `× oidc-provider; ${rate(r => r.refresh.rate)}`,
    ),
    row(
      'refresh, CPU',
      ratio(r => r.refresh.cpu / r.bare),
      1.25,
      '× two bare verifies and one sign',
    ),
    row(
      'refresh, libsodium, CPU',
      ratio(r => r.refreshSodium.cpu / r.bare),
      undefined,
      'likewise',
    ),
    row(
      'oidc-provider, CPU',
      ratio(r => r.oidc.cpu / r.bare),
      undefined,
      '× two bare verifies and one sign',
    ),
    row(
      'at 10⁶ grants × at 10³, CPU',
      ratio(r => r.many.cpu / r.few.cpu),
      1.3,
      'direct grant',
    ),
    row(
      'at 10⁶ grants × at 10³, time between two',
      ratio(r => r.few.rate / r.many.rate),
      1.3,
      'direct grant',
    ),
    row(
      'refresh at 10⁶ grants × at 10³, CPU',
      ratio(r => r.refreshMany.cpu / r.refresh.cpu),
      1.3,
      'three of four grants by a user',
    ),
    row(
      'refresh at 10⁶ grants × at 10³, time between two',
      ratio(r => r.refresh.rate / r.refreshMany.rate),
      1.3,
      'three of four grants by a user',
    ),
  ]
}

/**
 * Direct grants and refreshes over loopback, each on the disk before it is answered, beside oidc-provider in memory:
 * client_credentials with private_key_jwt and DPoP, over as many connections in the same run.
 */
export const authServer: Bench = {
  name: 'auth-server',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
    const started: MeasuredProcess[] = []
    try {
      const made = await cast()
      const keys = { agent: made.agentKey.publicJwk, resource: made.resourceKey.publicJwk }
      const start = async <T extends object>(file: string, order: T): Promise<MeasuredProcess> => {
        const process = await measuredProcess(file, order)
        started.push(process)
        return process
      }
      const ours = async (name: string, count: number, ed25519: Ed25519 = 'node'): Promise<MeasuredProcess> => {
        const file = join(folder, name)
        const order = { database: `sqlite:${file}`, ...keys, ed25519 }
        const server = await start<AuthServerOrder>('./auth-server-process.js', order)
        populate(file, count)
        return server
      }
      const floor = await startFloor(join(folder, 'floor.db'), keys)
      started.push(floor)
      const client = await generatePrivateJwk()
      const { publicJwk } = await importSigningKey(client)
      const servers: Servers = {
        few: await ours('few.db', 1000),
        sodium: await ours('sodium.db', 1000, 'sodium'),
        many: await ours('many.db', 1_000_000),
        oidc: await start<OidcProviderOrder>('./oidc-provider-process.js', { client: publicJwk }),
        floor,
      }
      // A replay set that has just begun takes nothing signed before it.
      await new Promise(resolve => setTimeout(resolve, 1100))
      const measured: Round[] = []
      for (let turn = 0; turn < warmUp + rounds; turn++) measured.push(await oneRound(made, client, servers, turn))
      for (const process of started.splice(0)) await process.stop()
      return [...rowsOf(measured.slice(warmUp)), ...(await workerRows())]
    } finally {
      for (const process of started) await process.stop()
      rmSync(folder, { recursive: true })
    }
  },
}
