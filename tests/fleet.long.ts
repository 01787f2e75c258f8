import { type Agent, createAgent, delegate } from '@countersign/agent'
import { type AgentServer, type AgentServerEvent, createAgentServer } from '@countersign/agent-server'
import { createAuthServer, directGrants } from '@countersign/auth-server'
import { createDiscovery, type Discovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { calendar, calendarScopes, calendarWords } from '@countersign/playground'
import type { PublishedKey } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { createResource } from '@countersign/resource'
import { type Participant, type Running, serve } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Many delegates with keys of their own, at real servers on this machine, all replacing their keys while they call.

const size = 2000
/** Delegates at work at one time, each with several requests under way. */
const atOnce = 200

interface Place {
  readonly id: string
  readonly port: number
  readonly keys: readonly PublishedKey[]
}

let home: Place
let auth: Place
let api: Place
let agentServer: AgentServer
let discovery: Discovery
const running: Running[] = []
const events: AgentServerEvent[] = []

async function place(): Promise<Place> {
  const port = await freePort()
  return { id: `http://localhost:${port}`, port, keys: [{ kid: 'k1', key: await generateSigningKey() }] }
}

async function start(name: string, { id, port }: Place, participant: Participant): Promise<void> {
  const quiet = { level: 'error', announce: () => undefined, signals: false } as const
  // A connection that the server closes just when a request is sent on it would cost a plain fetch that request, too.
  const limits = { keepAliveTimeout: 300 }
  running.push(await serve({ name, id, port, participant, development: true, limits, ...quiet }))
}

beforeAll(async () => {
  home = await place()
  auth = await place()
  api = await place()
  discovery = createDiscovery({ development: true })
  const shared = { development: true, database: 'sqlite::memory:' } as const
  const onEvent = (event: AgentServerEvent): void => void events.push(event)
  agentServer = await createAgentServer({ id: home.id, keys: home.keys, ...shared, onEvent })
  const grant = { agent: home.id, delegates: 'any', resource: api.id, scopes: ['events.read'] } as const
  const policy = directGrants([grant])
  const authServer = await createAuthServer({ issuer: auth.id, keys: auth.keys, policy, ...shared })
  const resource = createResource({
    id: api.id,
    keys: api.keys,
    authServers: [auth.id],
    scopes: calendarScopes,
    ...calendarWords,
    discovery,
    development: true,
    // All are of one agent, whose share is not tested here.
    resourceTokenLimit: '1000000/min',
  })
  const app = calendar(resource, [], { rooms: 'http://localhost:1' })
  await start('agent-server', home, agentServer)
  await start('auth-server', auth, authServer)
  await start('calendar', api, {
    handle: async message => {
      const { method, target, headers } = message
      const request = new Request(api.id + target, { method, headers: headers.map(([name, value]) => [name, value]) })
      return app.fetch(request, { received: message })
    },
  })
})
afterAll(() => Promise.all(running.map(server => server.close())))

function member(code: string): Agent {
  return createAgent({
    identity: delegate({ agentServer: home.id, enroll: { type: 'code', code } }),
    identifyTo: [api.id],
    acceptAuthServer: [auth.id],
    discovery,
    development: true,
  })
}

interface Facts {
  readonly delegate: string
  readonly key: string
}

/** One delegate's work: calls before, while and after its key is replaced. */
async function work(agent: Agent, lost: string[]): Promise<{ before: Facts; after: Facts }> {
  const call = async (path: string): Promise<Response> => {
    const response = await agent.fetch(api.id + path)
    if (response.status !== 200) lost.push(`${path} ${response.status}`)
    return response
  }
  await call('/events')
  const before = (await (await call('/whoami')).json()) as Facts
  const early = ['/events', '/agenda'].map(call)
  await Promise.all([...early, agent.rotateKey(), call('/events')])
  const after = (await (await call('/whoami')).json()) as Facts
  return { before, after }
}

test(
  verifies('delegate.rotate', 'token.agent.sub', 'refresh.not-bound-to-key', `${size} delegates call and rotate`),
  async () => {
    const lost: string[] = []
    const facts: Array<{ before: Facts; after: Facts }> = []
    let started = 0
    const turn = async (): Promise<void> => {
      while (started < size) {
        const { code } = await agentServer.invite({ sub: `member-${++started}` })
        facts.push(await work(member(code), lost))
      }
    }
    await Promise.all(Array.from({ length: atOnce }, turn))
    expect(lost).toEqual([])
    expect(new Set(facts.map(({ before }) => before.delegate)).size).toBe(size)
    expect(facts.filter(({ before, after }) => before.delegate !== after.delegate)).toEqual([])
    expect(new Set(facts.flatMap(({ before, after }) => [before.key, after.key])).size).toBe(2 * size)
    const count = (type: string): number => events.filter(event => event.type === type).length
    expect([count('enrolled'), count('rotated'), count('alarm')]).toEqual([size, size, 0])
  },
)
