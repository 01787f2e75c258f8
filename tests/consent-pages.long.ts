import { createServer } from 'node:http'
import { verifies } from '@countersign/requirements'
import { listenOn } from '@countersign/testing/listening'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import { loopbackPage, loopbackPolicy } from '../packages/agent/src/interact/loopback-page.js'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { consentPlace } from './consent-place.fixture.js'
import { follow } from './keyboard.fixture.js'

// The auth server's pages in a real browser, without script: what a user sees, and what another site cannot do.

const at = visit(consentPlace)

/** A fresh browser profile; no script runs in its pages. */
async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await at.browser.newContext({ javaScriptEnabled: false, ...options })
  return context.newPage()
}

async function signIn(page: Page, name: string): Promise<void> {
  const button = page.getByRole('button', { name })
  await button.click({ timeout: 10_000 }).catch(async (cause: unknown) => {
    throw new Error(`${name} is not on ${page.url()}: ${await page.locator('body').textContent()}`, { cause })
  })
}

when(
  verifies('consent.page', 'consent.browser', 'UIX-25', `a user signs in, allows less than asked, and arrives${why}`),
  async () => {
    const page = await open()
    const hosts = new Set<string>()
    const faults: string[] = []
    page.on('request', request => hosts.add(request.url().replace(/^(https?:\/\/[^/]+|data:).*/s, '$1')))
    page.on('console', message => faults.push(`${message.location().url}: ${message.text()}`))
    await page.goto(await at.place.ask())
    await signIn(page, 'Ada Lovelace')
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toMatch(
      /^\s*localhost:\d+\s+asks for your access to localhost:\d+$/,
    )
    expect(await page.getByText('nobody has checked this').isVisible()).toBe(true)
    expect(await page.locator('img').evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1)
    expect(await page.getByRole('checkbox').count()).toBe(3)
    // The page loaded nothing from other hosts: the logo is part of it.
    expect([...hosts]).toEqual([at.place.auth])
    await page.getByRole('checkbox', { name: 'Add, change and delete events' }).uncheck()
    const before = at.place.arrived.length
    await page.getByRole('button', { name: 'Allow' }).click()
    // On over two more origins, which form-action must let pass.
    await page.waitForURL(`${at.place.calendar}/after`)
    const [callback, ...more] = at.place.arrived.slice(before)
    expect(more).toEqual([])
    expect(callback?.url).toMatch(/^\/callback\?code=[\w.-]+&state=s1&iss=http%3A%2F%2Flocalhost%3A\d+$/)
    expect(callback?.referer).toBeUndefined()
    expect(faults).toEqual([])
    await page.context().close()
  },
)

when(`the keyboard alone is enough, to refuse as to allow${why}`, async () => {
  for (const [button, answer] of [
    ['Refuse', 'error=access_denied'],
    ['Allow', 'code='],
  ] as const) {
    const page = await open()
    await page.goto(await at.place.ask({ purpose: button }))
    await follow(page, 'Alan Turing')
    await follow(page, button)
    await page.waitForURL(`${at.place.calendar}/after`)
    expect(at.place.arrived.at(-1)?.url).toContain(answer)
    await page.context().close()
  }
})

when(verifies('UIX-07', `no other site frames a page${why}`), async () => {
  const page = await open()
  await page.goto(`${at.place.agent}/frame`)
  const [, framed] = page.frames()
  expect(await framed?.locator('h1').count()).toBe(0)
  await page.goto(`${at.place.auth}/login`)
  expect(await page.locator('h1').count()).toBe(1)
  await page.context().close()
})

when(`both buttons are as large and as near, at every width; nothing is wider than the screen${why}`, async () => {
  // 320 CSS pixels is also what a window of 640 has at 200 %.
  for (const width of [320, 390, 768, 1280]) {
    const page = await open({ viewport: { width, height: 800 } })
    await page.goto(await at.place.ask({ purpose: 'W'.repeat(500) }))
    expect(await widthOf(page), `sign-in at ${width}`).toBeLessThanOrEqual(width)
    await signIn(page, 'Grace Hopper')
    expect(await widthOf(page), `consent at ${width}`).toBeLessThanOrEqual(width)
    const [refuse, allow] = await Promise.all(
      ['Refuse', 'Allow'].map(name => page.getByRole('button', { name }).boundingBox()),
    )
    expect([refuse?.width, refuse?.height], String(width)).toEqual([allow?.width, allow?.height])
    expect(refuse?.height).toBeGreaterThanOrEqual(44)
    await page.context().close()
  }
})

function widthOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth)
}

when(`the link at the foot of a page changes its language, which stays${why}`, async () => {
  const page = await open({ locale: 'de-DE' })
  await page.goto(await at.place.ask({ purpose: 'language' }))
  await signIn(page, 'Grace Hopper')
  await page.getByRole('button', { name: 'Erlauben' }).waitFor()
  await page.getByRole('link', { name: 'English' }).click()
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  expect(await page.locator('html').getAttribute('lang')).toBe('en')
  await page.goto(`${at.place.auth}/device`)
  await page.getByRole('heading', { name: 'Connect a device' }).waitFor()
  await page.context().close()
})

when(`every page passes axe, light and dark${why}`, async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await open({ colorScheme, javaScriptEnabled: true, bypassCSP: true })
    await page.goto(await at.place.ask({ purpose: colorScheme }))
    await checkAxe(page, 'sign-in')
    await signIn(page, 'Grace Hopper')
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    await checkAxe(page, 'consent')
    for (const box of await page.getByRole('checkbox').all()) await box.uncheck()
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.getByRole('alert').waitFor()
    await checkAxe(page, 'nothing chosen')
    await page.goto(`${at.place.auth}/device`)
    await checkAxe(page, 'device')
    await page.getByLabel('Code on your device').fill('WRONGCOD')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('alert').waitFor()
    await checkAxe(page, 'wrong code')
    await page.getByLabel('Code on your device').fill(await at.place.askForDevice())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Take care').first().waitFor()
    await checkAxe(page, 'device consent')
    await page.getByRole('button', { name: 'Refuse' }).click()
    await page.getByRole('heading', { name: 'Refused' }).waitFor()
    await checkAxe(page, 'device refused')
    await page.goto(`${at.place.auth}/agent/authorize?request_token=wrong`)
    await checkAxe(page, 'error')
    await page.goto(`${at.place.auth}/logout`)
    await checkAxe(page, 'sign out')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await checkAxe(page, 'signed out')
    await page.context().close()
  }
})

when(`"not you?" lets another user go on with the same request${why}`, async () => {
  const page = await open()
  await page.goto(await at.place.ask({ purpose: 'switch' }))
  await signIn(page, 'Ada Lovelace')
  await page.getByRole('button', { name: 'Not you? Switch user' }).click()
  await signIn(page, 'Grace Hopper')
  expect(await page.getByText('Signed in as').textContent()).toContain('Grace Hopper')
  await page.getByRole('button', { name: 'Refuse' }).click()
  await page.waitForURL(`${at.place.calendar}/after`)
  await page.context().close()
})

when.each(['allowed', 'refused', 'failed'] as const)(
  `the page at the end, on the user's machine, shows its style and passes axe: %s${why}`,
  async brought => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': loopbackPolicy })
      response.end(loopbackPage(brought))
    })
    const portOfServer = await listenOn(server)
    const url = `http://127.0.0.1:${portOfServer}/`
    const faults: string[] = []
    const strict = await open()
    strict.on('console', message => faults.push(message.text()))
    await strict.goto(url)
    const size = await strict.getByRole('heading', { level: 1 }).evaluate(heading => getComputedStyle(heading).fontSize)
    expect([size, faults]).toEqual(['24px', []])
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open({ colorScheme, javaScriptEnabled: true, bypassCSP: true })
      await page.goto(url)
      await checkAxe(page, brought)
      await page.context().close()
    }
    await strict.context().close()
    server.close()
  },
)
