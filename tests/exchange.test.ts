import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ExchangePlace, exchangePlace } from './exchange-place.fixture.js'
import { scriptedUser } from './scripted-user.fixture.js'

// A mandate passed on between two trust domains: two auth servers as processes, configured by files.

let place: ExchangePlace

beforeAll(async () => {
  place = await exchangePlace()
})

afterAll(() => place.stop())

/** Allows whatever is asked, page after page, until the calendar has its answer. */
async function agree(name: string, link: string): Promise<{ url: string; pages: readonly string[] }> {
  const user = scriptedUser(name)
  let at = await user.decide(link, 'allow')
  const pages = [...at.pages]
  for (let hops = 0; hops < 6 && !at.url.startsWith(`${place.calendar}/`); hops++) {
    at = await user.decide(at.url, 'allow')
    pages.push(...at.pages)
  }
  return { url: at.url, pages }
}

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
    const { url, pages } = await agree('Ada', place.linkOf(asked))
    const shown = pages.join(' ')
    expect(shown).toContain('Are both accounts yours?')
    expect(shown).toContain('Who asks whom')
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
  const { url, pages } = await agree('Ada', place.linkOf(asked))
  expect(url).toContain(`${place.two}/link/callback`)
  expect(pages.at(-1)).toContain('This was refused')
  const again = await place.exchange(await place.upstreamToken('Eve'), 'rooms.book')
  expect(again.body).toHaveProperty('request_token')
})
