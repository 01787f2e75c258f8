import type { BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { AdminPlace } from './admin-place.fixture.js'
import type { Visit } from './chromium.fixture.js'

/** A browser that is signed in at the admin page. */
export interface AdminVisitor {
  readonly page: Page
  readonly context: BrowserContext
  /** Faults that the page told the browser. */
  readonly faults: string[]
}

/** Signs a browser in by a link. */
export async function adminVisitor(
  at: Visit<AdminPlace>,
  name = 'root',
  options: BrowserContextOptions = {},
): Promise<AdminVisitor> {
  const context = await at.browser.newContext(options)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', error => faults.push(String(error)))
  page.on('console', message => {
    if (message.type() === 'error') faults.push(message.text())
  })
  await page.goto(await at.place.link(name))
  await page.getByRole('button', { name: 'Sign in with this browser' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  return { page, context, faults }
}

/** A link of the navigation. */
export function menu(page: Page, name: string): Locator {
  return page.getByRole('navigation', { name: 'Pages', exact: true }).getByRole('link', { name, exact: true })
}

/** Goes to a page by its address. */
export async function go(page: Page, address: string, heading: string): Promise<void> {
  await page.goto(`${new URL(page.url()).origin}/#/${address}`)
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
  await expect.poll(() => page.locator('main[aria-busy]').count()).toBe(0)
}

/** Presses a button that asks first, and says yes. Resolves with what was asked. */
export async function confirmed(page: Page, button: string, yes: string): Promise<string> {
  await page.locator('main').getByRole('button', { name: button, exact: true }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.waitFor()
  const asked = (await dialog.textContent()) ?? ''
  await dialog.getByRole('button', { name: yes, exact: true }).click()
  return asked
}

/** Waits for what the page says that it has done. */
export function told(page: Page, words: string | RegExp): Promise<void> {
  return page.getByRole('status').filter({ hasText: words }).waitFor()
}

/** Markup, direction marks, invisible characters, and a pile of accents: names that strangers choose. */
export const hostileNames: readonly string[] = [
  '"><img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>',
  'pipeline\u202egnp.exe',
  'pay\u200bpal\u2066',
  `z${'\u0301'.repeat(40)}`,
  'line\nbreak\ttab',
  '\u{e0041}\u{e0042}tags',
  'x'.repeat(250),
]
