import { verifies } from '@countersign/requirements'
import { signInAs } from '@countersign/testing/auth/browser'
import {
  allowedCode,
  answerOf,
  askUser,
  browserOf,
  callback,
  consentWorld,
  decide,
  linkOf,
  open,
  page400,
  redeemCode,
  requestTokenOf,
  shown,
} from '@countersign/testing/auth/consent'
import { textOf } from '@countersign/testing/auth/consent-page'
import { delegate, granted } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(
  verifies(
    'consent.parameters',
    'consent.request-token',
    'UIX-01',
    'UIX-02',
    'UIX-03',
    'TOK-22',
    'a link that is wrong in any way gets an error page, and no redirect',
  ),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const request_token = await requestTokenOf(await askUser(made, phone))
    const good = linkOf(request_token)
    const query = good.slice('/agent/authorize?'.length)
    const unsigned = `${btoa('{"alg":"none"}')}.${btoa('{"agent":"https://agent.example"}')}.`
    const links = [
      '/agent/authorize',
      '/agent/authorize?request_token=',
      `/agent/authorize?${new URLSearchParams({ request_token })}`,
      linkOf('A'.repeat(43), { redirect_uri: 'https://evil.example/' }),
      linkOf(unsigned),
      linkOf(request_token.slice(0, -1)),
      linkOf(request_token.toUpperCase()),
      linkOf(request_token, { redirect_uri: 'https://evil.example/' }),
      linkOf(request_token, { redirect_uri: `${callback}/` }),
      linkOf(request_token, { redirect_uri: 'https://app.example/other?app=1' }),
      linkOf(request_token, { state: 's2' }),
      linkOf(request_token, { state: null }),
      `${good}&state=s1`,
      `${good}&request_token=${request_token}`,
      `/agent/authorize?${query.replace('callback', '%zz')}`,
    ]
    for (const link of links) {
      const one = await browserOf(made, 'ada')
      expect(shown(await one.get(link)), link).toEqual(page400)
    }
    // None of them claimed it.
    expect((await open(await browserOf(made, 'ada'), good)).status).toBe(200)
  },
)

test(verifies('UIX-04', 'other parameters of the link change nothing'), async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const request_token = await requestTokenOf(await askUser(made, phone))
  const more =
    'scope=events.write&resource=https://x.example&agent=https://x.example&prompt=none&consent=1&decision=allow'
  const one = await browserOf(made, 'ada')
  const page = await open(one, `${linkOf(request_token)}&${more}`)
  expect(page.status).toBe(200)
  const text = await page.text()
  expect(text).toContain('events.read')
  expect(text).not.toContain('events.write')
  expect(text).not.toContain('x.example')
})

test(verifies('UIX-31', 'only the browser that claimed a request may decide it'), async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const request_token = await requestTokenOf(await askUser(made, phone))
  const [first, second] = [await browserOf(made, 'ada'), await browserOf(made, 'grace')]
  expect((await open(first, linkOf(request_token))).status).toBe(200)
  for (const other of [second, await browserOf(made)])
    expect(shown(await open(other, linkOf(request_token)))).toEqual(page400)
  const path = `/agent/consent?${new URLSearchParams({ request_token })}`
  expect(shown(await second.get(path))).toEqual(page400)
  expect(shown(await (await browserOf(made)).get(path))).toEqual(page400)
  const csrf = await second.csrf('/logout')
  const forced = await second.post('/agent/consent', {
    csrf,
    request_token,
    decision: 'allow',
    'scope:events.read': '',
  })
  expect(shown(forced)).toEqual(page400)
  expect(made.events.filter(event => event.type === 'consented')).toEqual([])
  // The twin: the browser that has it decides.
  const answer = await decide(first, linkOf(request_token), { decision: 'allow' })
  expect(answerOf(answer).searchParams.get('code')).toMatch(/^[\w-]{43}$/)
})

test(
  verifies('UIX-36', 'consent.claimed', 'who opens a link first and does not sign in keeps it from nobody'),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const request_token = await requestTokenOf(await askUser(made, phone))
    const [stranger, one] = [await browserOf(made), await browserOf(made, 'ada')]
    const { csrf: early = '', return_to = '' } = hiddenFields(
      await (await open(stranger, linkOf(request_token))).text(),
    )
    const page = await open(one, linkOf(request_token))
    expect(page.status).toBe(200)
    const { csrf = '' } = hiddenFields(await page.text())
    // Signed in too late, the stranger finds that it is claimed: by the page that waited for the sign-in, by the link, and by the form.
    await stranger.post('/login/demo', { csrf: early, return_to, subject: 'grace' })
    for (const path of [return_to, linkOf(request_token), `/agent/consent?request_token=${request_token}`])
      expect(shown(await open(stranger, path)), path).toEqual(page400)
    // With the form of the browser that claimed it neither: it is bound to the session there (login CSRF, session fixation).
    const form = { request_token, decision: 'allow', 'scope:events.read': 'on' }
    expect((await stranger.post('/agent/consent', { ...form, csrf })).status).toBe(403)
    const own = await stranger.csrf('/logout')
    expect(shown(await stranger.post('/agent/consent', { ...form, csrf: own }))).toEqual(page400)
    expect(made.events.filter(event => event.type === 'consented')).toEqual([])
    // The twin.
    const answer = await one.post('/agent/consent', { ...form, csrf })
    expect(answerOf(answer).searchParams.get('code')).toMatch(/^[\w-]{43}$/)
  },
)

test(
  verifies('UIX-36', 'consent.claimed', 'the URL of the page claims nothing without the mark of the link'),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const ask = async (state: string) => requestTokenOf(await askUser(made, phone, { form: { state } }))
    const [first, second] = [await ask('s1'), await ask('s2')]
    const one = await browserOf(made, 'ada')
    const path = async (request_token: string, state: string) =>
      (await one.get(linkOf(request_token, { state }))).headers.get('location') ?? ''
    const [own, others] = [await path(first, 's1'), await path(second, 's2')]
    const mark = (target: string) => new URLSearchParams(target.slice(target.indexOf('?'))).get('link') ?? ''
    expect(mark(own)).not.toBe(mark(others))
    const guesses = [
      '',
      '&link=',
      `&link=${mark(others)}`,
      `&link=${mark(own)}&link=${mark(own)}`,
      `&link=${mark(own)}A`,
    ]
    const two = await browserOf(made, 'ada')
    for (const guess of guesses)
      expect(shown(await two.get(`/agent/consent?request_token=${first}${guess}`)), guess).toEqual(page400)
    expect((await open(one, own)).status).toBe(200)
  },
)

test(verifies('consent.browser', 'UIX-05', 'a form without the token of this session grants nothing'), async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const request_token = await requestTokenOf(await askUser(made, phone))
  const one = await browserOf(made, 'ada')
  const { csrf = '' } = hiddenFields(await (await open(one, linkOf(request_token))).text())
  const form = { request_token, decision: 'allow', 'scope:events.read': 'on' }
  const foreign = await (await browserOf(made, 'ada')).csrf('/logout')
  for (const attempt of [form, { ...form, csrf: '' }, { ...form, csrf: foreign }, { ...form, csrf: `${csrf}A` }]) {
    expect(shown(await one.post('/agent/consent', attempt))).toEqual([403, null, 'text/html; charset=utf-8'])
  }
  const elsewhere = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  expect((await one.post('/agent/consent', { ...form, csrf }, elsewhere)).status).toBe(403)
  const json = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }
  expect((await one.post('/agent/consent', { ...form, csrf }, json)).status).toBe(415)
  expect(made.events.filter(event => event.type === 'consented')).toEqual([])
  expect((await one.post('/agent/consent', { ...form, csrf })).status).toBe(303)
})

test(
  verifies(
    'UIX-13',
    'UIX-18',
    'UIX-24',
    'F-05',
    'a request that is approved several times has one code, which works once',
  ),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const request_token = await requestTokenOf(await askUser(made, phone))
    const one = await browserOf(made, 'ada')
    const { csrf = '' } = hiddenFields(await (await open(one, linkOf(request_token))).text())
    const form = { csrf, request_token, decision: 'allow', 'scope:events.read': 'on' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => one.post('/agent/consent', form)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]))
    const codes = new Set(answers.map(answer => answerOf(answer).searchParams.get('code') ?? ''))
    expect(codes.size).toBe(1)
    expect(made.events.filter(event => event.type === 'consented')).toHaveLength(1)
    const [code = ''] = codes
    // Back and reload, before the agent has fetched it: the same one.
    expect(answerOf(await open(one, linkOf(request_token))).searchParams.get('code')).toBe(code)
    await granted(await redeemCode(made, phone, { code, request_token, redirect_uri: callback }))
    expect(shown(await open(one, linkOf(request_token)))).toEqual(page400)
    expect(shown(await one.post('/agent/consent', form))).toEqual(page400)
  },
)

test(
  verifies('UIX-19', 'consent.request-token', 'F-39', 'a request lives 10 minutes, whatever the user does'),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const [late, inTime] = [
      await requestTokenOf(await askUser(made, phone)),
      await requestTokenOf(await askUser(made, phone)),
    ]
    const one = await browserOf(made, 'ada')
    const { csrf = '' } = hiddenFields(await (await open(one, linkOf(late))).text())
    await open(one, linkOf(inTime))
    made.clock.now += 599
    const approve = (request_token: string) =>
      one.post('/agent/consent', { csrf, request_token, decision: 'allow', 'scope:events.read': 'on' })
    expect((await approve(inTime)).status).toBe(303)
    made.clock.now += 1
    expect(shown(await one.get(linkOf(late)))).toEqual(page400)
    expect(shown(await approve(late))).toEqual(page400)
    expect(made.events.filter(event => event.type === 'consented')).toHaveLength(1)
  },
)

test('another user who signs in after the page was opened gets a page of their own', async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const request_token = await requestTokenOf(await askUser(made, phone))
  const one = await browserOf(made, 'ada')
  const { csrf = '' } = hiddenFields(await (await open(one, linkOf(request_token))).text())
  const form = { request_token, decision: 'allow', 'scope:events.read': 'on' }
  await signInAs(one, 'grace')
  expect((await one.post('/agent/consent', { ...form, csrf })).status).toBe(403)
  const answer = await decide(one, linkOf(request_token), { decision: 'allow' })
  expect(answer.status).toBe(303)
  const subs = made.events.flatMap(event => (event.type === 'signed_in' ? [event.sub] : []))
  expect(made.events.flatMap(event => (event.type === 'consented' ? [event.user] : []))).toEqual([subs[1]])
  // The decision is not shown to another user in the same browser.
  await signInAs(one, 'ada')
  expect((await open(one, linkOf(request_token))).headers.get('location')).toBeNull()
})

test(verifies('consent.page', 'UIX-11', 'scopes are described by their own resource only'), async () => {
  const made = await consentWorld()
  const url = 'https://calendar.example/.well-known/aauth-resource'
  const described = {
    ...Object(made.web.get(url)),
    scope_descriptions: { 'events.read': 'See your events', 'events.delete': 'Harmless' },
  }
  made.web.set(url, described)
  const phone = await delegate(made, 'phone')
  const scope = 'events.read events.write events.delete'
  const request_token = await requestTokenOf(await askUser(made, phone, { scope }))
  const text = await (await open(await browserOf(made, 'ada'), linkOf(request_token))).text()
  expect(text).toContain('See your events')
  expect(text).toContain('events.write')
  expect(text).toContain('events.delete')
  expect(text).not.toContain('Harmless')
})

const denied = '?error=access_denied&state=s1&iss=https%3A%2F%2Fauth.example'

test(
  verifies('UIX-28', 'consent.told', 'an agent that asks one user too often must wait, others need not'),
  async () => {
    const made = await consentWorld({ policy: () => 'consent' })
    const [phone, laptop] = [await delegate(made, 'phone'), await delegate(made, 'laptop')]
    const one = await browserOf(made, 'ada')
    const opened = async (signer = phone, by = one) =>
      (await open(by, linkOf(await requestTokenOf(await askUser(made, signer))))).status
    for (let turn = 0; turn < 20; turn++) expect(await opened()).toBe(200)
    // Nobody is asked: the agent is told no, and does not wait.
    for (const signer of [phone, laptop]) {
      const link = linkOf(await requestTokenOf(await askUser(made, signer)))
      const told = [await open(one, link), await open(one, link)].map(answerOf)
      expect(told.map(({ search }) => search)).toEqual([denied, denied])
    }
    const refused = made.events.filter(event => event.type === 'refused')
    expect(refused).toMatchObject([{ reason: 'asked_too_often' }, { reason: 'asked_too_often' }])
    expect(await opened(phone, await browserOf(made, 'grace'))).toBe(200)
    made.clock.now += 601
    expect(await opened()).toBe(200)
  },
)

test(verifies('DOS-08', 'error.rate-limited', 'waiting requests are limited for each agent and delegate'), async () => {
  const made = await consentWorld({ requestQuota: { agent: 3, delegate: 2 } })
  const [phone, laptop] = [await delegate(made, 'phone'), await delegate(made, 'laptop')]
  const asked = async (signer = phone) => (await askUser(made, signer)).status
  expect([await asked(), await asked()]).toEqual([200, 200])
  const response = await askUser(made, phone)
  expect(response.headers.get('retry-after')).toBe('60')
  expect(await refusalOf(response)).toEqual(plain(429, 'rate_limited', 'quota_exceeded'))
  expect([await asked(laptop), await asked(laptop)]).toEqual([200, 429])
  made.clock.now += 600
  expect(await asked()).toBe(200)
})

test('a sign-in leads back to the request that it began with', async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const request_token = await requestTokenOf(await askUser(made, phone))
  const one = await browserOf(made)
  const login = await open(one, linkOf(request_token))
  expect(login.status).toBe(200)
  const page = await login.text()
  const { csrf = '', return_to = '' } = hiddenFields(page)
  const mark = /^[\w-]{43}$/
  const [path = '', link = ''] = return_to.split('&link=')
  expect([path, link]).toEqual([`/agent/consent?request_token=${request_token}`, expect.stringMatching(mark)])
  // It says who asks, as verified; a path of any other kind, or a request that is none, says nothing.
  expect(textOf(page)).toContain('agent.example asks for your access to calendar.example . You decide on the next page')
  expect(textOf(await (await one.get('/login')).text())).not.toContain('agent.example')
  const unknown = `/login?${new URLSearchParams({ return_to: '/agent/consent?request_token=none' })}`
  expect(textOf(await (await one.get(unknown)).text())).not.toContain('You decide')
  expect(textOf(await (await (await browserOf(made)).get('/device')).text())).toContain(
    'type in the code that it shows',
  )
  const back = await one.post('/login/demo', { csrf, return_to, subject: 'ada' })
  expect(back.headers.get('location')).toBe(return_to)
  expect(await (await open(one, return_to)).text()).toContain('events.read')
  await allowedCode(made, phone, { one })
})
