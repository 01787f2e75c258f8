import { AgentError, callbackRoute, type View } from '@countersign/agent'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import {
  agentId,
  appCallback,
  type Browser,
  browser,
  type Chain,
  chainOf,
  hopId,
  serverId,
} from './hops.test.fixture.js'

const first = `${hopId(1)}/go`

async function urlOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof AgentError) || error.url === undefined) throw error ?? new Error('answered')
  return error.url
}

interface Visitor {
  readonly view: View
  readonly its: Browser
}

/** A user of an agent that they have let in at the first auth server. */
async function letIn(chain: Chain, user = 'ada', agent = chain.agent()): Promise<Visitor> {
  const view = agent.forUser(user)
  const its = browser(chain.net, user)
  const { app } = await its.open(await urlOf(view.fetch(first)))
  await view.handleCallback(app ?? '')
  its.trail.length = 0
  chain.net.sent.length = 0
  return { view, its }
}

/** Only the last auth server asks its users. */
async function lastAsks(length: number): Promise<Chain> {
  const chain = await chainOf(length)
  for (const { server } of chain.hops.slice(1, -1)) server.asks = false
  return chain
}

const exchanges = (chain: Chain, n: number): number =>
  (chain.hops[n - 1]?.server.forms ?? []).filter(form => form['request_type'] === 'exchange').length

describe('a question that bubbles up', () => {
  test.each([2, 3, 5])(
    verifies(
      'interaction.challenge',
      'interaction.code',
      'interaction.browser',
      'error.interaction-required',
      '%d resources: one URL, one return, one retry',
    ),
    async length => {
      const chain = await lastAsks(length)
      const { view, its } = await letIn(chain)
      const url = await urlOf(view.fetch(first))
      expect(url).toMatch(/^https:\/\/r1\.example\/aauth\/interact\?session=[\w-]{43}&return_url=https%3A/)
      const challenge = chain.hops[0]?.events.at(-1)
      expect(challenge).toMatchObject({ type: 'refused', error: { code: 'interaction_required', status: 401 } })
      const { app } = await its.open(url)
      // There over every hop, and back over every hop.
      const hosts = its.trail.map(step => `${new URL(step).host} ${new URL(step).pathname}`)
      const ids = Array.from({ length: length - 1 }, (_, n) => `r${n + 1}.example`)
      expect(hosts).toEqual([
        ...ids.map(id => `${id} /aauth/interact`),
        `as${length}.example /authorize`,
        ...ids.toReversed().map(id => `${id} /aauth/callback`),
      ])
      expect([...(app?.searchParams.keys() ?? [])]).toEqual(['interaction', 'state'])
      await view.handleCallback(app ?? '')
      chain.net.sent.length = 0
      const response = await view.fetch(first)
      expect(response.status).toBe(200)
      expect(chain.net.sent.filter(({ url }) => url.href === first)).toHaveLength(1)
      let answer = (await response.json()) as Record<string, unknown>
      for (let n = 1; n < length; n += 1) answer = answer['next'] as Record<string, unknown>
      const acts = Array.from({ length: length - 1 }, (_, n) => ({
        iss: serverId(length - 1 - n),
        agent: n === length - 2 ? agentId : hopId(length - 2 - n),
      }))
      expect(answer).toMatchObject({ at: hopId(length), agent: hopId(length - 1), chain: acts })
      expect(answer['user']).toMatchObject({ iss: serverId(length) })
    },
  )

  test('every auth server asks: as many questions as there are, and then none', async () => {
    const chain = await chainOf(4)
    const { view, its } = await letIn(chain)
    for (let n = 0; n < 3; n += 1) {
      const { app } = await its.open(await urlOf(view.fetch(first)))
      await view.handleCallback(app ?? '')
    }
    expect((await view.fetch(first)).status).toBe(200)
    expect(its.trail.filter(step => step.includes('/authorize'))).toHaveLength(3)
  })

  test(verifies('agent.interactions', 'calls that wait send their user along by themselves'), async () => {
    const chain = await chainOf(4)
    const its = browser(chain.net)
    const agent = chain.agent({
      sleep: (_, signal) => new Promise(resolve => signal?.addEventListener('abort', () => resolve())),
      interact: callbackRoute({
        redirectUri: appCallback,
        visit: async (url, { user = '' }) => {
          const { app } = await its.open(url)
          void agent.forUser(user).handleCallback(app ?? '')
        },
      }),
    })
    expect((await agent.forUser('ada').fetch(first)).status).toBe(200)
  })

  test('the user says no: the agent is told, and nothing was granted', async () => {
    const chain = await lastAsks(3)
    const { view, its } = await letIn(chain)
    const server = chain.hops[2]?.server
    if (server !== undefined) server.answer = 'refuses'
    const { app } = await its.open(await urlOf(view.fetch(first)))
    expect([...(app?.searchParams ?? [])].map(([name, value]) => (name === 'state' ? name : value))).toEqual([
      'access_denied',
      'state',
    ])
    await expect(view.handleCallback(app ?? '')).rejects.toMatchObject({ code: 'denied', message: 'the user said no' })
    expect(server?.forms.filter(form => form['request_type'] === 'code')).toEqual([])
    await urlOf(view.fetch(first))
    expect(chain.hops[2]?.seen).toEqual([])
  })

  test(verifies('participant.also-agent', 'each resource between is an agent with the same keys'), async () => {
    const chain = await chainOf(2, { downstream: { name: 'Calendar', redirectUris: ['https://r1.example/signed-in'] } })
    const documents = await Promise.all(
      ['aauth-agent', 'aauth-resource'].map(async name =>
        (await chain.net.fetch(`${hopId(1)}/.well-known/${name}`)).json(),
      ),
    )
    expect(documents).toMatchObject([
      {
        issuer: hopId(1),
        agent: hopId(1),
        jwks_uri: `${hopId(1)}/.well-known/jwks.json`,
        redirect_uris: [`${hopId(1)}/aauth/callback`, 'https://r1.example/signed-in'],
        name: 'Calendar',
      },
      { issuer: hopId(1), resource: hopId(1), jwks_uri: `${hopId(1)}/.well-known/jwks.json` },
    ])
    expect(documents[1].additional_signature_components).toEqual(['agent-interaction'])
    // The last one calls no other service.
    expect((await chain.net.fetch(`${hopId(2)}/.well-known/aauth-agent`)).status).toBe(404)
  })
})

describe('what was exchanged', () => {
  test(verifies('EXC-30', 'is kept for one upstream token, and asked for once by many calls'), async () => {
    const chain = await chainOf(2)
    const server = chain.hops[1]?.server
    if (server !== undefined) server.asks = false
    const { view } = await letIn(chain)
    const all = await Promise.all([view.fetch(first), view.fetch(first), view.fetch(first)])
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(exchanges(chain, 2)).toBe(1)
    await view.fetch(first)
    expect(exchanges(chain, 2)).toBe(1)
    // Another user, and the same user under another token, are exchanged for themselves.
    const bob = await letIn(chain, 'bob')
    expect(((await (await bob.view.fetch(first)).json()) as { next: { user: { sub: string } } }).next.user.sub).toBe(
      'bob@as2.example',
    )
    expect(exchanges(chain, 2)).toBe(2)
    chain.net.clock.now += 650
    const again = await letIn(chain, 'ada', chain.agent())
    expect((await again.view.fetch(first)).status).toBe(200)
    expect(exchanges(chain, 2)).toBe(3)
  })

  test(verifies('exchange.cached', 'two tokens of one user share nothing; one token is exchanged once'), async () => {
    const chain = await chainOf(2)
    const [one, two] = chain.hops
    if (one === undefined || two === undefined) throw new Error('no hops')
    two.server.asks = false
    const claims = { aud: one.id, agent: agentId, cnf: { jwk: chain.agentKey.publicJwk }, scope: 'go', sub: 'ada' }
    const tokens = [await one.server.mint(claims), await one.server.mint(claims)]
    for (const jwt of [...tokens, ...tokens])
      expect((await chain.call({ signatureKey: { scheme: 'jwt', jwt } })).status).toBe(200)
    expect(two.server.forms.map(form => form['upstream_token'])).toEqual(tokens)
    await chain.call({ claims: { purpose: 'A trip' } })
    await chain.call({ claims: { purpose: 'x'.repeat(1025) } })
    expect(two.server.forms.splice(2).map(form => form['purpose'])).toEqual(['A trip', undefined])
    // Forms of another kind than these are not sent, and none asks for a refresh.
    expect(new Set(two.server.forms.flatMap(form => Object.keys(form)))).toEqual(
      new Set(['request_type', 'upstream_token', 'redirect_uri', 'state', 'resource_token']),
    )
  })

  test('a token that the next resource refused is exchanged again, twice at most', async () => {
    const chain = await chainOf(2)
    const [, two] = chain.hops
    if (two === undefined) throw new Error('no hop')
    two.server.asks = false
    const served = chain.net.hosts.get(two.id)
    let refusals = 1
    chain.net.hosts.set(two.id, request => {
      const isAuthorized = request.headers.get('signature-key')?.includes('=jwt') === true
      if (!isAuthorized || refusals === 0) return served?.(request) ?? new Response()
      refusals -= 1
      return Response.json(
        { error: 'invalid_auth_token' },
        { status: 401, headers: { 'agent-auth': 'httpsig; identity=?1' } },
      )
    })
    expect((await chain.call()).status).toBe(200)
    refusals = 9
    expect((await chain.call({ claims: { sub: 'bob' } })).status).toBe(502)
    expect(exchanges(chain, 2)).toBe(4)
  })

  test('ends with its upstream token, and is exchanged anew for the next', async () => {
    const chain = await chainOf(2)
    const { view, its } = await letIn(chain)
    const { app } = await its.open(await urlOf(view.fetch(first)))
    await view.handleCallback(app ?? '')
    expect((await view.fetch(first)).status).toBe(200)
    chain.net.clock.now += 700
    const next = await letIn(chain)
    expect((await next.view.fetch(first)).status).toBe(200)
    expect(next.its.trail).toEqual([])
  })
})
