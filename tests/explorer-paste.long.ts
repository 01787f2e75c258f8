import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { startPlayground } from './playground-place.fixture.js'
import { root, stand } from './processes.fixture.js'

// The paste box in a real browser: as a view of the playground, and as a page in one file.

let base: number
const at = visit(async () => {
  const place = stand()
  base = await startPlayground(place)
  return place
})

const file = pathToFileURL(join(root, 'apps/playground/page-dist/paste.html')).href

/** A page, and what went wrong in it. */
async function open(url: string, width = 1280): Promise<{ readonly page: Page; readonly faults: string[] }> {
  const page = await at.browser.newPage({ viewport: { width, height: 844 } })
  const faults: string[] = []
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') faults.push(message.text())
  })
  await page.goto(url)
  return { page, faults }
}

/** The verdict that is announced, once it has this text. */
async function verdict(page: Page, text: string): Promise<void> {
  await page.getByRole('status').filter({ hasText: text }).waitFor({ timeout: 10_000 })
}

/** Tries the examples and reads what the page says of them. */
async function tryExamples(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'A right request' }).click()
  await verdict(page, 'This request is right: its signature verifies.')
  expect(await page.locator('.checks > li[data-result="passed"]').count()).toBe(12)
  await page.getByRole('button', { name: 'One byte changed' }).click()
  await verdict(page, 'A receiver refuses this request, at “Digest of the body”')
  expect(await page.locator('.checks > li[data-result="failed"] .title').textContent()).toMatch(
    /^Digest of the body failed/,
  )
  expect(await page.locator('.findings').textContent()).toContain('digest_wrong')
  await page.getByRole('button', { name: 'A token' }).click()
  await verdict(page, 'This auth token is in order, and its issuer signed it.')
  expect(await page.locator('.claims .claim').allTextContents()).toContain('constraints')
  await page.getByRole('button', { name: 'A challenge' }).click()
  await verdict(page, 'This challenge asks an agent: Get an auth token from the auth server')
  await page.getByRole('button', { name: 'Conditions' }).click()
  await verdict(page, 'A receiver understands all')
  expect(await page.locator('.conditions li').count()).toBeGreaterThan(1)
  await page.getByRole('button', { name: 'A signature base' }).click()
  await verdict(page, 'This is a well-formed signature base.')
}

when(
  `what is pasted is judged while it is typed, and the result is announced${why}`,
  async () => {
    const { page, faults } = await open(`http://localhost:${base}/paste`)
    await tryExamples(page)
    const box = page.getByLabel('A request, token, challenge, condition or signature base')
    await box.fill('[{"type":"scopse","any":["mail.read"]}]')
    await verdict(page, 'Every receiver refuses a token with this list')
    expect(await page.locator('.findings').textContent()).toContain('condition_malformed')
    // Text is set as text: what is pasted never becomes a part of the page.
    await box.fill('GET /<img/src=x/onerror=alert(1)> HTTP/1.1\nHost: <b>a</b>\n\n')
    await verdict(page, 'This request cannot be read.')
    expect(await page.locator('.paste-result img, .paste-result b').count()).toBe(0)
    expect(faults).toEqual([])
    await page.close()
  },
  120_000,
)

when(
  `a component that is pointed at is marked in the base and in the request, by keyboard too${why}`,
  async () => {
    const { page } = await open(`http://localhost:${base}/paste`)
    await page.getByRole('button', { name: 'One byte changed' }).click()
    await page.getByRole('tab', { name: 'Checks' }).focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.getByRole('tab', { name: 'Signature' }).getAttribute('aria-selected')).toBe('true')
    await page.locator('.components button', { hasText: 'content-digest' }).focus()
    expect(await page.locator('.base li[data-marked="true"]').textContent()).toContain('"content-digest": sha-256=:')
    expect(await page.locator('.headers li[data-marked="true"]').textContent()).toContain('content-digest: sha-256=:')
    await page.locator('.components button', { hasText: '@path' }).focus()
    expect(await page.locator('.base li[data-marked="true"]').textContent()).toContain('"@path": /events/new')
    expect(await page.locator('.wire .start').getAttribute('data-marked')).toBe('true')
    await page.close()
  },
  60_000,
)

when(
  `saved as a file it works without a server, and can send nothing anywhere${why}`,
  async () => {
    const served = await fetch(`http://localhost:${base}/paste.html`)
    expect(served.headers.get('content-disposition')).toBe('attachment; filename="countersign-paste.html"')
    const { page, faults } = await open(file)
    const requests: string[] = []
    page.on('request', request => requests.push(request.url()))
    await tryExamples(page)
    expect(faults).toEqual([])
    expect(requests).toEqual([])
    const fetched = await page.evaluate(
      `fetch('http://localhost:${base}/api/house').then(() => 'sent', () => 'not sent')`,
    )
    expect(fetched).toBe('not sent')
    await page.close()
  },
  60_000,
)

when(
  `it fits a phone, shows the result of a click without scrolling, and axe finds no fault, light and dark${why}`,
  async () => {
    for (const url of [`http://localhost:${base}/paste`, file])
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page } = await open(url, 390)
        await page.emulateMedia({ colorScheme })
        for (const example of ['A right request', 'One byte changed', 'A token', 'Conditions']) {
          await page.getByRole('button', { name: example }).click()
          await page.locator('.verdict strong').waitFor()
          await page.waitForTimeout(600)
          expect(await page.evaluate(() => document.documentElement.scrollWidth), example).toBe(390)
          const box = await page.locator('.verdict').boundingBox()
          expect((box?.y ?? 9999) + 30, example).toBeLessThan(844)
          await checkAxe(page, `${example} in ${colorScheme}`)
        }
        await page.getByRole('button', { name: 'One byte changed' }).click()
        for (const tab of ['Signature', 'Tokens']) {
          await page.getByRole('tab', { name: tab }).click()
          expect(await page.evaluate(() => document.documentElement.scrollWidth), tab).toBe(390)
          await checkAxe(page, `${tab} in ${colorScheme}`)
        }
        await page.close()
      }
  },
  120_000,
)
