import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { appCallback, browser, chainOf, hopId } from '../hops.test.fixture.js'
import { createResource } from '../index.js'
import { expectPage, pageOf, state, withReturn } from './interaction.test.fixture.js'

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
        await expectPage(chain, async () => (await its.open(withReturn(page, returnUrl))).page, 'evil', 'alert')
        expect(its.cookies(hopId(1)).size).toBe(0)
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
  ])(verifies('INT-10', 'interaction.return-url', '%s leads to an error page'), async (_, spoil) => {
    const chain = await chainOf(2)
    const its = browser(chain.net)
    const page = await pageOf(chain)
    await expectPage(chain, async () => (await its.open(spoil(page))).page, 'evil')
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

  test(verifies('LOG-03', 'a refused page is one event with the request id'), async () => {
    const [hop] = (await chainOf(2)).hops
    const target = '/aauth/interact?session=unknown&return_url=https%3A%2F%2Fapp.example&state=x'
    const headers = [['host', 'hop1.example']] as const
    await hop?.resource.handle({ method: 'GET', target, headers, requestId: 'proxy-id-12345' })
    expect(hop?.events).toMatchObject([
      { type: 'refused', error: { code: 'invalid_request', reason: 'link_invalid' }, request_id: 'proxy-id-12345' },
    ])
  })

  test(
    verifies(
      'INT-04',
      'interaction.bound',
      'a session that is unknown, altered, finished or out of date leads to an error page',
    ),
    async () => {
      const chain = await chainOf(2)
      const page = await pageOf(chain)
      const altered = page.replace(/.$/, end => (end === 'A' ? 'B' : 'A'))
      for (const other of [altered, page.slice(0, -1), `${page}A`, `${hopId(1)}/aauth/interact?x=`])
        expect(await expectPage(chain, async () => (await browser(chain.net).open(withReturn(other))).page)).toBe(
          'link_invalid',
        )
      const its = browser(chain.net)
      expect((await its.open(withReturn(page))).app).toBeDefined()
      expect(await expectPage(chain, async () => (await its.open(withReturn(page))).page)).toBe('link_invalid')
      chain.hops[1]?.server.remembered.clear()
      const late = await pageOf(chain)
      chain.net.clock.now += 601
      await expectPage(chain, async () => (await browser(chain.net).open(withReturn(late))).page)
    },
  )

  test(
    verifies('INT-04', 'interaction.bound', 'a browser that guesses links has to wait, and a right link still works'),
    async () => {
      const chain = await chainOf(2)
      const its = browser(chain.net)
      const page = await pageOf(chain)
      for (let n = 0; n < 60; n += 1) await its.get(`${hopId(1)}/aauth/interact?session=${n}`)
      const answer = await its.get(`${hopId(1)}/aauth/interact?session=x`)
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '60'])
      expect(await answer.text()).toContain('<main data-reason="guesses_exceeded">')
      // A guess is hopeless at 256 bits, and the user may sit behind the same address.
      expect(page).toMatch(/session=[\w-]{43}$/)
      expect((await its.open(withReturn(page))).app).toBeDefined()
    },
  )

  test(verifies('INT-04', 'guesses of one client behind a proxy are not counted to another'), async () => {
    const resource = createResource({
      id: hopId(1),
      keys: [{ kid: 'r1', key: await generateSigningKey() }],
      downstream: { acceptAuthServer: 'any' },
      trustedProxies: 1,
    })
    const visit = async (client: string): Promise<number | undefined> => {
      const headers = [
        ['host', 'r1.example'],
        ['x-forwarded-for', client],
      ] as const
      const target = '/aauth/interact?session=x'
      return (await resource.handle({ method: 'GET', target, headers, peer: '10.0.0.1' }))?.status
    }
    for (let n = 0; n < 60; n += 1) expect(await visit('192.0.2.7')).toBe(400)
    expect([await visit('192.0.2.7'), await visit('192.0.2.8')]).toEqual([429, 400])
  })

  test(verifies('INT-11', 'interaction.browser', 'markup in any parameter is inert'), async () => {
    const chain = await chainOf(2)
    const its = browser(chain.net)
    const evil = '<script>alert(1)</script>'
    const page = await pageOf(chain)
    const own = encodeURIComponent(evil)
    await expectPage(
      chain,
      async () => (await its.open(`${hopId(1)}/aauth/interact?session=${own}`)).page,
      '<script',
      'alert',
    )
    await expectPage(chain, async () => (await its.open(withReturn(page, evil))).page, '<script', 'alert')
    await expectPage(
      chain,
      async () => (await its.open(`${hopId(1)}/aauth/callback?state=${own}&error=${own}&iss=${own}`)).page,
      'alert',
    )
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
      const reasons = [
        await expectPage(chain, async () => (await thief.open(withReturn(page))).page),
        await expectPage(chain, async () => (await its.open(withReturn(page, appCallback, 'other'))).page),
      ]
      expect(reasons).toEqual(['link_of_another_browser', 'link_of_another_browser'])
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
