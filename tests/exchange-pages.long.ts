import { verifies } from '@countersign/requirements'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { exchangePlace } from './exchange-place.fixture.js'

// The pages of an exchange in a real browser, over two auth servers: what a user sees before they decide.
// In order: what one test has the user connect, the next one finds connected.

const at = visit(exchangePlace)

const narrow = { width: 360, colorScheme: 'light' } as const
const wide = { width: 1280, colorScheme: 'dark' } as const

/** A fresh browser profile, in which axe may run, at the page of an exchange for a user of the first auth server. */
async function open(o: typeof narrow | typeof wide, user: string): Promise<Page> {
  const viewport = { width: o.width, height: 900 }
  const context = await at.browser.newContext({ viewport, colorScheme: o.colorScheme, bypassCSP: true })
  const page = await context.newPage()
  await page.goto(at.place.linkOf(await at.place.exchange(await at.place.upstreamToken(user), 'rooms.book')))
  return page
}

/** Signs in at the second auth server, then at the first, and comes back to the page that asks about both. */
async function reachLinkPage(page: Page, { here, there: other }: { here: string; there: string }): Promise<void> {
  await page.getByRole('button', { name: here, exact: true }).click()
  await page.getByRole('button', { name: other, exact: true }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByRole('heading', { name: 'Are both accounts yours?' }).waitFor()
}

/** Expects the way of the mandate on the consent page, from the top. */
async function readChain(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1, name: 'asks for your access' }).waitFor()
  const steps = await page.getByRole('listitem').allTextContents()
  const { agent, calendar, rooms, one } = Object.fromEntries(
    Object.entries(at.place).map(([name, id]) => [name, String(id).replace('http://', '')]),
  )
  expect(steps.slice(0, 3).map(text => text.replaceAll(/\s+/g, ' '))).toEqual([
    `${agent}began it`,
    expect.stringContaining(`${calendar}was asked by the one above, as ${one} allowed, and now asks you`),
    expect.stringContaining(`${rooms}is asked next, if you allow it here`),
  ])
}

/** Expects a page without faults, no wider than the screen. */
async function look(page: Page, what: string): Promise<void> {
  await checkAxe(page, what)
  const [width, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
  expect(width, what).toBeLessThanOrEqual(screen ?? 0)
}

async function arrive(page: Page): Promise<string> {
  await page.waitForURL(`${at.place.calendar}/interact/callback?**`)
  const url = page.url()
  await page.context().close()
  return url
}

when(
  verifies(
    'link.asks',
    'consent.page',
    'UIX-25',
    `a user connects two accounts, sees who asks whom, and refuses${why}`,
  ),
  async () => {
    const page = await open(narrow, 'Eve')
    await reachLinkPage(page, { here: 'Grace', there: 'Eve' })
    await look(page, 'link, narrow and light')
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await readChain(page)
    await look(page, 'consent, narrow and light')
    await page.getByRole('button', { name: 'Refuse' }).click()
    expect(await arrive(page)).toContain('error=access_denied')
  },
)

when(
  verifies('link.same-user', `a user whom the question is not for sees the reason, and nothing more${why}`),
  async () => {
    const page = await open(narrow, 'Eve')
    await page.getByRole('button', { name: 'Ada' }).click()
    await page.getByRole('heading', { name: 'This was refused' }).waitFor()
    expect(await page.getByText('for another user than the one who is signed in').isVisible()).toBe(true)
    await look(page, 'refused, narrow and light')
    await page.context().close()
  },
)

when(`whose accounts are connected sees who asks whom at once, and allows it${why}`, async () => {
  const page = await open(wide, 'Eve')
  await page.getByRole('button', { name: 'Grace' }).click()
  await readChain(page)
  await look(page, 'consent, wide and dark')
  await page.getByRole('button', { name: 'Allow' }).click()
  expect(await arrive(page)).toContain('code=')
})

when(verifies('link.asks', `who does not want their accounts connected has refused${why}`), async () => {
  const page = await open(wide, 'Ada Lovelace')
  await reachLinkPage(page, { here: 'Ada ada@rooms.example', there: 'Ada Lovelace' })
  await look(page, 'link, wide and dark')
  await page.getByRole('button', { name: 'Do not connect' }).click()
  expect(await arrive(page)).toContain('error=access_denied')
})
