import { verifies } from '@countersign/requirements'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { guard } from './adapter/hono.js'
import { code, expectPage, pageOf, sentBack, withReturn } from './downstream/interaction.test.fixture.js'
import { browser, chainOf, hopId } from './hops.test.fixture.js'

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
        {
          error: 'invalid_grant',
          reason: 'interaction_code_invalid',
          error_description: 'The code in Agent-Interaction is malformed, wrong, used, or of another caller.',
        },
      ])
      expect(used.headers.get('agent-auth')).toBeNull()
      expect(used.headers.get('cache-control')).toBe('no-store')
    },
  )

  test.each<readonly [string, Readonly<Record<string, unknown>>]>([
    ['another user', { sub: 'bob' }],
    ['a user of none', { sub: undefined }],
    ['a delegate', { agent_delegate: 'phone' }],
  ])(
    verifies('interaction.bound', 'error.reason.no-oracle', 'is refused to %s, and still works for its owner'),
    async (_, claims) => {
      const { chain, app } = await answered()
      const refused = await chain.call({ claims, headers: code(app) })
      const guessed = await chain.call({ headers: [['agent-interaction', `"${'A'.repeat(43)}"`]] })
      expect([refused.status, await refused.text()]).toEqual([400, await guessed.text()])
      expect(await (await chain.call({ claims, headers: code(app) })).json()).toMatchObject({
        error: 'invalid_grant',
        reason: 'interaction_code_invalid',
      })
      expect(chain.hops[0]?.seen).toHaveLength(1)
      expect((await chain.call({ headers: code(app) })).status).toBe(200)
    },
  )

  test(
    verifies('interaction.code', 'gets one body, byte for byte, where it is unknown, used or another’s'),
    async () => {
      const { chain, app } = await answered()
      const bodyFor = async (o: Parameters<typeof chain.call>[0]): Promise<unknown> => {
        const response = await chain.call(o)
        return [response.status, await response.text()]
      }
      const anothers = await bodyFor({ claims: { sub: 'bob' }, headers: code(app) })
      expect((await chain.call({ headers: code(app) })).status).toBe(200)
      const used = await bodyFor({ headers: code(app) })
      const unknown = await bodyFor({ headers: [['agent-interaction', `"${'A'.repeat(43)}"`]] })
      expect(unknown).toEqual([400, expect.stringContaining('"error":"invalid_grant"')])
      expect([anothers, used]).toEqual([unknown, unknown])
    },
  )

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

  test(
    verifies('consent.remembered', 'once its user has agreed, a browser that was closed costs no second question'),
    async () => {
      const { chain } = await sentBack()
      expect(chain.hops[0]?.kept).toEqual([])
      expect((await chain.call()).status).toBe(200)
      // The twin whose user had not come to agree is asked.
      const twin = await chainOf(2)
      await browser(twin.net).get(withReturn(await pageOf(twin)))
      expect((await twin.call()).status).toBe(401)
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
    verifies('interaction.code', 'a malformed or unknown code is refused: %s'),
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
    verifies('F-58', 'interaction.bound', 'is unknown after a restart; a request without it asks no user again'),
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
      await expectPage(chain, async () => (await its.open(back.headers.get('location') ?? '')).page)
      expect((await chain.call()).status).toBe(200)
    },
  )
})
