import { type Agent, type AgentOptions, createAgent } from './agent.js'
import { agentServer, delegate } from './identity/identity.js'
import { auth, home, type World } from './participants.test.fixture.js'

/** An agent in a world, by its own published key unless `options` say otherwise. */
export function agentIn(world: World, options: Partial<AgentOptions> = {}): Agent {
  return createAgent({
    identity: agentServer({ id: home, kid: 'k1', key: world.agentKey }),
    acceptAuthServer: [auth],
    identifyTo: 'any',
    fetch: world.network.fetch,
    fetcher: world.network.fetcher,
    now: world.clock.now,
    sleep: async () => undefined,
    random: () => 0,
    ...options,
  })
}

/** An agent that was told no auth server it may ask. */
export function agentWithoutAuthServers(world: World): Agent {
  const { fetch, fetcher } = world.network
  const identity = agentServer({ id: home, kid: 'k1', key: world.agentKey })
  return createAgent({ identity, identifyTo: 'any', fetch, fetcher, now: world.clock.now })
}

/** A delegate of the world's agent server. */
export function delegateIn(world: World, options: Partial<AgentOptions> & { code?: string } = {}): Agent {
  const { code = 'first', ...rest } = options
  return agentIn(world, { identity: delegate({ agentServer: home, enroll: { type: 'code', code } }), ...rest })
}

/** Requests that reached an origin, as `METHOD target`, in order. */
export function calls(world: World, origin: string): string[] {
  return world.network.sent.filter(e => e.origin === origin).map(e => `${e.method} ${e.target}`)
}

/** The scheme with which each request to an origin was signed; `none` for an unsigned one. */
export function schemes(world: World, origin: string): string[] {
  return world.network.sent
    .filter(exchange => exchange.origin === origin)
    .map(exchange => /^sig=([a-z_]+);/.exec(exchange.header('signature-key') ?? '')?.[1] ?? 'none')
}

/** A refusal as a resource answers it; `agentAuth` is its challenge. */
export function refusal(
  status: number,
  agentAuth: string | undefined,
  error: string,
  more: Readonly<Record<string, string>> = {},
): Response {
  const challenge = agentAuth === undefined ? {} : { 'agent-auth': agentAuth }
  return Response.json({ error, error_description: 'no' }, { status, headers: { ...challenge, ...more } })
}
