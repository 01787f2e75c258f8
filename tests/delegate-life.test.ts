import { type Agent, type AgentOptions, type AgentState, createAgent, delegate, memoryState } from '@countersign/agent'
import { type AgentServer, type AgentServerEvent, createAgentServer } from '@countersign/agent-server'
import { createDiscovery, type FetchedDocument } from '@countersign/discovery'
import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { errorResponse } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { createVerifier } from '@countersign/verify'
import { afterEach, describe, expect, test } from 'vitest'

// The agent of one package and the agent server of another, over a network in memory.

const home = 'https://agent.example'
const resource = 'https://api.example'

interface World {
  readonly server: AgentServer
  readonly clock: { time: number }
  readonly events: AgentServerEvent[]
  /** Answers of the agent server that are lost on their way, after it has acted. */
  lost: number
  agent(options: Partial<AgentOptions> & { readonly state: AgentState; readonly code?: string }): Agent
}

const servers: AgentServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function world(): Promise<World> {
  const clock = { time: 1_770_000_000 }
  const now = (): number => clock.time
  const events: AgentServerEvent[] = []
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  const server = await createAgentServer({
    id: home,
    keys,
    database: 'sqlite::memory:',
    now,
    onEvent: event => events.push(event),
  })
  servers.push(server)
  const discovery = createDiscovery({ fetcher: async url => documentOf(await server.handle(get(url))), now })
  const verifier = createVerifier({ receiver: resource, discovery, accept: ['agent+jwt'], now })
  const whoami = async (message: ReceivedMessage): Promise<Response> => {
    const { caller } = await verifier.verify(message)
    return caller.level === 'identified'
      ? Response.json({ delegate: caller.delegate, key: caller.key.thumbprint })
      : new Response(null, { status: 401, headers: { 'agent-auth': 'httpsig; identity=?1' } })
  }
  const own: World = {
    server,
    clock,
    events,
    lost: 0,
    agent: ({ code, ...options }) =>
      createAgent({
        identity: delegate({
          agentServer: home,
          ...(code === undefined ? {} : { enroll: { type: 'code', code } as const }),
        }),
        identifyTo: [resource],
        discovery,
        now,
        sleep: async seconds => {
          clock.time += seconds
        },
        random: () => 0,
        async fetch(input, init) {
          const message = received(String(input), init)
          if (String(input).startsWith(resource))
            return whoami(message).catch(error => errorResponse(error, { agentAuth: { identity: true }, now }))
          const response = await server.handle(message)
          if (own.lost === 0) return response
          own.lost -= 1
          throw new TypeError('fetch failed')
        },
        ...options,
      }),
  }
  return own
}

function received(address: string, init: RequestInit | undefined): ReceivedMessage {
  const url = new URL(address)
  const headers: Array<readonly [string, string]> = [['host', url.host], ...new Headers(init?.headers)]
  const body = init?.body instanceof Uint8Array ? { body: init.body } : {}
  return { method: init?.method ?? 'GET', target: url.pathname + url.search, headers, ...body }
}

const get = (url: string): ReceivedMessage => received(url, {})

async function documentOf(response: Response): Promise<FetchedDocument> {
  const contentType = response.headers.get('content-type') ?? ''
  return { status: response.status, contentType, body: new Uint8Array(await response.arrayBuffer()) }
}

async function whoami(agent: Agent): Promise<{ delegate: string; key: string }> {
  const response = await agent.fetch(`${resource}/whoami`)
  expect(response.status).toBe(200)
  return (await response.json()) as { delegate: string; key: string }
}

describe('a delegate through its life', () => {
  test(
    verifies('AGT-12', 'delegate.rotate', 'token.agent.sub', 'enrols, calls, rotates, loses its key, enrols again'),
    async () => {
      const own = await world()
      const state = memoryState()
      const first = await own.server.invite({ sub: 'laptop' })
      const agent = own.agent({ state, code: first.code })
      const keys = [await whoami(agent)]
      await agent.rotateKey()
      keys.push(await whoami(agent))
      own.clock.time += 7200
      keys.push(await whoami(own.agent({ state })))
      const second = await own.server.invite({ sub: 'laptop' })
      keys.push(await whoami(own.agent({ state: memoryState(), code: second.code })))
      expect(keys.map(facts => facts.delegate)).toEqual(['laptop', 'laptop', 'laptop', 'laptop'])
      expect(keys.map(facts => keys.findIndex(other => other.key === facts.key))).toEqual([0, 1, 1, 3])
      expect(own.events.map(event => event.type).filter(type => type !== 'invited')).toEqual([
        'enrolled',
        'rotated',
        'renewed',
        'enrolled',
      ])
    },
  )

  test(verifies('delegate.rotate.repeat', 'answers that are lost cost it nothing within the minute'), async () => {
    const own = await world()
    const state = memoryState()
    const { code } = await own.server.invite({ sub: 'laptop' })
    const agent = own.agent({ state, code })
    const before = await whoami(agent)
    own.lost = 3
    await agent.rotateKey()
    const after = await whoami(own.agent({ state }))
    expect(after).toMatchObject({ delegate: 'laptop' })
    expect(after.key).not.toBe(before.key)
    expect(own.events.filter(event => event.type === 'alarm')).toEqual([])
  })

  test(verifies('delegate.rotate.alarm', 'a copy of its state that rotated leaves the other one behind'), async () => {
    const own = await world()
    const state = memoryState()
    const { code } = await own.server.invite({ sub: 'laptop' })
    const agent = own.agent({ state, code })
    await agent.identify()
    // A thief with a copy of the state: the keys are shared, later writes are not.
    const record = await state.read(`delegate ${home}`)
    const copy = memoryState()
    await copy.write(`delegate ${home}`, record)
    const thief = own.agent({ state: { ...copy, ...(state.keys === undefined ? {} : { keys: state.keys }) } })
    await thief.identify()
    await agent.rotateKey()
    own.clock.time += 3700
    await expect(thief.identify()).rejects.toMatchObject({ code: 'denied' })
    expect(own.events.filter(event => event.type === 'alarm')).toMatchObject([
      { reason: 'replaced-key', sub: 'laptop' },
    ])
    expect(await whoami(agent)).toMatchObject({ delegate: 'laptop' })
  })

  test(verifies('delegate.renew.current-key', 'revoked, it says so, and works to the end of its token'), async () => {
    const own = await world()
    const { code } = await own.server.invite({ sub: 'laptop' })
    const agent = own.agent({ state: memoryState(), code })
    await agent.identify()
    await own.server.revoke('laptop')
    await expect(agent.rotateKey()).rejects.toMatchObject({ code: 'denied', cause: { error: 'invalid_agent_token' } })
    expect(await whoami(agent)).toMatchObject({ delegate: 'laptop' })
    own.clock.time += 3700
    expect((await agent.fetch(`${resource}/whoami`)).status).toBe(401)
  })
})
