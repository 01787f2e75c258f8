import { createHash } from 'node:crypto'
import { verifies } from '@countersign/requirements'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { guard } from './hono.js'
import { appCallback, browser, type Chain, chainOf, hopId, serverId } from './hops.test.fixture.js'

const state = 'of-the-agent'

/** The URL of the page at which the caller's user is to be asked. */
async function pageOf(chain: Chain, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const response = await chain.call({ claims })
  expect([response.status, ((await response.clone().json()) as { error: string }).error]).toEqual([
    401,
    'interaction_required',
  ])
  const [, url] = /^httpsig; user_interaction="(https:[^"]+)"$/.exec(response.headers.get('agent-auth') ?? '') ?? []
  return url ?? expect.fail('no user_interaction')
}

/** The page with what an agent adds. */
function withReturn(page: string, returnUrl = appCallback, own = state): string {
  return `${page}&${new URLSearchParams({ return_url: returnUrl, state: own })}`
}

/** An error page: no redirect, no script, no frame, nothing of what came. */
async function expectPage(response: Response | undefined, ...never: readonly string[]): Promise<void> {
  expect(response?.status).toBe(400)
  expect(response?.headers.get('location')).toBeNull()
  expect(response?.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(response?.headers.get('cache-control')).toBe('no-store')
  expect(response?.headers.get('referrer-policy')).toBe('no-referrer')
  expect(response?.headers.get('x-frame-options')).toBe('DENY')
  const text = (await response?.text()) ?? ''
  const [, style = ''] = /<style>(.*)<\/style>/.exec(text) ?? []
  const hash = createHash('sha256').update(style).digest('base64')
  expect(response?.headers.get('content-security-policy')).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  )
  expect(text).toContain('This did not work')
  for (const word of never) expect(text).not.toContain(word)
}

const code = (at: URL | undefined): ReadonlyArray<readonly [string, string]> => [
  ['agent-interaction', `"${at?.searchParams.get('interaction')}"`],
]

describe('the way there', () => {
  describe.each([
    [
      'INT-01',
      [
        'http://app.example/callback',
        'javascript:alert(1)',
        'data:text/html,x',
        'file:///etc/passwd',
        'myapp://callback',
        '',
        '/callback',
        '//evil.example/callback',
      ],
    ],
    [
      'INT-02',
      [
        'https://evil.example/callback',
        'https://app.example.evil.example/callback',
        'https://app.example/other',
        'https://app.example/callback?next=x',
        'https://agent.example/callback',
        'http://localhost:1234/callback',
      ],
    ],
    [
      'INT-03',
      [
        'https://app.example@evil.example/callback',
        'https://app.example\\@evil.example/callback',
        'https://app.example/callback\t',
        ' https://app.example/callback',
        'https://app.example/call\nback',
        'https://аpp.example/callback',
        'https:app.example/callback',
        'https://app.example%2Fcallback',
        'https://app.example/%63allback',
        'https://APP.example/callback',
        'https://app.example:443/callback',
      ],
    ],
  ] as const)('%s', (id, urls) => {
    test.each([...urls])(
      verifies(id, 'interaction.return-url', 'a return_url that is not the agent’s, to the letter: %s'),
      async returnUrl => {
        const chain = await chainOf(2)
        const its = browser(chain.net)
        const page = await pageOf(chain)
        const { page: answer } = await its.open(withReturn(page, returnUrl))
        await expectPage(answer, 'evil', 'alert')
        expect(its.cookies.get(hopId(1))?.size).toBe(0)
        // The session is as it was: the honest link still works.
        expect((await its.open(withReturn(page))).app?.searchParams.get('state')).toBe(state)
      },
    )
  })

  test.each([
    ['return_url twice', (page: string) => `${withReturn(page)}&return_url=${encodeURIComponent(appCallback)}`],
    ['another return_url first', (page: string) => withReturn(`${page}&return_url=https%3A%2F%2Fevil.example`)],
    ['return_url in other letters', (page: string) => `${withReturn(page)}&%72eturn_url=https%3A%2F%2Fevil.example`],
    ['state twice', (page: string) => `${withReturn(page)}&state=other`],
    ['session twice', (page: string) => `${withReturn(page)}&session=other`],
    ['no state', (page: string) => withReturn(page).replace('&state=of-the-agent', '')],
    ['no return_url', (page: string) => `${page}&state=x`],
    ['a state of another kind', (page: string) => withReturn(page, appCallback, 'a\r\nb')],
  ])(verifies('INT-10', 'interaction.return-url', '%s: an error page'), async (_, spoil) => {
    const chain = await chainOf(2)
    const its = browser(chain.net)
    const page = await pageOf(chain)
    await expectPage((await its.open(spoil(page))).page, 'evil')
    expect((await its.open(withReturn(page))).app?.origin).toBe('https://app.example')
  })

  test(
    verifies(
      'INT-01',
      'INT-02',
      'INT-03',
      'interaction.return-url',
      'the agent’s own, and loopback where it allows that',
    ),
    async () => {
      const chain = await chainOf(2)
      for (const returnUrl of [appCallback, 'http://127.0.0.1:49152/cb']) {
        const { app } = await browser(chain.net).open(withReturn(await pageOf(chain), returnUrl))
        expect(`${app?.origin}${app?.pathname}`).toBe(returnUrl)
        chain.hops[1]?.server.remembered.clear()
      }
    },
  )

  test(verifies('LOG-03', 'a page that is refused is one record, with the name of its request'), async () => {
    const [hop] = (await chainOf(2)).hops
    const target = '/aauth/interact?session=unknown&return_url=https%3A%2F%2Fapp.example&state=x'
    const headers = [['host', 'hop1.example']] as const
    await hop?.resource.handle({ method: 'GET', target, headers, requestId: 'proxy-id-12345' })
    expect(hop?.events).toMatchObject([
      { type: 'refused', error: { code: 'invalid_request' }, request_id: 'proxy-id-12345' },
    ])
  })

  test(
    verifies('INT-04', 'interaction.bound', 'a session unknown, altered, finished or out of date: an error page'),
    async () => {
      const chain = await chainOf(2)
      const page = await pageOf(chain)
      const altered = page.replace(/.$/, end => (end === 'A' ? 'B' : 'A'))
      for (const other of [altered, page.slice(0, -1), `${page}A`, `${hopId(1)}/aauth/interact?x=`])
        await expectPage((await browser(chain.net).open(withReturn(other))).page)
      const its = browser(chain.net)
      expect((await its.open(withReturn(page))).app).toBeDefined()
      await expectPage((await its.open(withReturn(page))).page)
      chain.hops[1]?.server.remembered.clear()
      const late = await pageOf(chain)
      chain.net.clock.now += 601
      await expectPage((await browser(chain.net).open(withReturn(late))).page)
    },
  )

  test(verifies('INT-04', 'interaction.bound', 'guesses end, and what is honest goes on'), async () => {
    const chain = await chainOf(2)
    const its = browser(chain.net)
    const page = await pageOf(chain)
    for (let n = 0; n < 60; n += 1) await its.get(`${hopId(1)}/aauth/interact?session=${n}`)
    const answer = await its.get(`${hopId(1)}/aauth/interact?session=x`)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '60'])
    expect((await its.open(withReturn(page))).app).toBeDefined()
  })

  test(verifies('INT-11', 'interaction.browser', 'markup in any parameter is inert'), async () => {
    const chain = await chainOf(2)
    const its = browser(chain.net)
    const evil = '<script>alert(1)</script>'
    const page = await pageOf(chain)
    const own = encodeURIComponent(evil)
    await expectPage((await its.open(`${hopId(1)}/aauth/interact?session=${own}`)).page, '<script', 'alert')
    await expectPage((await its.open(withReturn(page, evil))).page, '<script', 'alert')
    await expectPage((await its.open(`${hopId(1)}/aauth/callback?state=${own}&error=${own}&iss=${own}`)).page, 'alert')
    // The caller's own state goes back as it came.
    expect((await its.open(withReturn(page, appCallback, `"${evil}&a=b`))).app?.searchParams.get('state')).toBe(
      `"${evil}&a=b`,
    )
  })

  test(
    verifies(
      'interaction.browser',
      'interaction.bound',
      'the first browser has it; another, or another state, gets a page',
    ),
    async () => {
      const chain = await chainOf(2)
      const page = await pageOf(chain)
      const [its, thief] = [browser(chain.net), browser(chain.net)]
      expect((await its.get(withReturn(page))).status).toBe(303)
      await expectPage((await thief.open(withReturn(page))).page)
      await expectPage((await its.open(withReturn(page, appCallback, 'other'))).page)
      // Back and forth in the same browser is no attack.
      expect((await its.open(withReturn(page))).app?.searchParams.get('state')).toBe(state)
    },
  )

  test('its cookie is for one host, no script, and ten minutes', async () => {
    const chain = await chainOf(2)
    const { setCookies } = await browser(chain.net).open(withReturn(await pageOf(chain)))
    expect(setCookies).toHaveLength(1)
    expect(setCookies[0]).toMatch(
      /^__Host-countersign-interaction=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/,
    )
  })
})

describe('the way back', () => {
  /** A browser that was sent on, and the callback that its auth server would send it to. */
  async function sent() {
    const chain = await chainOf(2)
    const its = browser(chain.net)
    const there = await its.get(withReturn(await pageOf(chain)))
    const back = await its.get(there.headers.get('location') ?? '')
    return { chain, its, callback: new URL(back.headers.get('location') ?? '') }
  }

  test.each<readonly [string, (query: URLSearchParams) => void]>([
    ['no state', query => query.delete('state')],
    ['another state', query => query.set('state', 'A'.repeat(43))],
    ['the state twice', query => query.append('state', query.get('state') ?? '')],
    ['the caller’s state', query => query.set('state', state)],
  ])(verifies('INT-14', 'interaction.browser', '%s: a page, and the session stays'), async (_, spoil) => {
    const { chain, its, callback } = await sent()
    const other = new URL(callback)
    spoil(other.searchParams)
    await expectPage((await its.open(other.href)).page)
    expect(chain.hops[1]?.server.forms.filter(form => form['request_type'] === 'code')).toEqual([])
    expect((await its.open(callback.href)).app?.searchParams.get('state')).toBe(state)
    // Replayed, it answers nothing any more.
    await expectPage((await its.open(callback.href)).page)
    expect(chain.hops[1]?.server.forms.filter(form => form['request_type'] === 'code')).toHaveLength(1)
  })

  test(
    verifies('INT-14', 'interaction.browser', 'another browser, or none that is known: a page, and the session stays'),
    async () => {
      const { chain, its, callback } = await sent()
      await expectPage((await browser(chain.net).open(callback.href)).page)
      const planted = browser(chain.net)
      planted.cookies.set(hopId(1), new Map([['__Host-countersign-interaction', 'A'.repeat(43)]]))
      await expectPage((await planted.open(callback.href)).page)
      expect((await its.open(callback.href)).app).toBeDefined()
    },
  )

  test.each<readonly [string, (query: URLSearchParams) => void]>([
    ['another issuer', query => query.set('iss', 'https://evil.example')],
    ['no issuer', query => query.delete('iss')],
    ['the issuer with a slash', query => query.set('iss', `${serverId(2)}/`)],
    ['code and error', query => query.set('error', 'access_denied')],
    ['no code', query => query.delete('code')],
    [
      'a code of another kind',
      query => {
        query.set('interaction', query.get('code') ?? '')
        query.delete('code')
      },
    ],
  ])(verifies('INT-14', 'interaction.browser', '%s: nothing is redeemed'), async (_, spoil) => {
    const { chain, its, callback } = await sent()
    spoil(callback.searchParams)
    await expectPage((await its.open(callback.href)).page, 'evil')
    expect(chain.hops[1]?.server.forms.filter(form => form['request_type'] === 'code')).toEqual([])
  })

  test(
    verifies('INT-12', 'interaction.code', 'no token and no code of others leaves through a redirect or a referrer'),
    async () => {
      const { its, callback, chain } = await sent()
      const response = await its.get(callback.href)
      const { searchParams } = new URL(response.headers.get('location') ?? '')
      expect([...searchParams.keys()]).toEqual(['interaction', 'state'])
      expect(searchParams.get('interaction')).toMatch(/^[\w-]{43}$/)
      expect([response.status, response.headers.get('referrer-policy'), response.headers.get('cache-control')]).toEqual(
        [303, 'no-referrer', 'no-store'],
      )
      expect(its.trail.join(' ')).not.toContain('eyJ')
      expect(await response.text()).toBe('')
      expect(JSON.stringify(chain.hops[0]?.events)).not.toContain(searchParams.get('interaction'))
    },
  )

  test(verifies('INT-08', 'interaction.bound', 'another user than the upstream token’s gets nowhere'), async () => {
    const chain = await chainOf(2)
    const page = await pageOf(chain, { sub: 'ada' })
    // A malicious agent sends its link to Bob, who agrees to anything.
    const { page: answer } = await browser(chain.net, 'bob').open(withReturn(page))
    expect(answer?.status).toBe(403)
    expect(chain.hops[1]?.server.forms.map(form => form['request_type'])).toEqual(['exchange'])
    expect(chain.hops[1]?.server.remembered.size).toBe(0)
    expect(chain.hops[1]?.seen).toEqual([])
    expect((await browser(chain.net, 'ada').open(withReturn(await pageOf(chain, { sub: 'ada' })))).app).toBeDefined()
  })
})

describe('the code', () => {
  /** A code that is Ada's, whose auth server has forgotten what she said. */
  async function answered(claims: Readonly<Record<string, unknown>> = {}, life = 600) {
    const chain = await chainOf(2)
    for (const { server } of chain.hops) server.life = life
    const { app } = await browser(chain.net).open(withReturn(await pageOf(chain, claims)))
    chain.hops[1]?.server.remembered.clear()
    return { chain, app }
  }

  test(
    verifies(
      'interaction.code',
      'interaction.bound',
      'is good for one request, under whatever token its user has by then',
    ),
    async () => {
      const { chain, app } = await answered()
      const before = chain.hops[1]?.server.forms.length
      expect((await chain.call({ headers: code(app) })).status).toBe(200)
      expect(chain.hops[1]?.server.forms).toHaveLength(before ?? 0)
      const used = await chain.call({ headers: code(app) })
      expect([used.status, await used.json()]).toEqual([
        400,
        { error: 'invalid_grant', error_description: 'the code of Agent-Interaction is wrong, used, or of another' },
      ])
      expect(used.headers.get('agent-auth')).toBeNull()
      expect(used.headers.get('cache-control')).toBe('no-store')
    },
  )

  test.each<readonly [string, Readonly<Record<string, unknown>>]>([
    ['another user', { sub: 'bob' }],
    ['a user of none', { sub: undefined }],
    ['a delegate', { agent_delegate: 'phone' }],
  ])(verifies('interaction.bound', 'is not %s’s, who changes nothing by trying'), async (_, claims) => {
    const { chain, app } = await answered()
    const refused = await chain.call({ claims, headers: code(app) })
    expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([400, 'invalid_grant'])
    expect(chain.hops[0]?.seen).toHaveLength(1)
    expect((await chain.call({ headers: code(app) })).status).toBe(200)
  })

  test(verifies('interaction.bound', 'one user does not finish what another began at the same agent'), async () => {
    const chain = await chainOf(2)
    const server = chain.hops[1]?.server
    const { app } = await browser(chain.net, 'ada').open(withReturn(await pageOf(chain, { sub: 'ada' })))
    const bobs = await pageOf(chain, { sub: 'bob' })
    expect((await chain.call({ claims: { sub: 'bob' }, headers: code(app) })).status).toBe(400)
    expect((await chain.call({ claims: { sub: 'ada' }, headers: code(app) })).status).toBe(200)
    expect(server?.remembered.size).toBe(1)
    const theirs = await browser(chain.net, 'bob').open(withReturn(bobs))
    expect((await chain.call({ claims: { sub: 'bob' }, headers: code(theirs.app) })).status).toBe(200)
  })

  test(verifies('interaction.code', 'is brought once by a request that meets two guards'), async () => {
    const { chain, app } = await answered()
    const [hop] = chain.hops
    if (hop === undefined) throw new Error('no hop')
    const served = chain.net.hosts.get(hop.id)
    const twice = new Hono()
    twice.use('/go', guard(hop.resource, { scope: 'go' }), guard(hop.resource, { level: 'identified' }))
    twice.get('/go', guard(hop.resource, { scope: 'go' }), async c =>
      c.text(await (await c.var.aauth.fetch(`${hopId(2)}/go`)).text()),
    )
    twice.all('*', c => served?.(c.req.raw) ?? c.notFound())
    chain.net.hosts.set(hop.id, request => twice.fetch(request))
    expect((await chain.call({ headers: code(app) })).status).toBe(200)
    expect((await chain.call({ headers: code(app) })).status).toBe(400)
  })

  test(
    verifies('interaction.bound', 'a browser that was closed on the way leaves a question that can be asked anew'),
    async () => {
      const chain = await chainOf(2)
      const left = browser(chain.net)
      await left.get(withReturn(await pageOf(chain)))
      const { app } = await browser(chain.net).open(withReturn(await pageOf(chain)))
      expect((await chain.call({ headers: code(app) })).status).toBe(200)
    },
  )

  test(verifies('exchange.answers', 'is worth something also where the auth server was away just then'), async () => {
    const chain = await chainOf(2)
    const [, two] = chain.hops
    if (two === undefined) throw new Error('no hop')
    const its = browser(chain.net)
    const there = await its.get(withReturn(await pageOf(chain)))
    const back = await its.get(there.headers.get('location') ?? '')
    two.server.instead = () => new Response(null, { status: 502 })
    const { app } = await its.open(back.headers.get('location') ?? '')
    expect(app?.searchParams.get('interaction')).toMatch(/^[\w-]{43}$/)
    expect((await chain.call({ headers: code(app) })).status).toBe(503)
    two.server.instead = undefined
    expect((await chain.call()).status).toBe(200)
    expect(two.server.forms.at(-1)?.['request_type']).toBe('exchange')
  })

  test(verifies('interaction.code', 'counts only where the signature covers it'), async () => {
    const { chain, app } = await answered()
    const bare = await chain.call({ headers: code(app), covered: [] })
    expect([bare.status, (await bare.json()) as { error: string; required_components: string[] }]).toMatchObject([
      401,
      {
        error: 'invalid_signature',
        required_components: ['@method', '@authority', '@path', 'signature-key', 'agent-interaction'],
      },
    ])
    expect((await chain.call({ headers: code(app) })).status).toBe(200)
  })

  test.each(['', 'token', '"a", "b"', '"a";x;x', ':YQ==:', `"${'a'.repeat(600)}"`, '"unknown"'])(
    verifies('interaction.code', 'what is none, or unknown, is refused: %s'),
    async value => {
      const { chain } = await answered()
      const response = await chain.call({ headers: [['agent-interaction', value]] })
      expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([400, 'invalid_grant'])
    },
  )

  test(verifies('interaction.bound', 'ends after ten minutes'), async () => {
    const { chain, app } = await answered({}, 3000)
    chain.net.clock.now += 599
    expect((await chain.call({ headers: code(app) })).status).toBe(200)
    const late = await answered({}, 3000)
    late.chain.net.clock.now += 601
    expect((await late.chain.call({ headers: code(late.app) })).status).toBe(400)
  })

  test(
    verifies('F-58', 'interaction.bound', 'is unknown after a restart; without it nobody is asked again'),
    async () => {
      const chain = await chainOf(2)
      const { app } = await browser(chain.net).open(withReturn(await pageOf(chain)))
      await chain.hops[0]?.restart()
      expect((await chain.call({ headers: code(app) })).status).toBe(400)
      expect((await chain.call()).status).toBe(200)
      // In the midst of it: the browser gets a page, and a fresh question is asked.
      const its = browser(chain.net)
      chain.hops[1]?.server.remembered.clear()
      const other = await pageOf(chain)
      const there = await its.get(withReturn(other))
      await chain.hops[0]?.restart()
      const back = await its.get(there.headers.get('location') ?? '')
      await expectPage((await its.open(back.headers.get('location') ?? '')).page)
      expect((await chain.call()).status).toBe(200)
    },
  )
})

test(verifies('interaction.bound', 'questions are bounded for one user, one agent, and in all'), async () => {
  const { memoryInteractions } = await import('./index.js')
  const now = { time: 1000 }
  const sessions = memoryInteractions(() => now.time, { capacity: 5, perAgent: 4, perPrincipal: 2 })
  const session = (id: string, agent: string, principal: string) => ({
    ...{ id, agent, principal, asking: { agent }, expires: now.time + 600 },
    pending: {
      kind: 'page',
      resource: 'https://r2.example',
      state: `state-${id}`,
      url: 'https://r2.example/x',
    } as const,
  })
  const claim = { browser: 'b', returnUrl: appCallback, state: 's' }
  for (const id of ['1', '2', '3']) await sessions.add(session(id, 'a', 'ada'))
  expect([await sessions.find('1'), (await sessions.find('3'))?.id]).toEqual([undefined, '3'])
  for (const id of ['4', '5']) await sessions.add(session(id, 'a', 'bob'))
  await expect(sessions.add(session('6', 'a', 'eve'))).rejects.toMatchObject({ status: 503 })
  await sessions.add(session('7', 'other', 'eve'))
  await expect(sessions.add(session('8', 'third', 'mia'))).rejects.toMatchObject({ code: 'temporarily_unavailable' })
  expect((await sessions.claim('7', claim))?.claim).toEqual(claim)
  expect((await sessions.claim('7', { ...claim, browser: 'c' }))?.claim).toEqual(claim)
  expect(await sessions.take('state-7', 'c')).toBeUndefined()
  expect((await sessions.take('state-7', 'b'))?.id).toBe('7')
  expect(await sessions.take('state-7', 'b')).toBeUndefined()
  now.time += 601
  await sessions.add(session('9', 'a', 'ada'))
  expect([await sessions.find('3'), (await sessions.find('9'))?.id]).toEqual([undefined, '9'])
})
