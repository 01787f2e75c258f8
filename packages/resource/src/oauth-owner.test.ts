import { verifies } from '@countersign/requirements'
import { Hono } from 'hono'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { guard } from './adapter/hono.js'
import { appCallback, browser, type Call, type Chain, chainOf, hopId, serverId } from './hops.test.fixture.js'
import type { OAuthApi, OAuthTokens } from './oauth/oauth.js'
import { oauthTokens } from './oauth/oauth-tokens.js'

const accounts = 'https://accounts.example'
const filesApi = 'https://files.example'

interface Place {
  readonly chain: Chain
  readonly api: OAuthApi
  /** What the API was asked, and as whom. */
  readonly asked: Array<{ readonly path: string; readonly authorization: string | null; readonly account: string }>
  call(request?: Call): Promise<Response>
  /** The URL at which the caller's user is to be asked, with what an agent adds. */
  page(claims?: Call['claims']): Promise<string>
}

let open: OAuthTokens | undefined
afterEach(async () => {
  await open?.close()
  open = undefined
})

/** A resource that calls files for its users: the account there is who sits at the browser. */
async function place(o: { readonly deadline?: number; readonly begin?: OAuthApi['begin'] } = {}): Promise<Place> {
  let clock = () => 1_800_000_000
  open = await oauthTokens({
    database: 'sqlite::memory:',
    encryptionKeys: [new Uint8Array(32).fill(1)],
    now: () => clock(),
  })
  const api: OAuthApi = {
    id: 'files',
    issuer: accounts,
    origins: [filesApi],
    begin: async ({ redirectUri: redirect_uri, state }) => ({
      url: `${accounts}/authorize?${new URLSearchParams({ redirect_uri, state })}`,
      saved: { code_verifier: 'verifier' },
    }),
    finish: async ({ url }) => ({ access_token: `of-${new URL(url).searchParams.get('code')}`, expires_in: 600 }),
    refresh: async () => undefined,
    revoke: async () => undefined,
  }
  const { deadline, ...more } = o
  const oauth = { apis: [{ ...api, ...more }], tokens: open }
  const chain = await chainOf(2, { downstream: { oauth, ...(deadline === undefined ? {} : { deadline }) } })
  clock = () => chain.net.clock.now
  const asked: Place['asked'] = []
  chain.net.hosts.set(accounts, request => {
    const { searchParams } = new URL(request.url)
    const [to, state] = [searchParams.get('redirect_uri') ?? '', searchParams.get('state') ?? '']
    const back = new URLSearchParams({ code: request.headers.get('x-test-user') ?? '', state })
    return new Response(null, { status: 303, headers: { location: `${to}?${back}` } })
  })
  chain.net.hosts.set(filesApi, request => {
    const authorization = request.headers.get('authorization')
    const account = /^Bearer of-(.+)$/.exec(authorization ?? '')?.[1] ?? ''
    asked.push({ path: new URL(request.url).pathname, authorization, account })
    return Response.json({ account }, { status: account === '' ? 401 : 200 })
  })
  const [hop] = chain.hops
  const before = chain.net.hosts.get(hopId(1))
  if (hop === undefined || before === undefined) throw new Error('no hop')
  const app = new Hono()
  app.get('/files', guard(hop.resource, { scope: 'go' }), c =>
    c.var.aauth.oauth(api, `${filesApi}/list`, { headers: { authorization: 'Bearer planted' }, redirect: 'follow' }),
  )
  chain.net.hosts.set(hopId(1), request =>
    new URL(request.url).pathname === '/files' ? app.fetch(request) : before(request),
  )
  const call: Place['call'] = request => chain.call({ path: '/files', ...request })
  return {
    chain,
    api,
    asked,
    call,
    async page(claims) {
      const response = await call(claims === undefined ? {} : { claims })
      expect(response.status).toBe(401)
      const [, url] = /user_interaction="(https:[^"]+)"$/.exec(response.headers.get('agent-auth') ?? '') ?? []
      return `${url}&${new URLSearchParams({ return_url: appCallback, state: 'of-the-agent' })}`
    },
  }
}

const code = (at: URL | undefined): NonNullable<Call['headers']> => [
  ['agent-interaction', `"${at?.searchParams.get('interaction')}"`],
]

describe('an API behind OAuth', () => {
  test(
    verifies('exchange.oauth', 'the user is signed in where they are known, then agrees, and is not asked again'),
    async () => {
      const { chain, asked, call, page } = await place()
      const ada = browser(chain.net, 'ada')
      const { app } = await ada.open(await page())
      expect(ada.trail.map(url => new URL(url)).map(({ origin, pathname }) => `${origin}${pathname}`)).toEqual([
        `${hopId(1)}/aauth/interact`,
        `${serverId(1)}/authorize`,
        `${hopId(1)}/aauth/callback`,
        `${accounts}/authorize`,
        `${hopId(1)}/aauth/callback/files`,
      ])
      expect([...(app?.searchParams.keys() ?? [])]).toEqual(['interaction', 'state'])
      const answer = await call({ headers: code(app) })
      const headers = JSON.stringify([...answer.headers])
      expect([answer.status, await answer.json()]).toEqual([200, { account: 'ada' }])
      expect((await call()).status).toBe(200)
      // The token itself is with the resource and its API, in no answer, no URL and no event.
      for (const told of [headers, ada.trail.join(' '), JSON.stringify(chain.hops[0]?.events)])
        expect(told).not.toContain('of-ada')
      // What the handler sets gives way: the token that goes is the user's.
      expect(asked).toEqual([1, 2].map(() => ({ path: '/list', authorization: 'Bearer of-ada', account: 'ada' })))
    },
  )

  test(
    verifies('INT-08', 'exchange.oauth', 'a user who gets a link of another user’s agent connects no account'),
    async () => {
      const { chain, asked, call, page } = await place()
      const bob = browser(chain.net, 'bob')
      const { page: answer } = await bob.open(await page({ sub: 'ada' }))
      expect(answer?.status).toBe(403)
      expect(bob.trail.some(url => url.startsWith(accounts))).toBe(false)
      expect((await call({ claims: { sub: 'ada' } })).status).toBe(401)
      expect(asked).toEqual([])
      expect((await browser(chain.net, 'ada').open(await page({ sub: 'ada' }))).app).toBeDefined()
    },
  )

  test(verifies('INT-14', 'exchange.oauth', 'nor does a user who gets the link of the second redirect'), async () => {
    const { chain, call, page } = await place()
    const [ada, bob] = [browser(chain.net, 'ada'), browser(chain.net, 'bob')]
    let url = await page()
    while (!url.startsWith(accounts)) url = (await ada.get(url)).headers.get('location') ?? ''
    // With no cookie, and with one of an interaction of his own.
    expect((await bob.open(url)).page?.status).toBe(400)
    await bob.get(await page({ sub: 'bob' }))
    expect((await bob.open(url)).page?.status).toBe(400)
    expect((await call()).status).toBe(401)
    // It is still hers.
    const { app } = await ada.open(url)
    expect(await (await call({ headers: code(app) })).json()).toEqual({ account: 'ada' })
  })

  test('an answer at the callback of another API changes nothing', async () => {
    const { chain, call, page } = await place()
    for (const spoil of [
      (url: string) => url.replace('/aauth/callback/files', '/aauth/callback'),
      (url: string) => url,
    ]) {
      const ada = browser(chain.net, 'ada')
      let url = await page()
      while (!url.includes('/aauth/callback/files')) url = (await ada.get(url)).headers.get('location') ?? ''
      const isSpoilt = spoil(url) !== url
      expect((await ada.get(spoil(url))).status).toBe(isSpoilt ? 400 : 303)
      expect((await call()).status).toBe(isSpoilt ? 401 : 200)
    }
  })
})

describe('the owner of the tokens', () => {
  test(
    verifies('exchange.oauth', 'a consent for one chain of agents is not used for another chain, or without one'),
    async () => {
      const { chain, call, page } = await place()
      const [one, other] = ['https://one.example', 'https://other.example'].map(agent => ({
        act: { iss: serverId(1), agent },
      }))
      const { app } = await browser(chain.net, 'ada').open(await page(one))
      expect((await call({ claims: one ?? {}, headers: code(app) })).status).toBe(200)
      expect((await call({ claims: one ?? {} })).status).toBe(200)
      for (const claims of [other ?? {}, {}, { act: { ...one?.act, agent_delegate: 'phone' } }])
        expect((await call({ claims })).status, JSON.stringify(claims)).toBe(401)
    },
  )
})

describe('events', () => {
  /** Events of the pages, without tokens, codes or sessions. */
  const toldBy = (chain: Chain) =>
    (chain.hops[0]?.events ?? []).filter(event => event.type === 'interaction' || 'asking' in event)

  test(
    verifies('LOG-03', 'token.txn', 'each answer of a user is one record, with the user that was expected'),
    async () => {
      const { chain, page } = await place()
      const claims = { sub: 'ada', agent_delegate: 'phone', txn: 'journey-1' }
      const asking = {
        agent: 'https://agent.example',
        delegate: 'phone',
        user: { iss: serverId(1), sub: 'ada' },
        txn: 'journey-1',
      }
      const server = chain.hops[0]?.server ?? expect.fail('no server')
      server.answer = 'refuses'
      const { app: denied } = await browser(chain.net, 'ada').open(await page(claims))
      expect(denied?.searchParams.get('error')).toBe('access_denied')
      server.answer = 'agrees'
      await browser(chain.net, 'bob').open(await page(claims))
      const { app } = await browser(chain.net, 'ada').open(await page(claims))
      expect(toldBy(chain)).toEqual([
        { type: 'interaction', resource: hopId(1), answer: 'denied', asked_by: 'files', ...asking },
        {
          type: 'refused',
          resource: hopId(1),
          error: expect.objectContaining({ code: 'access_denied', reason: 'user_mismatched' }),
          asking,
        },
        { type: 'interaction', resource: hopId(1), answer: 'agreed', asked_by: 'files', ...asking },
      ])
      expect(JSON.stringify(chain.hops[0]?.events)).not.toContain(app?.searchParams.get('interaction'))
    },
  )

  test(verifies('LOG-03', 'token.txn', 'so is that of a user whom an auth server has asked'), async () => {
    const { chain } = await place()
    const response = await chain.call({ claims: { txn: 'journey-2' } })
    const [, url] = /user_interaction="(https:[^"]+)"$/.exec(response.headers.get('agent-auth') ?? '') ?? []
    await browser(chain.net, 'ada').open(`${url}&${new URLSearchParams({ return_url: appCallback, state: 's' })}`)
    expect(toldBy(chain)).toMatchObject([
      { type: 'interaction', answer: 'agreed', asked_by: serverId(2), user: { sub: 'ada' }, txn: 'journey-2' },
    ])
  })
})

describe('what strangers can use up', () => {
  test('one user who is sent away again and again begins no more sign-ins, and others still do', async () => {
    const { chain, call } = await place()
    const server = chain.hops[0]?.server ?? expect.fail('no server')
    for (let n = 0; n < 16; n += 1) expect((await call({ claims: { sub: 'eve' } })).status).toBe(401)
    const answer = await call({ claims: { sub: 'eve' } })
    expect([answer.status, await answer.json()]).toMatchObject([
      429,
      { error: 'rate_limited', reason: 'asked_too_often' },
    ])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(500)
    expect(server.forms).toHaveLength(16)
    expect((await call({ claims: { sub: 'ada' } })).status).toBe(401)
    expect(server.forms).toHaveLength(17)
  })

  test('an answer of the API that is not passed on is let go', async () => {
    const { chain, call, page } = await place()
    const { app } = await browser(chain.net, 'ada').open(await page())
    const cancel = vi.fn()
    chain.net.hosts.set(filesApi, () => new Response(new ReadableStream({ cancel }), { status: 401 }))
    expect((await call({ headers: code(app) })).status).toBe(401)
    expect(cancel).toHaveBeenCalledOnce()
  })
})

describe('in bounded time', () => {
  test('a provider, or a sign-in server, that does not answer is away for the caller', async () => {
    const { chain, call } = await place({ deadline: 0.05 })
    const server = chain.hops[0]?.server ?? expect.fail('no server')
    server.instead = () => new Promise(() => undefined)
    const started = Date.now()
    const answer = await call()
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      503,
      'temporarily_unavailable',
    ])
    expect(Date.now() - started).toBeLessThan(2_000)
  })

  test('a sign-in server that has too much to do is away, too, and one that says no is not', async () => {
    const { chain, call } = await place()
    const server = chain.hops[0]?.server ?? expect.fail('no server')
    server.instead = () => Response.json({ error: 'rate_limited' }, { status: 429 })
    const busy = await call()
    expect([busy.status, ((await busy.json()) as { error: string }).error]).toEqual([503, 'temporarily_unavailable'])
    server.instead = () => Response.json({ error: 'access_denied' }, { status: 403 })
    const refused = await call()
    expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([403, 'access_denied'])
  })
})
