import { verifies } from '@countersign/requirements'
import {
  allowedCode,
  answerOf,
  askUser,
  browserOf,
  consentWorld,
  decide,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { textOf } from '@countersign/testing/auth/consent-page'
import { delegate, send, type World } from '@countersign/testing/auth/world'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

/** Publishes the calendar with these words for `events.read`; what the auth server had read of it is old by then. */
function say(made: World, words: string | undefined, more: Record<string, unknown> = {}): void {
  publishResource(made, 'https://calendar.example', [made.resourceKey], {
    supported_scopes: ['events.read', 'events.write'],
    ...(words === undefined ? {} : { scope_descriptions: { 'events.read': words } }),
    ...more,
  })
  made.clock.now += 400
}

const [before, after] = ['See your events', 'See your events, and those of your friends']

test(
  verifies(
    'UIX-38',
    'consent.words.changed',
    'a remembered yes is to its words: with others the user is asked once more',
  ),
  async () => {
    const made = await consentWorld()
    say(made, before)
    const phone = await delegate(made, 'phone', { claims: { exp: made.clock.now + 86_400 } })
    const one = await browserOf(made, 'ada')
    const { refresh_token } = await bodyOf(await redeemCode(made, phone, await allowedCode(made, phone, { one })))
    const ask = async () => linkOf(await requestTokenOf(await askUser(made, phone)))
    // The twin: with the same words nobody is asked again.
    expect(answerOf(await open(one, await ask())).searchParams.get('code')).not.toBeNull()
    say(made, after)
    const page = await open(one, await ask())
    expect(page.status).toBe(200)
    expect(textOf(await page.text())).toContain(`${after} events.read You agreed before to: “ ${before} ”`)
    // What was allowed goes on, as it was allowed.
    expect((await send(made, phone, { request_type: 'refresh', refresh_token: String(refresh_token) })).status).toBe(
      200,
    )
    // A consent to the new words is remembered with them.
    expect(answerOf(await decide(one, await ask(), { decision: 'allow' })).searchParams.get('code')).not.toBeNull()
    expect(answerOf(await open(one, await ask())).searchParams.get('code')).not.toBeNull()
    // Words that are gone are others, too.
    say(made, undefined)
    expect((await open(one, await ask())).status).toBe(200)
  },
)

test(verifies('UIX-38', 'consent.words.changed', 'the account page shows both wordings side by side'), async () => {
  const made = await consentWorld()
  say(made, before)
  const phone = await delegate(made, 'phone')
  const one = await browserOf(made, 'ada')
  await redeemCode(made, phone, await allowedCode(made, phone, { one }))
  const account = async () => textOf(await (await one.get('/account')).text())
  expect(await account()).toContain(before)
  expect(await account()).not.toContain('now')
  say(made, after, { grave_scopes: ['events.read'] })
  expect(await account()).toContain(
    `${before} events.read It now says: “ ${after} ” calendar.example now calls this far-reaching.`,
  )
  say(made, undefined)
  expect(await account()).toContain(`${before} events.read calendar.example does not say what this means.`)
})
