import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgentServer, type AgentServerOptions, createAgentServer } from '@countersign/agent-server'
import {
  generateSigningKey,
  type ReceivedMessage,
  type SignatureKey,
  type SigningKey,
  signRequest,
} from '@countersign/httpsig'
import Database from 'libsql'
import { median } from './measure.js'
import { type Bench, type Result, result } from './result.js'

const host = 'agent.example'
const target = '/delegate/token'
const inFlight = 16
const operations = 512
const rounds = 9
/** Delegates with keys of their own, that renew; the rest are rows. */
const renewing = 64

export interface Delegate {
  readonly key: SigningKey
  readonly agentToken: string
}

/** One agent server with so many delegates in a SQLite file. */
export interface Stage {
  readonly server: AgentServer
  readonly delegates: readonly Delegate[]
}

async function post(key: SigningKey, signatureKey: SignatureKey, json?: object): Promise<ReceivedMessage> {
  const headers: Array<readonly [string, string]> = [['host', host]]
  const body = json === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(json)) }
  if (json !== undefined) headers.push(['content-type', 'application/json'])
  const added = await signRequest({
    method: 'POST',
    url: `https://${host}${target}`,
    headers,
    key,
    signatureKey,
    ...body,
  })
  return { method: 'POST', target, headers: [...headers, ...added], peer: '192.0.2.7', ...body }
}

/** An enrolment that has not been sent yet. */
async function enrolment(server: AgentServer, key: SigningKey): Promise<ReceivedMessage> {
  const { code } = await server.invite()
  return post(key, { scheme: 'hwk', jwk: key.publicJwk }, { enrollment: { type: 'code', code } })
}

async function issued(server: AgentServer, message: ReceivedMessage): Promise<string> {
  const response = await server.handle(message)
  const answer: unknown = await response.json()
  const token =
    answer !== null && typeof answer === 'object' && 'agent_token' in answer ? answer.agent_token : undefined
  if (response.status !== 200 || typeof token !== 'string')
    throw new Error('no agent token was issued', { cause: answer })
  return token
}

/** Adds rows as enrolment would, without a key for each: keys are never read, only compared. */
function populate(file: string, count: number): void {
  const database = new Database(file)
  database.exec(`insert into agent_server_delegates (sub, jkt, enrollment, created, last_seen)
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
    select lower(hex(randomblob(16))), substr(hex(randomblob(22)), 1, 43), 'code:' || n, 0, 0 from numbers`)
  database.close()
}

async function stage(folder: string, count: number): Promise<Stage> {
  const file = join(folder, `${count}.db`)
  return stageOn(`sqlite:${file}`, async () => populate(file, count - renewing))
}

/** Opens an agent server on a database, adds rows to it, and enrols the delegates that renew. */
export async function stageOn(
  database: string,
  more: () => Promise<void>,
  options: Partial<AgentServerOptions> = {},
): Promise<Stage> {
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  const server = await createAgentServer({ id: `https://${host}`, keys, database, ...options })
  await more()
  // A replay set that has just begun takes nothing signed before it.
  await new Promise(resolve => setTimeout(resolve, 1100))
  const delegates: Delegate[] = []
  for (let i = 0; i < renewing; i++) {
    const key = await generateSigningKey()
    delegates.push({ key, agentToken: await issued(server, await enrolment(server, key)) })
  }
  return { server, delegates }
}

/** A renewal for each delegate, several times. */
export function renewals({ delegates }: Stage): Promise<ReceivedMessage[]> {
  const one = ({ key, agentToken }: Delegate): Promise<ReceivedMessage> => post(key, { scheme: 'jwt', jwt: agentToken })
  return Promise.all(Array.from({ length: operations / renewing }, () => delegates.map(one)).flat())
}

async function enrolments({ server }: Stage): Promise<ReceivedMessage[]> {
  const made: ReceivedMessage[] = []
  for (let i = 0; i < operations; i++) made.push(await enrolment(server, await generateSigningKey()))
  return made
}

export interface Sample {
  /** Microseconds of CPU per request. */
  readonly cpu: number
  /** Requests per second. */
  readonly rate: number
  /** Milliseconds: the median of one request, and the 99th percentile. */
  readonly latency: number
  readonly slow: number
}

/** Sends requests, some at once, and measures what they cost in this process. */
export async function sample({ server }: Stage, messages: readonly ReceivedMessage[]): Promise<Sample> {
  const latencies: number[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let message = messages[next++]; message !== undefined; message = messages[next++]) {
      const start = performance.now()
      await issued(server, message)
      latencies.push(performance.now() - start)
    }
  }
  const cpu = process.cpuUsage()
  const wall = performance.now()
  await Promise.all(Array.from({ length: inFlight }, lane))
  const seconds = (performance.now() - wall) / 1000
  const used = process.cpuUsage(cpu)
  latencies.sort((a, b) => a - b)
  return {
    cpu: (used.user + used.system) / messages.length,
    rate: messages.length / seconds,
    latency: median(latencies),
    slow: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
  }
}

async function rows(
  what: 'renewal' | 'enrolment',
  [few, many]: readonly [Stage, Stage],
  prepare: (of: Stage) => Promise<ReceivedMessage[]>,
): Promise<Result[]> {
  const ratios = { cpu: [] as number[], rate: [] as number[], latency: [] as number[], slow: [] as number[] }
  for (let round = -1; round < rounds; round++) {
    const turns = round % 2 === 0 ? [few, many] : [many, few]
    const samples = new Map<Stage, Sample>()
    for (const of of turns) samples.set(of, await sample(of, await prepare(of)))
    const [base, full] = [samples.get(few), samples.get(many)]
    // The first round warms up.
    if (round < 0 || base === undefined || full === undefined) continue
    ratios.cpu.push(full.cpu / base.cpu)
    ratios.rate.push(base.rate / full.rate)
    ratios.latency.push(full.latency / base.latency)
    ratios.slow.push(full.slow / base.slow)
  }
  const row = (id: string, ratio: number, detail: string): Result =>
    result({ id: `${what}, ${id}`, inFlight, ratio, budget: 1.3, detail })
  return [
    row('CPU', median(ratios.cpu), 'at 10⁶ delegates × at 10³'),
    row('time between two issued', median(ratios.rate), 'at 10⁶ delegates × at 10³: the inverse of the rate'),
    row(
      'latency',
      median(ratios.latency),
      `at 10⁶ delegates × at 10³; 99th percentile ${median(ratios.slow).toFixed(2)}`,
    ),
  ]
}

/** What a delegate's token costs when its agent has a thousand delegates and when it has a million, in SQLite with `synchronous=FULL`. */
export const agentServer: Bench = {
  name: 'agent-server',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
    const stages: Stage[] = []
    try {
      const few = await stage(folder, 1000)
      stages.push(few)
      const many = await stage(folder, 1_000_000)
      stages.push(many)
      return [...(await rows('renewal', [few, many], renewals)), ...(await rows('enrolment', [few, many], enrolments))]
    } finally {
      for (const { server } of stages) await server.close()
      rmSync(folder, { recursive: true })
    }
  },
}
