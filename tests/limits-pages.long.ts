import { verifies } from '@countersign/requirements'
import { part } from '@countersign/testing/json-web-token'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { consentPlace } from './consent-place.fixture.js'
import { follow, press, reach } from './keyboard.fixture.js'

// The pages on which users set limits and approve single calls, in a real browser, without script.

const at = visit(() =>
  consentPlace(
    {},
    {
      constraints_supported: ['until', 'hours', 'calls', 'data', 'approval'],
      operations: {
        invite: 'Invite somebody to an event',
        purge: { description: 'Delete a whole calendar', grave: true },
      },
      data_views: { titles: { description: 'Titles and times, no guests and no notes', fields: ['/items/*/title'] } },
    },
  ),
)

const display = ['Invite ', 'bob@example.org', ' to ', 'Chess at eight', '.']

/** A call that is asked about; each number is another one. */
const call = (number: number) => ({
  scope: 'events.write',
  operation: { name: 'invite', digest: `${String(number).padStart(42, 'A')}E`, display },
})

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name }).click({ timeout: 10_000 })
}

/** The claims of the token for the code that has just come back. */
async function redeem(link: string): Promise<Record<string, unknown>> {
  const answered = new URL(at.place.arrived.at(-1)?.url ?? '', at.place.agent)
  const tokens = await at.place.token({
    request_type: 'code',
    code: answered.searchParams.get('code') ?? '',
    request_token: new URL(link).searchParams.get('request_token') ?? '',
    redirect_uri: `${at.place.agent}/callback`,
  })
  return part(tokens['auth_token'], 1)
}

async function arrive(page: Page): Promise<void> {
  await page.waitForURL(`${at.place.calendar}/after`)
}

/** Puts a question into the inbox of a user. */
const askInInbox = (sub: unknown, number: number): Promise<unknown> =>
  at.place.token(
    { request_type: 'auth', answer: 'inbox', purpose: 'To get the chess club together.' },
    { sub, ...call(number) },
  )

when(
  verifies(
    'consent.page',
    'approval.limits',
    `the keyboard alone is enough: limits, more limits, approvals here and there, a no to all, and the way back${why}`,
  ),
  async () => {
    const context = await at.browser.newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } })
    const page = await context.newPage()
    const link = await at.place.ask()
    await page.goto(link)
    await follow(page, 'Alan Turing')
    expect(await page.getByLabel('Most calls a day').isVisible()).toBe(false)
    await press(page, 'Set limits', 'Enter')
    await reach(page, 'duration=open')
    // Back to "For 30 days".
    await page.keyboard.press('ArrowUp')
    // All of them, since the code is redeemed on one.
    for (let day = 1; day <= 7; day++) await press(page, `day:${day}=on`)
    await reach(page, 'calls=')
    await page.keyboard.type('20')
    await press(page, 'ask:invite=on')
    await follow(page, 'Allow')
    await arrive(page)
    const { constraints, sub } = await redeem(link)
    expect(constraints).toEqual([
      { type: 'until', time: expect.any(Number) },
      { type: 'hours', zone: expect.any(String), days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00' },
      { type: 'calls', max: 20, per: 'day' },
      { type: 'approval', resource: at.place.calendar, of: ['invite'] },
    ])

    await page.goto(`${at.place.auth}/account`)
    expect(await page.getByText('At most 20 calls a day').isVisible()).toBe(true)
    await follow(page, 'Add limits at')
    await page.getByRole('heading', { level: 1, name: 'Add limits' }).waitFor()
    await reach(page, 'calls=')
    await page.keyboard.type('3')
    await follow(page, 'Add these limits')
    await page.getByText('The limits are set.').waitFor()
    expect(await page.getByText('At most 3 calls a day').isVisible()).toBe(true)

    await follow(page, 'Approvals')
    await follow(page, 'Turn the inbox on')
    await page.getByText('The inbox is on.').waitFor()
    await askInInbox(sub, 1)
    await page.goto(`${at.place.auth}/account/approvals`)
    await follow(page, 'Look and answer')
    await follow(page, 'Approve once')
    await page.getByText('Approved. The agent goes on by itself.').waitFor()

    const asked = await at.place.ask({}, { sub, ...call(2) })
    await page.goto(asked)
    await follow(page, 'Approve once')
    await arrive(page)
    expect(await redeem(asked)).toMatchObject({ operation_digest: call(2).operation.digest })

    await askInInbox(sub, 3)
    await page.goto(`${at.place.auth}/account/approvals`)
    await follow(page, 'Look and answer')
    await follow(page, 'No, and stop asking')
    await page.getByText('The agent is not to ask you again there').waitFor()
    await expect(askInInbox(sub, 4)).rejects.toThrow('approval_stopped')
    await follow(page, 'Let it ask again')
    await page.getByText('It may ask you again').waitFor()
    expect(await askInInbox(sub, 4)).toHaveProperty('request_token')
    await context.close()
  },
)

const looks = [
  { lang: 'en', colorScheme: 'light', width: 390, limits: 'Set limits' },
  { lang: 'de', colorScheme: 'dark', width: 390, limits: 'Grenzen setzen' },
  { lang: 'de', colorScheme: 'light', width: 1280, limits: 'Grenzen setzen' },
  { lang: 'en', colorScheme: 'dark', width: 1280, limits: 'Set limits' },
] as const

when(`the same pages pass axe and are no wider than the screen, small and large, light and dark${why}`, async () => {
  const context = await at.browser.newContext({ bypassCSP: true })
  const page = await context.newPage()
  const allowed = await at.place.ask({}, { scope: 'events.write' })
  await page.goto(allowed)
  await signIn(page, 'Grace Hopper')
  await page.getByRole('button', { name: 'Allow' }).click()
  await arrive(page)
  const { sub } = await redeem(allowed)
  await page.goto(`${at.place.auth}/account/approvals`)
  await page.getByRole('button', { name: 'Turn the inbox on' }).click()
  // One that is approved, and one that waits.
  const first = await at.place.ask({}, { sub, ...call(11) })
  await page.goto(first)
  await page.getByRole('button', { name: 'Approve once' }).click()
  await arrive(page)
  await askInInbox(sub, 12)
  await page.goto(`${at.place.auth}/account/approvals`)
  const question = (await page.getByRole('link', { name: 'Look and answer' }).getAttribute('href')) ?? ''
  await page.goto(`${at.place.auth}/account`)
  const limits = (await page.getByRole('link', { name: 'Add limits at' }).getAttribute('href')) ?? ''
  const [consent, approval] = [
    await at.place.ask({ purpose: 'W'.repeat(200) }),
    await at.place.ask({}, { sub, ...call(13) }),
  ]
  const targets = { consent, limits, approvals: '/account/approvals', approval, question, account: '/account' }
  for (const { lang, colorScheme, width, limits: summary } of looks) {
    await page.setExtraHTTPHeaders({ 'accept-language': lang })
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 844 })
    for (const [name, target] of Object.entries(targets)) {
      await page.goto(new URL(target, at.place.auth).href)
      const what = `${name}, ${lang}, ${colorScheme}, ${width}`
      expect(await page.locator('html').getAttribute('lang'), what).toBe(lang)
      if (name === 'consent') await page.locator('summary', { hasText: summary }).click()
      await checkAxe(page, what)
      expect(await page.evaluate(() => document.documentElement.scrollWidth), what).toBeLessThanOrEqual(width)
    }
  }
  await context.close()
})
