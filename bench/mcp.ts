import { setTimeout as sleep } from 'node:timers/promises'
import { generateSigningKey, type SigningKey, signRequest } from '@countersign/httpsig'
import { signToken } from '@countersign/protocol'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { renewedToken } from './authorized-requests.js'
import type { McpOrder } from './mcp-process.js'
import { median } from './measure.js'
import { type MeasuredProcess, measuredProcess } from './measured-process.js'
import { type Bench, type Result, result } from './result.js'

const issuer = 'https://auth.example'
const audience = 'https://calendar.example'
const kinds = ['bare', 'aauth', 'bearer'] as const
const calls = 512
/** Servers of each kind: of the same code each process is compiled in another way, up to a tenth faster or slower. */
const copies = 3
const rounds = 6 * copies
// The servers are measured as they run for long: until then their code is compiled better with each call.
const warmUp = { 16: 20 * copies, 1: copies } as const

type Kind = (typeof kinds)[number]
type Fetch = typeof fetch

/** One token for all calls, and a signature for each where the server wants one. */
async function fetchers(issuerKey: SigningKey): Promise<Record<Kind, Fetch>> {
  const key = await generateSigningKey()
  const claims = {
    iss: issuer,
    aud: audience,
    agent: 'https://agent.example',
    agent_delegate: 'laptop-7f3a',
    cnf: { jwk: key.publicJwk },
    sub: '2b1d7c3e',
    scope: 'events.read',
    jti: 'bench',
  }
  const tokenNow = renewedToken(times =>
    signToken({ typ: 'auth+jwt', key: issuerKey, kid: 'k1', claims: { ...claims, ...times } }),
  )
  return {
    bare: fetch,
    async bearer(input, init) {
      const headers = new Headers(init?.headers)
      headers.set('authorization', `Bearer ${await tokenNow()}`)
      return fetch(input, { ...init, headers })
    },
    async aauth(input, init = {}) {
      const { pathname, host } = new URL(String(input))
      const sent: Array<[string, string]> = [...new Headers(init.headers)]
      const body = typeof init.body === 'string' ? { body: new TextEncoder().encode(init.body) } : {}
      const added = await signRequest({
        method: init.method ?? 'GET',
        url: `${audience}${pathname}`,
        headers: sent,
        ...body,
        key,
        signatureKey: { scheme: 'jwt', jwt: await tokenNow() },
        additionalComponents: ['mcp-protocol-version', 'mcp-method', 'mcp-name'],
      })
      const headers = [['host', new URL(audience).host], ...sent, ...added].map(
        ([a = '', b = '']): [string, string] => [a, b],
      )
      return fetch(`http://${host}${pathname}`, { ...init, headers })
    },
  }
}

async function connected(server: MeasuredProcess, by: Fetch): Promise<Client> {
  const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${server.port}/mcp`), { fetch: by })
  const client = new Client({ name: 'bench', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(transport)
  return client
}

interface Measured {
  readonly cpu: number
  readonly rate: number
}

async function measured(server: MeasuredProcess, client: Client, inFlight: number): Promise<Measured> {
  let left = calls
  const lane = async (): Promise<void> => {
    while (left-- > 0) await client.callTool({ name: 'now' })
  }
  const cpu = await server.cpu()
  const start = performance.now()
  await Promise.all(Array.from({ length: inFlight }, lane))
  const seconds = (performance.now() - start) / 1000
  return { cpu: ((await server.cpu()) - cpu) / calls, rate: calls / seconds }
}

function rowsOf(all: ReadonlyArray<Record<Kind, Measured>>, inFlight: number): Result[] {
  const of = (kind: Kind, what: keyof Measured): number => median(all.map(round => round[kind][what]))
  const ratio = (kind: Kind): number => median(all.map(round => round[kind].rate / round.bare.rate))
  const detail = (kind: Kind): string =>
    `${of(kind, 'rate').toFixed(0)} calls/s, ${of(kind, 'cpu').toFixed(0)} µs of the server's CPU`
  const cpu = median(all.map(round => round.aauth.cpu / round.bearer.cpu))
  const beside = `bare ${detail('bare')}`
  return [
    result({
      id: 'calls with AAuth',
      inFlight,
      ratio: ratio('aauth'),
      detail: `calls/s × the SDK bare; ${detail('aauth')}; ${beside}`,
    }),
    result({
      id: 'CPU of a call with AAuth',
      inFlight,
      ratio: cpu,
      // Gated where the machine is busy; alone it is reported.
      ...(inFlight > 1 ? { budget: 1.45 } : {}),
      detail: 'server CPU × that of a call with a bearer token, by the SDK’s own check of a JWT',
    }),
    result({
      id: 'calls with a bearer token',
      inFlight,
      ratio: ratio('bearer'),
      detail: `calls/s × the SDK bare, by its own check of a JWT; ${detail('bearer')}`,
    }),
  ]
}

/** Calls of a tool through the SDK's client and server: bare, behind the guard and signed, and with the SDK's check of a bearer token. */
export const mcp: Bench = {
  name: 'mcp',
  async run() {
    const issuerKey = await generateSigningKey()
    const by = await fetchers(issuerKey)
    const servers: Array<{ readonly kind: Kind; readonly process: MeasuredProcess; readonly client: Client }> = []
    try {
      for (let copy = 0; copy < copies; copy++)
        for (const kind of kinds) {
          const order = { kind, issuer, issuerKey: issuerKey.publicJwk, audience }
          const process = await measuredProcess<McpOrder>('./mcp-process.js', order)
          // In the second of its start the guard cannot tell what was sent before it.
          await sleep(1000)
          servers.push({ kind, process, client: await connected(process, by[kind]) })
        }
      const rows: Result[] = []
      for (const inFlight of [16, 1] as const) {
        const all: Array<Record<Kind, Measured>> = []
        for (let turn = 0; turn < warmUp[inFlight] + rounds; turn++) {
          const round: Partial<Record<Kind, Measured>> = {}
          const first = (turn % copies) * kinds.length
          const these = servers.slice(first, first + kinds.length)
          for (const { kind, process, client } of turn % 2 === 0 ? these : these.toReversed())
            round[kind] = await measured(process, client, inFlight)
          all.push(round as Record<Kind, Measured>)
        }
        rows.push(...rowsOf(all.slice(warmUp[inFlight]), inFlight))
      }
      return rows
    } finally {
      for (const { process, client } of servers) {
        await client.close()
        await process.stop()
      }
    }
  },
}
