import { scriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ExchangePlace, exchangePlace } from './exchange-place.fixture.js'

// A mandate passed on between two trust domains: two auth servers as processes, configured by files.

let place: ExchangePlace

beforeAll(async () => {
  place = await exchangePlace()
})

afterAll(() => place.stop())

function claimsOf(token: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString())
}

test(
  verifies(
    'exchange.rule',
    'exchange.sub',
    'link.asks',
    'over two domains: at once where a rule says so, with the user’s word where one is needed, once',
  ),
  async () => {
    const upstream = await place.upstreamToken('Ada')
    const direct = await place.exchange(upstream, 'rooms.read')
    expect(direct.status).toBe(200)
    expect(claimsOf(direct.body['auth_token'])).toMatchObject({
      iss: place.two,
      aud: place.rooms,
      agent: place.calendar,
      scope: 'rooms.read',
      act: { iss: place.one, agent: place.agent },
    })
    expect(claimsOf(direct.body['auth_token'])).not.toHaveProperty('sub')

    const asked = await place.exchange(upstream, 'rooms.book')
    const { url, headings } = await scriptedUser('Ada').follow(place.linkOf(asked), [
      'Ada',
      'Ada Lovelace',
      'Allow',
      'Connect',
      'Allow',
    ])
    expect(headings).toEqual([
      expect.stringContaining('Sign in'),
      expect.stringContaining('Sign in'),
      `${place.two.slice('http://'.length)} wants to know who you are`,
      'Are both accounts yours?',
      `${place.calendar.slice('http://'.length)} asks for your access to ${place.rooms.slice('http://'.length)}`,
      '',
    ])
    expect(url).toMatch(/\/interact\/callback\?code=[\w-]+&state=s1&iss=/)
    const redeemed = await place.redeem(asked, url)
    expect(Object.keys(redeemed.body)).toEqual(['auth_token', 'expires_in'])
    const { sub } = claimsOf(redeemed.body['auth_token'])
    expect(sub).not.toBe(claimsOf(upstream)['sub'])

    const again = await place.exchange(await place.upstreamToken('Ada'), 'rooms.book')
    expect(claimsOf(again.body['auth_token'])).toMatchObject({ scope: 'rooms.book', sub })
  },
)

test(verifies('link.same-user', 'the agent of one user that sends its link to another gets nothing'), async () => {
  const asked = await place.exchange(await place.upstreamToken('Eve'), 'rooms.book')
  // Grace has no linked account here yet. She signs in at the upstream issuer as Ada Lovelace, and not as Eve.
  const buttons = ['Grace', 'Ada Lovelace', 'Allow']
  await expect(scriptedUser('Grace').follow(place.linkOf(asked), buttons)).rejects.toThrow('403')
  const again = await place.exchange(await place.upstreamToken('Eve'), 'rooms.book')
  expect(again.body).toHaveProperty('request_token')
})
