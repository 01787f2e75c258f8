import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { guard, wellKnown } from '../adapter/hono.js'
import { type Chain, chainOf, hopId, serverId } from '../hops.test.fixture.js'
import type { OAuthApi, OAuthOwner, OAuthTokens } from '../oauth/oauth.js'

const apiOrigin = 'https://files.example'

interface Sent {
  readonly url: string
  readonly method: string
  readonly authorization: string | null
  readonly body: string
}

interface Place {
  readonly chain: Chain
  /** What the API was sent. */
  readonly sent: Sent[]
  /** Whose tokens were asked for. */
  readonly owners: OAuthOwner[]
  /** What there is for a user: absent, they must be asked. */
  readonly kept: Map<string, string>
  /** What the API answers. */
  api: (request: Request) => Response
  /** What the handler does with `aauth.oauth`. */
  task: { url: string; init?: RequestInit; api: OAuthApi }
  renew: () => Promise<string | undefined>
}

const files: OAuthApi = {
  id: 'files',
  issuer: 'https://accounts.example',
  origins: [apiOrigin],
  begin: () => Promise.reject(new AAuthError('temporarily_unavailable', 'away', { reason: 'dependency_unavailable' })),
  finish: () => Promise.reject(new Error('no browser comes back here')),
  refresh: async () => undefined,
  revoke: async () => undefined,
}

async function place(): Promise<Place> {
  const kept = new Map([['ada', 'token-1']])
  const owners: OAuthOwner[] = []
  const tokens: OAuthTokens = {
    async accessToken(_, owner) {
      owners.push(owner)
      return kept.get(owner.user.sub)
    },
    renew: () => made.renew(),
    keep: async () => undefined,
    forget: async () => undefined,
    close: async () => undefined,
  }
  const chain = await chainOf(2, { downstream: { oauth: { apis: [files], tokens } } })
  const made: Place = {
    chain,
    owners,
    kept,
    sent: [],
    api: () => Response.json({ files: 1 }),
    task: { url: `${apiOrigin}/files`, api: files },
    renew: async () => undefined,
  }
  chain.net.hosts.set(apiOrigin, async request => {
    const { url, method, headers } = request
    made.sent.push({ url, method, authorization: headers.get('authorization'), body: await request.text() })
    return made.api(request)
  })
  const { resource } = chain.hops[0] ?? {}
  if (resource === undefined) throw new Error('no hop')
  const app = new Hono()
  app.use(wellKnown(resource))
  app.all('/go', guard(resource, { scope: 'go' }), async c => {
    const { url, init, api } = made.task
    const response = await c.var.aauth.oauth(api, url, init)
    return c.json({ status: response.status, location: response.headers.get('location') })
  })
  app.onError((error, c) => c.text(error.message, error instanceof TypeError ? 500 : (599 as 500)))
  chain.net.hosts.set(hopId(1), request => app.fetch(request))
  return made
}

test(
  verifies(
    'exchange.oauth',
    'a call goes out with the token of the request’s user, agent and delegate, whatever it said before',
  ),
  async () => {
    const made = await place()
    made.task = { ...made.task, init: { method: 'PUT', body: 'a file', headers: { authorization: 'Bearer mine' } } }
    expect(await (await made.chain.call()).json()).toEqual({ status: 200, location: null })
    expect(made.sent).toEqual([
      { url: `${apiOrigin}/files`, method: 'PUT', authorization: 'Bearer token-1', body: 'a file' },
    ])
    expect(made.owners).toEqual([{ user: { iss: serverId(1), sub: 'ada' }, agent: 'https://agent.example' }])
    await made.chain.call({ claims: { agent_delegate: 'phone' } })
    expect(made.owners.at(-1)).toMatchObject({ delegate: 'phone' })
  },
)

test(
  verifies('exchange.oauth', 'a token without a user has no account elsewhere: 403, and nothing is asked'),
  async () => {
    const made = await place()
    const refused = await made.chain.call({ claims: { sub: undefined } })
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { error: 'access_denied', reason: 'user_mismatched' },
    ])
    expect(refused.headers.get('agent-auth')).toBeNull()
    expect([made.owners, made.sent]).toEqual([[], []])
    expect((await made.chain.call()).status).toBe(200)
  },
)

test('a token goes to the origins of its API only, and to no other API', async () => {
  const made = await place()
  const { task } = made
  for (const wrong of [
    { ...task, url: 'https://evil.example/files' },
    { ...task, url: 'https://files.example@evil.example/' },
    { ...task, url: 'https://files.example.evil.example/' },
    { ...task, url: 'http://files.example/' },
    { ...task, url: 'https://files.example:8443/' },
    { ...task, api: { ...files, id: 'mail' } },
  ]) {
    made.task = wrong
    expect((await made.chain.call()).status, wrong.url).toBe(500)
  }
  expect(made.sent).toEqual([])
  made.task = task
  expect((await made.chain.call()).status).toBe(200)
})

test('a redirect is the handler’s to look at: the token follows none', async () => {
  const made = await place()
  made.api = () => new Response(null, { status: 302, headers: { location: 'https://evil.example/' } })
  expect(await (await made.chain.call()).json()).toEqual({ status: 302, location: 'https://evil.example/' })
  expect(made.sent).toHaveLength(1)
})

test('a token that the API refuses is renewed once, and the same request sent again', async () => {
  const made = await place()
  made.task = { ...made.task, init: { method: 'POST', body: 'once more' } }
  made.api = request =>
    new Response(null, { status: request.headers.get('authorization') === 'Bearer token-2' ? 200 : 401 })
  made.renew = async () => 'token-2'
  expect(await (await made.chain.call()).json()).toMatchObject({ status: 200 })
  expect(made.sent.map(({ authorization, body }) => [authorization, body])).toEqual([
    ['Bearer token-1', 'once more'],
    ['Bearer token-2', 'once more'],
  ])
  made.api = () => new Response(null, { status: 401 })
  expect(await (await made.chain.call()).json()).toMatchObject({ status: 401 })
  expect(made.sent).toHaveLength(4)
})

test(verifies('exchange.answers', 'an unavailable API, provider or sign-in is 503, and later calls work'), async () => {
  const made = await place()
  const host = made.chain.net.hosts.get(apiOrigin)
  made.chain.net.hosts.delete(apiOrigin)
  const away = await made.chain.call()
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5'])
  if (host !== undefined) made.chain.net.hosts.set(apiOrigin, host)
  made.renew = () =>
    Promise.reject(
      new AAuthError('temporarily_unavailable', 'away', { reason: 'dependency_unavailable', retryAfter: 5 }),
    )
  made.api = () => new Response(null, { status: 401 })
  expect((await made.chain.call()).status).toBe(503)
  made.kept.delete('ada')
  const issuer = made.chain.net.hosts.get(serverId(1))
  made.chain.net.hosts.set(serverId(1), request =>
    request.method === 'POST' ? new Response(null, { status: 500 }) : (issuer?.(request) ?? new Response()),
  )
  expect((await made.chain.call()).status).toBe(503)
  made.kept.set('ada', 'token-1')
  made.api = () => Response.json({})
  expect((await made.chain.call()).status).toBe(200)
})
