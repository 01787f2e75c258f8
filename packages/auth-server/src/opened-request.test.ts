import { verifies } from '@countersign/requirements'
import { signInAs } from '@countersign/testing/auth/browser'
import {
  answerOf,
  askUser,
  browserOf,
  consentWorld,
  decide,
  linkOf,
  open,
  page400,
  requestTokenOf,
  shown,
} from '@countersign/testing/auth/consent'
import { delegate } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { expect, test } from 'vitest'

// What a browser makes of requests that it has opened: several at once, late, framed, and after its user has gone.

test(
  verifies('consent.claimed', 'two links opened at once in a fresh browser both lead to their answers'),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const ask = async () => requestTokenOf(await askUser(made, phone))
    const [first, second] = [await ask(), await ask()]
    const one = await browserOf(made)
    // Neither is sent with a cookie, and what the last answer sets stays.
    await Promise.all([one.get(linkOf(first)), one.get(linkOf(second))])
    await signInAs(one, 'ada')
    for (const request_token of [first, second]) {
      const answer = await decide(one, linkOf(request_token), { decision: 'allow' })
      expect(answerOf(answer).searchParams.get('code')).not.toBeNull()
    }
  },
)

test(verifies('UIX-32', 'of two pages that are open in a browser, each yes decides its own request'), async () => {
  const made = await consentWorld()
  const [phone, laptop] = [await delegate(made, 'phone'), await delegate(made, 'laptop')]
  const ask = async (signer: typeof phone, state: string) =>
    requestTokenOf(await askUser(made, signer, { form: { state } }))
  const [first, second] = [await ask(phone, 's1'), await ask(laptop, 's2')]
  const one = await browserOf(made, 'ada')
  const page = hiddenFields(await (await open(one, linkOf(first, { state: 's1' }))).text())
  const later = hiddenFields(await (await open(one, linkOf(second, { state: 's2' }))).text())
  const yes = { decision: 'allow', 'scope:events.read': 'on' }
  expect(answerOf(await one.post('/agent/consent', { ...page, ...yes })).searchParams.get('state')).toBe('s1')
  expect(made.events.flatMap(event => (event.type === 'consented' ? [event.delegate] : []))).toEqual(['phone'])
  expect(answerOf(await one.post('/agent/consent', { ...later, ...yes })).searchParams.get('state')).toBe('s2')
})

test(verifies('consent.claimed', 'of many links opened at once in a fresh browser, all work'), async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const tokens: string[] = []
  for (let count = 0; count < 12; count++) tokens.push(await requestTokenOf(await askUser(made, phone)))
  const one = await browserOf(made)
  await Promise.all(tokens.map(token => one.get(linkOf(token))))
  // A link leaves nothing in the browser but its one cookie, however many it opens.
  expect(one.cookies.size).toBe(1)
  await signInAs(one, 'ada')
  for (const token of tokens) expect((await open(one, linkOf(token))).status).toBe(200)
})

test(
  verifies('consent.claimed', 'a browser loses the requests that it opened once its user has signed out'),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const request_token = await requestTokenOf(await askUser(made, phone))
    const one = await browserOf(made, 'ada')
    expect((await open(one, linkOf(request_token))).status).toBe(200)
    const thief = await browserOf(made, 'grace')
    expect(shown(await open(thief, linkOf(request_token)))).toEqual(page400)
    expect((await open(one, linkOf(request_token))).status).toBe(200)
    await one.post('/logout', { csrf: await one.csrf('/logout') })
    expect([...one.cookies.keys()]).toEqual([])
    expect(shown(await open(one, linkOf(request_token)))).toEqual(page400)
  },
)

test(verifies('UIX-19', 'consent.request-token', 'a request expires while its user signs in'), async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const late = await requestTokenOf(await askUser(made, phone))
  const one = await browserOf(made)
  const { csrf = '', return_to = '' } = hiddenFields(await (await open(one, linkOf(late))).text())
  made.clock.now += 300
  const inTime = await requestTokenOf(await askUser(made, phone))
  await open(one, linkOf(inTime))
  made.clock.now += 300
  const back = await one.post('/login/demo', { csrf, return_to, subject: 'ada' })
  expect(back.headers.get('location')).toBe(return_to)
  expect(shown(await one.get(return_to))).toEqual(page400)
  expect(shown(await one.get(linkOf(late)))).toEqual(page400)
  // The twin: asked later, it still waits.
  expect((await open(one, linkOf(inTime))).status).toBe(200)
})

test(verifies('UIX-07', 'consent.browser', 'no page of a request can be framed, whatever it says'), async () => {
  const made = await consentWorld({ deviceFlow: 'any' })
  const phone = await delegate(made, 'phone')
  const request_token = await requestTokenOf(await askUser(made, phone))
  const one = await browserOf(made, 'ada')
  const consent = await open(one, linkOf(request_token))
  const hidden = hiddenFields(await consent.clone().text())
  const csrf = await one.csrf('/device')
  const answers = [
    consent,
    await one.post('/agent/consent', { ...hidden, decision: 'allow' }),
    await one.post('/agent/consent', { ...hidden, decision: 'neither' }),
    await one.post('/agent/consent', {}),
    await one.get('/agent/authorize?request_token=wrong'),
    await one.get('/agent/consent?request_token=wrong'),
    await one.get('/device'),
    await one.post('/device', { csrf, user_code: 'BBBB-BBBB' }),
    await one.post('/agent/consent', { ...hidden, decision: 'deny' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 403, 400, 400, 200, 400, 303])
  for (const { headers, status } of answers) {
    expect(headers.get('x-frame-options')).toBe('DENY')
    if (status !== 303) expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  }
})
