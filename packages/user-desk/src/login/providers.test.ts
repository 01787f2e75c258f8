import { verifies } from '@countersign/requirements'
import {
  answerOf,
  askUser,
  browserOf,
  consentWorld,
  decide,
  linkOf,
  open,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { delegate, type World } from '@countersign/testing/auth/world'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openidConnect } from './openid.js'
import { type SignInProvider, startProvider, throughPages } from './openid.test.fixture.js'

const issuer = 'https://auth.example'
const ids = ['corp', 'club'] as const
let providers: readonly SignInProvider[] = []

beforeAll(async () => {
  const starting = ids.map(id => startProvider(`${issuer}/login/callback/${id}`, () => ({ name: `Ada of ${id}` })))
  providers = await Promise.all(starting)
})
afterAll(() => Promise.all(providers.map(provider => provider.close())))

/** An auth server whose users sign in at one of these. */
async function place(chosen: readonly (typeof ids)[number][] = ids): Promise<World> {
  const login = chosen.map(id =>
    openidConnect({
      id,
      name: `Sign in at the ${id}`,
      issuer: providers[ids.indexOf(id)]?.issuer ?? '',
      clientId: 'countersign',
      clientSecret: 'secret',
      dangerouslyAllowLoopbackHttp: true,
    }),
  )
  const made = await consentWorld({ login, now: () => Date.now() / 1000 })
  // Providers live in real time. A server that has just started cannot tell what was signed before.
  made.clock.now = Math.floor(Date.now() / 1000) + 1
  return made
}

const targetOf = (url: string): string => url.slice(issuer.length)

/** Where the buttons of a chooser lead, in order. */
const choices = (page: string): string[] =>
  [...page.matchAll(/href="(\/login\/start\/[^"]+)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'))

test('the login hint reaches the provider, and the user who signs in decides', async () => {
  const made = await place(['corp'])
  const phone = await delegate(made, 'phone')
  const login_hint = 'ada+calendar@corp.example'
  const link = linkOf(await requestTokenOf(await askUser(made, phone, { form: { login_hint } })))
  const one = await browserOf(made)
  const sent = await open(one, link)
  const url = new URL(sent.headers.get('location') ?? '')
  expect(url.origin).toBe(providers[0]?.issuer)
  expect(url.searchParams.get('login_hint')).toBe(login_hint)
  const back = await one.get(targetOf(await throughPages(url.href, 'ada', issuer)))
  expect(back.headers.get('location')).toMatch(/^\/agent\/consent\?request_token=/)
  const page = await (await one.get(back.headers.get('location') ?? '')).text()
  expect(page).toContain('Ada of corp')
  // Only a hint: the page is for the user who has signed in.
  expect(page).not.toContain('calendar@corp.example')
  expect(answerOf(await decide(one, link, { decision: 'allow' })).searchParams.get('code')).not.toBeNull()
  // The twin: without one, none.
  const plain = linkOf(await requestTokenOf(await askUser(made, phone)))
  const other = await open(await browserOf(made), plain)
  expect(new URL(other.headers.get('location') ?? '').searchParams.has('login_hint')).toBe(false)
})

test('with two providers the user chooses, and is another user at each', async () => {
  const made = await place()
  const phone = await delegate(made, 'phone')
  const link = linkOf(await requestTokenOf(await askUser(made, phone, { form: { login_hint: 'ada@corp.example' } })))
  const one = await browserOf(made)
  const chooser = await open(one, link)
  expect(chooser.status).toBe(200)
  const page = await chooser.text()
  expect(page).toContain('Sign in at the corp')
  expect(page).toContain('Sign in at the club')
  const hrefs = choices(page)
  expect(hrefs.map(href => href.split('?')[0])).toEqual(['/login/start/corp', '/login/start/club'])
  for (const [index, href] of hrefs.entries()) {
    const url = new URL((await one.get(href)).headers.get('location') ?? '')
    expect([url.origin, url.searchParams.get('login_hint')]).toEqual([providers[index]?.issuer, 'ada@corp.example'])
    const back = await one.get(targetOf(await throughPages(url.href, 'ada', issuer)))
    const shown = await (await one.get(back.headers.get('location') ?? '')).text()
    expect(shown).toContain(`Ada of ${ids[index]}`)
  }
  const subs = made.events.flatMap(event => (event.type === 'signed_in' ? [event.sub] : []))
  expect(new Set(subs).size).toBe(2)
})

test(verifies('consent.browser', 'a second provider cannot use an answer of the first'), async () => {
  const made = await place()
  const one = await browserOf(made)
  const begin = async (id: string): Promise<string> => {
    const sent = await one.get(`/login/start/${id}?return_to=/logout`)
    return targetOf(await throughPages(sent.headers.get('location') ?? '', 'ada', issuer))
  }
  const [corp, club] = [await begin('corp'), await begin('club')]
  const stateOf = (target: string): string => new URL(target, issuer).searchParams.get('state') ?? ''
  const mixed = [
    corp.replace('/callback/corp', '/callback/club'),
    // Under the state of a sign-in that was begun there.
    corp.replace('/callback/corp', '/callback/club').replace(stateOf(corp), stateOf(club)),
  ]
  for (const target of mixed) {
    const refused = await one.get(target)
    expect([refused.status, refused.headers.get('location')]).toEqual([403, null])
  }
  expect(made.events.map(({ type }) => type)).toEqual(['sign_in_failed', 'sign_in_failed'])
  // The twin: at its own callback.
  expect((await one.get(corp)).headers.get('location')).toBe('/logout')
})
