import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { code, expectPage, pageOf, sentBack, state, withReturn } from './downstream/interaction.test.fixture.js'
import { browser, type Chain, chainOf, hopId, serverId } from './hops.test.fixture.js'

describe('the way back', () => {
  test.each<readonly [string, (query: URLSearchParams) => void]>([
    ['no state', query => query.delete('state')],
    ['another state', query => query.set('state', 'A'.repeat(43))],
    ['the state twice', query => query.append('state', query.get('state') ?? '')],
    ['the caller’s state', query => query.set('state', state)],
  ])(verifies('INT-14', 'interaction.browser', '%s: a page, and the session stays'), async (_, spoil) => {
    const { chain, its, callback } = await sentBack()
    const other = new URL(callback)
    spoil(other.searchParams)
    await expectPage(chain, async () => (await its.open(other.href)).page)
    expect(chain.hops[1]?.server.forms.filter(form => form['request_type'] === 'code')).toEqual([])
    expect((await its.open(callback.href)).app?.searchParams.get('state')).toBe(state)
    // Replayed, it answers nothing any more.
    await expectPage(chain, async () => (await its.open(callback.href)).page)
    expect(chain.hops[1]?.server.forms.filter(form => form['request_type'] === 'code')).toHaveLength(1)
  })

  test(
    verifies(
      'INT-14',
      'interaction.browser',
      'another or an unknown browser gets an error page, and the session stays',
    ),
    async () => {
      const { chain, its, callback } = await sentBack()
      await expectPage(chain, async () => (await browser(chain.net).open(callback.href)).page)
      const planted = browser(chain.net)
      planted.cookies(hopId(1)).set('__Host-countersign-interaction', 'A'.repeat(43))
      await expectPage(chain, async () => (await planted.open(callback.href)).page)
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
    const { chain, its, callback } = await sentBack()
    spoil(callback.searchParams)
    expect(await expectPage(chain, async () => (await its.open(callback.href)).page, 'evil')).toBe('link_changed')
    expect(chain.hops[1]?.server.forms.filter(form => form['request_type'] === 'code')).toEqual([])
  })

  test(
    verifies('INT-12', 'interaction.code', 'no token and no code of others leaves through a redirect or a referrer'),
    async () => {
      const { its, callback, chain } = await sentBack()
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

  test('a refusal for another user ends the interaction', async () => {
    const chain = await chainOf(2)
    const page = await pageOf(chain, { sub: 'ada' })
    // A malicious agent sends its link to Bob, who agrees to anything.
    const { page: answer } = await browser(chain.net, 'bob').open(withReturn(page))
    expect(answer?.status).toBe(403)
    expect(chain.hops[1]?.server.forms.map(form => form['request_type'])).toEqual(['exchange'])
    expect([chain.hops[0]?.kept, chain.hops[1]?.seen]).toEqual([[], []])
    expect((await browser(chain.net, 'ada').open(withReturn(await pageOf(chain, { sub: 'ada' })))).app).toBeDefined()
  })

  test.each([
    ['a quotation mark', 'a"b'],
    ['a backslash', 'a\\b'],
    ['nothing', ''],
    ['another alphabet', 'ä'],
    ['a space', 'a b'],
    ['encoded twice', 'a%22b'],
    ['513 characters', 'a'.repeat(513)],
  ])(verifies('interaction.code', 'what the next resource’s code could not be is a page: %s'), async (_, value) => {
    const { chain, its, callback } = await sentBack(3)
    callback.searchParams.set('interaction', value)
    await expectPage(chain, async () => (await its.open(callback.href)).page)
    // No code of it reaches the next request, which would fail over it.
    expect((await chain.call()).status).toBe(200)
    const twin = await sentBack(3)
    const { app } = await twin.its.open(twin.callback.href)
    expect((await twin.chain.call({ headers: code(app) })).status).toBe(200)
  })

  /** What is told of a browser that comes back. */
  const toldBy = (chain: Chain): unknown[] =>
    (chain.hops[0]?.events ?? []).filter(event => event.type === 'interaction' || 'asking' in event)

  test(
    verifies('LOG-03', 'interaction.bound', 'a made-up code is no agreement, in the log and elsewhere'),
    async () => {
      const { chain, its, callback } = await sentBack()
      chain.hops[1]?.server.remembered.clear()
      callback.searchParams.set('code', 'x')
      const { app } = await its.open(callback.href)
      const asking = { agent: 'https://agent.example', user: { sub: 'ada' } }
      expect(toldBy(chain)).toMatchObject([
        { type: 'refused', error: { code: 'invalid_grant', reason: 'grant_invalid' }, asking },
      ])
      // The user may have thought longer than the token lived, so the retry may ask; and is asked.
      expect(chain.hops[0]?.kept).toEqual([expect.not.objectContaining({ answer: expect.anything() })])
      const retried = await chain.call({ headers: code(app) })
      expect([retried.status, ((await retried.json()) as { error: string }).error]).toEqual([
        401,
        'interaction_required',
      ])

      const twin = await sentBack()
      await twin.its.open(twin.callback.href)
      expect(toldBy(twin.chain)).toMatchObject([{ type: 'interaction', answer: 'agreed', ...asking }])
    },
  )

  test(
    verifies('LOG-03', 'interaction.bound', 'the next resource’s code is tried by the retry: nothing is told before'),
    async () => {
      const { chain, its, callback } = await sentBack(3)
      chain.hops[2]?.server.remembered.clear()
      callback.searchParams.set('interaction', 'x')
      const { app } = await its.open(callback.href)
      expect(toldBy(chain)).toEqual([])
      expect((await chain.call({ headers: code(app) })).status).toBe(401)
      expect(chain.hops[2]?.seen).toEqual([])
      const twin = await sentBack(3)
      const home = await twin.its.open(twin.callback.href)
      expect((await twin.chain.call({ headers: code(home.app) })).status).toBe(200)
    },
  )

  test(
    verifies('F-52', 'exchange.answers', 'an auth server that hangs holds the browser no longer than the deadline'),
    async () => {
      const { chain, its, callback } = await sentBack(2, { downstream: { deadline: 0.2 } })
      const server = chain.hops[1]?.server ?? expect.fail('no server')
      server.instead = () => new Promise(() => undefined)
      const began = Date.now()
      const { app } = await its.open(callback.href)
      expect(Date.now() - began).toBeLessThan(3000)
      expect(toldBy(chain)).toMatchObject([{ type: 'refused', error: { code: 'temporarily_unavailable' } }])
      server.instead = undefined
      // What the user said is remembered where they said it.
      expect((await chain.call({ headers: code(app) })).status).toBe(200)
    },
  )
})
