import { createAgent, agentServer as itself, memoryState } from '@countersign/agent'
import { createAgentServer, type PublishedAgent } from '@countersign/agent-server'
import { createAuthServer, directGrants } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { fromRequest, generateSigningKey, memoryReplaySet, type ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { createResource, memoryRevocationSet } from '@countersign/resource'
import { startedClock } from '@countersign/testing/world/started-clock'
import { expect, test } from 'vitest'

// An agent that keeps its keys nowhere, beside an auth server and a resource that remember it; no sockets.

const agentId = 'https://blog.example'
const authId = 'https://auth.example'
const resourceId = 'https://calendar.example'

type Handle = (message: ReceivedMessage) => Promise<Response>

/** The two that outlive the agent, and the web they all meet in. */
async function world() {
  const clock = { now: 1_800_000_000 }
  const now = (): number => clock.now
  const web = new Map<string, Handle>()
  const handle = async (request: Request): Promise<Response> => {
    const server = web.get(new URL(request.url).origin)
    if (server === undefined) throw new TypeError('no server is there')
    return server(await fromRequest(request, { bodyLimit: 65_536 }))
  }
  const fetcher = async (url: string) => {
    const response = await handle(new Request(url))
    const body = new Uint8Array(await response.arrayBuffer())
    const contentType = response.headers.get('content-type') ?? ''
    return { status: response.status, contentType, body }
  }
  // Up for long: a set that just began refuses what may have been signed before it.
  const started = [now() - 1000]
  const replay = memoryReplaySet({ now: () => started.pop() ?? now() })
  const common = { discovery: createDiscovery({ fetcher, now }), now, replay }
  const asked: string[] = []
  const auth = await createAuthServer({
    issuer: authId,
    keys: [{ kid: 'a1', key: await generateSigningKey() }],
    database: 'sqlite::memory:',
    policy: directGrants([{ agent: agentId, resource: resourceId, scopes: ['events.read'] }]),
    ...common,
  })
  web.set(authId, message => {
    if (message.method === 'POST')
      asked.push(new URLSearchParams(new TextDecoder().decode(message.body)).get('request_type') ?? '')
    return auth.handle(message)
  })
  const calendar = createResource({
    id: resourceId,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    authServers: [authId],
    scopes: { 'events.read': 'See your events' },
    revocations: memoryRevocationSet({ now: startedClock(common.now) }),
    ...common,
  })
  const events = calendar.declare({ scope: 'events.read' })
  web.set(resourceId, async message => {
    const published = await calendar.handle(message)
    if (published !== undefined) return published
    const authorization = await calendar.authorize(message, events)
    return authorization.ok ? Response.json({ agent: authorization.aauth.agent }) : authorization.response
  })
  return { clock, now, web, handle, fetcher, asked }
}

test(
  verifies(
    'F-48',
    'refresh.not-bound-to-key',
    'discovery.publish-ahead',
    'an agent whose keys end with its process goes on with its refresh token',
  ),
  async () => {
    const { clock, now, web, handle, fetcher, asked } = await world()
    const state = memoryState()
    /** One run of the process: new keys, and only its saved state from before. */
    const start = async (): Promise<{ server: PublishedAgent; events: () => Promise<Response> }> => {
      const server = await createAgentServer({ id: agentId, now })
      web.set(agentId, server.handle)
      const agent = createAgent({
        identity: itself({ id: agentId, key: server.signingKey }),
        state,
        acceptAuthServer: [authId],
        identifyTo: [resourceId],
        fetch: (input, init) => handle(new Request(input, init)),
        fetcher,
        now,
      })
      return { server, events: () => agent.fetch(`${resourceId}/events`) }
    }

    const before = await start()
    expect(await (await before.events()).json()).toEqual({ agent: agentId })
    expect(asked).toEqual(['auth'])
    const old = await before.server.signingKey()

    clock.now += 60
    const after = await start()
    const fresh = await after.server.signingKey()
    expect(fresh.kid).not.toBe(old.kid)
    // The auth server and the calendar hold the set of before, and the agent nothing but a refresh token.
    expect(await (await after.events()).json()).toEqual({ agent: agentId })
    expect(asked).toEqual(['auth', 'refresh'])

    // The old key is worthless now, also to a thief.
    const stolen = createAgent({
      identity: itself({ id: agentId, key: async () => old }),
      state,
      acceptAuthServer: [authId],
      identifyTo: [resourceId],
      fetch: (input, init) => handle(new Request(input, init)),
      fetcher,
      now,
      sleep: async seconds => {
        clock.now += seconds
      },
    })
    clock.now += 1200
    expect((await stolen.fetch(`${resourceId}/events`)).status).toBe(401)
    expect(await (await after.events()).json()).toEqual({ agent: agentId })
  },
)
