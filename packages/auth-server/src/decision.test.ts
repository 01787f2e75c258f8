import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import {
  allowRedirects,
  answerOf,
  askUser,
  browserOf,
  callback,
  consentWorld,
  decide,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { delegate, granted, type World } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, test } from 'vitest'
import { migrations, type Tables } from './tables/tables.js'

const databases = await databasesForTests(2)

/** Seconds after which the auth server reads metadata again. */
const cached = 301

/** The agent gives up its callback, or takes it back, as the auth server sees it from now on. */
function publish(made: World, redirect_uris: readonly string[]): void {
  allowRedirects(made, { redirect_uris })
  made.clock.now += cached
}

/** The calendar says this of `events.read`, as the auth server sees it from now on. */
function describe(made: World, words: string): void {
  const url = 'https://calendar.example/.well-known/aauth-resource'
  made.web.set(url, { ...Object(made.web.get(url)), scope_descriptions: { 'events.read': words } })
  made.clock.now += cached
}

test.each(['allow', 'deny'])(
  verifies('UIX-33', 'a redirect_uri that the agent no longer lists gets no answer, whether the user says %s'),
  async decision => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const request_token = await requestTokenOf(await askUser(made, phone))
    const ada = await browserOf(made, 'ada')
    const page = await (await open(ada, linkOf(request_token))).text()
    const form = { ...hiddenFields(page), decision, 'scope:events.read': 'on' }
    publish(made, ['https://app.example/new'])
    const refused = await ada.post('/agent/consent', form)
    expect([refused.status, refused.headers.get('location')]).toEqual([400, null])
    expect(await refused.text()).toContain('no longer takes answers')
    expect(made.events.some(({ type }) => type === 'consented' || type === 'declined')).toBe(false)
    // The twin: the same form, once the agent names the address again.
    allowRedirects(made, { redirect_uris: [callback] })
    made.clock.now += cached
    const again = await requestTokenOf(await askUser(made, phone))
    const answer = answerOf(await decide(ada, linkOf(again), { decision: decision === 'allow' ? 'allow' : 'deny' }))
    expect(answer.href.startsWith(callback)).toBe(true)
  },
)

test(
  verifies(
    'UIX-33',
    'neither a remembered nor an earlier decision goes to a redirect_uri that the agent no longer lists',
  ),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const ada = await browserOf(made, 'ada')
    const first = linkOf(await requestTokenOf(await askUser(made, phone)))
    answerOf(await decide(ada, first, { decision: 'allow' }))
    const second = linkOf(await requestTokenOf(await askUser(made, phone)))
    publish(made, ['https://app.example/new'])
    expect((await open(ada, second)).status).toBe(400)
    publish(made, [callback])
    const third = linkOf(await requestTokenOf(await askUser(made, phone)))
    expect(answerOf(await open(ada, third)).searchParams.get('code')).not.toBeNull()
    // The same link again, within the life of its code.
    expect(answerOf(await open(ada, third)).searchParams.get('code')).not.toBeNull()
  },
)

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'consent.words',
      `on ${name}: a consent is to the descriptions that were shown, and the grant keeps them${away}`,
    ),
    async () => {
      const database = url()
      const made = await consentWorld({ database })
      const phone = await delegate(made, 'phone')
      const ada = await browserOf(made, 'ada')
      describe(made, 'See your events')
      const request_token = await requestTokenOf(await askUser(made, phone))
      const page = await (await open(ada, linkOf(request_token))).text()
      expect(page).toContain('See your events')
      const form = { ...hiddenFields(page), decision: 'allow', 'scope:events.read': 'on' }
      describe(made, 'See and sell your events')
      const shown = await ada.post('/agent/consent', form)
      const changed = await shown.text()
      expect(shown.status).toBe(200)
      expect(changed).toMatch(/role="alert".*has just changed what it says/s)
      expect(changed).toContain('See and sell your events')
      const answer = answerOf(await ada.post('/agent/consent', { ...form, ...hiddenFields(changed) }))
      const code = answer.searchParams.get('code') ?? ''
      await granted(await redeemCode(made, phone, { code, request_token, redirect_uri: callback }))

      // What is remembered is what was read: a grant from memory keeps the same words, and other words are asked about anew.
      const later = await requestTokenOf(await askUser(made, phone))
      const next = answerOf(await open(ada, linkOf(later))).searchParams.get('code') ?? ''
      await granted(await redeemCode(made, phone, { code: next, request_token: later, redirect_uri: callback }))
      describe(made, 'Something else')
      const anew = await open(ada, linkOf(await requestTokenOf(await askUser(made, phone))))
      expect([anew.status, await anew.text()]).toEqual([200, expect.stringContaining('Something else')])
      const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
      const grants = await store.db.selectFrom('auth_server_grants').select('words').execute()
      expect(grants.map(({ words }) => JSON.parse(words ?? ''))).toEqual([
        { 'events.read': 'See and sell your events' },
        { 'events.read': 'See and sell your events' },
      ])
      await store.close()
      await made.auth.close()
    },
  )
}
