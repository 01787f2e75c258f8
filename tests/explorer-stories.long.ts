import { readFileSync } from 'node:fs'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { startPlayground } from './playground-place.fixture.js'
import { stand } from './processes.fixture.js'

// The explorer in a real browser: what a visitor clicks is played, drawn and checked before the visitor's eyes.

let base: number
const at = visit(async () => {
  const place = stand()
  base = await startPlayground(place)
  return place
})

const own = (): string => `http://localhost:${base}`

interface Opened {
  readonly page: Page
  /** What went wrong in the page, and what it asked of others. */
  readonly faults: string[]
}

async function opened(path: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const page = await at.browser.newPage({ viewport: { width: 1280, height: 850 }, ...options })
  page.setDefaultTimeout(20_000)
  const faults: string[] = []
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') faults.push(message.text())
  })
  page.on('request', request => {
    if (!/^(?:blob|data):/.test(request.url()) && new URL(request.url()).origin !== own()) faults.push(request.url())
  })
  await page.goto(own() + path)
  return { page, faults }
}

const stories = [
  'climb',
  'rate-limit',
  'identity',
  'delegate',
  'autonomous',
  'user-consent',
  'device',
  'sso',
  'multi-hop',
  'oauth-downstream',
  'mcp',
  'revocation',
  'delegation',
  'approval',
  'refresh',
  'rotation',
]

when.each(stories)(
  `the story %s is played at a click and drawn as it happens${why}`,
  async story => {
    const { page, faults } = await opened(`/stories/${story}`)
    await page.getByRole('button', { name: 'Play this story' }).click()
    // Something moves at once, where the reader looks.
    await expect.poll(() => page.locator('.story-controls [role=status]').textContent()).not.toMatch(/^About/)
    await page.getByText(/^Every step was right|^Something is not/).waitFor({ timeout: 60_000 })
    expect(await page.locator('.story-checks li.wrong').allTextContents()).toEqual([])
    expect(await page.locator('.story-checks li.right').count()).toBeGreaterThan(2)
    expect(await page.locator('.sequence .step').count()).toBeGreaterThan(2)
    expect((await page.locator('.sequence').boundingBox())?.y).toBeLessThan(400)
    expect(faults).toEqual([])
    await page.close()
  },
  120_000,
)

when(`lanes are the processes that sent and received, whoever a signature names${why}`, async () => {
  const { page } = await opened('/stories/multi-hop')
  await page.locator('.sequence .step').first().waitFor()
  // The web app may be told late of grants that ended before this story.
  const lanes = await page.locator('.lane-head').allTextContents()
  expect(lanes.filter(lane => lane !== 'Web app')).toEqual([
    'User',
    'Agent',
    'Agent server',
    'Auth server',
    'Calendar',
    'Rooms’ auth server',
    'Rooms',
  ])
  const asked = page.locator('.step', { hasText: 'The calendar calls POST /bookings, signed. The rooms answers.' })
  expect(await asked.count()).toBeGreaterThan(0)
})

when(`each step has a URL; back, forward, reload, arrows and Escape work${why}`, async () => {
  const { page, faults } = await opened('/stories/climb')
  await page.locator('[data-step="3"]').click()
  expect(page.url()).toBe(`${own()}/stories/climb/3`)
  const heading = page.getByRole('heading', { name: /^Step 3 of/ })
  await heading.waitFor()
  expect(await heading.evaluate(element => element === document.activeElement)).toBe(true)
  await page.reload()
  await heading.waitFor()
  expect(await page.locator('.opened-step').textContent()).toContain('signature-input')
  await page.getByRole('button', { name: 'The next step' }).click()
  await page.getByRole('heading', { name: /^Step 4 of/ }).waitFor()
  await page.goBack()
  await heading.waitFor()
  await page.goForward()
  await page.getByRole('heading', { name: /^Step 4 of/ }).waitFor()
  await page.keyboard.press('Escape')
  await expect.poll(() => page.url()).toBe(`${own()}/stories/climb`)
  expect(faults).toEqual([])
})

when(`a run is saved as HAR and as Markdown with Mermaid${why}`, async () => {
  const { page } = await opened('/stories/climb')
  const saved = async (name: string): Promise<string> => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name, exact: true }).click(),
    ])
    return readFileSync(await download.path(), 'utf8')
  }
  const { log } = JSON.parse(await saved('HAR')) as { log: { entries: Array<{ request: { url: string } }> } }
  expect(log.entries[0]?.request.url).toBe(`http://localhost:${base + 30}/public`)
  expect(await saved('Markdown')).toMatch(
    /```mermaid\nsequenceDiagram\n {2}participant agent as Agent\n[^`]*GET \/events 200/,
  )
})

when(
  `the map lights up as messages flow, and each participant opens to what it publishes${why}`,
  async () => {
    const { page, faults } = await opened('/')
    await page.getByRole('button', { name: 'Play the climb' }).click()
    await page.locator('.party.lit').first().waitFor({ timeout: 5000 })
    for (const level of ['pseudonymous', 'identified', 'authorized'])
      await page.locator('.climb li.lit', { hasText: level }).waitFor({ timeout: 30_000 })
    await page.locator('.token.lit', { hasText: 'auth token' }).first().waitFor({ timeout: 30_000 })
    const latest = await page.getByRole('link', { name: 'Open the latest resource token' }).getAttribute('href')
    expect(latest).toMatch(/^\/stories\/climb\/\d+$/)
    await page.locator('.party', { hasText: 'Calendar' }).press('Enter')
    const panel = page.getByRole('region', { name: 'Calendar' })
    await expect.poll(() => panel.textContent()).toContain(`"resource": "http://localhost:${base + 30}"`)
    expect(await panel.textContent()).toContain('"kty": "OKP"')
    await page.getByRole('link', { name: /messages, one by one/ }).click()
    await page.getByRole('heading', { name: 'The climb: one agent, four calls, four levels' }).waitFor()
    expect(faults).toEqual([])
  },
  60_000,
)

when.each([
  ['reduce', 'none'],
  ['no-preference', 'appear'],
] as const)(`what moves is still where a reader wants no motion (%s)${why}`, async (reducedMotion, animation) => {
  const { page } = await opened('/stories/climb', { reducedMotion })
  const row = page.locator('.sequence li').first()
  await row.waitFor()
  expect(await row.evaluate(element => getComputedStyle(element).animationName)).toBe(animation)
  await page.close()
})

when(`all that the page loads, with every view opened, is at most 250 kB${why}`, async () => {
  const { page, faults } = await opened('/')
  const client = await page.context().newCDPSession(page)
  await client.send('Network.enable')
  // What a story has sent is data, and no weight of the page.
  const files = new Map<string, number>()
  client.on('Network.responseReceived', ({ requestId, response }) => {
    if (!new URL(response.url).pathname.startsWith('/api/')) files.set(requestId, 0)
  })
  client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (files.has(requestId)) files.set(requestId, encodedDataLength)
  })
  await client.send('Network.setCacheDisabled', { cacheDisabled: true })
  await page.reload()
  for (const view of ['Stories', 'Break it', 'Beside OAuth', 'Take part', 'Take apart']) {
    await page.getByRole('link', { name: view, exact: true }).click()
    await page.locator('main h1').waitFor()
  }
  await page.getByRole('link', { name: 'Stories', exact: true }).click()
  await page.locator('[data-step="3"]').click()
  await page.getByRole('tab', { name: /^Checks/ }).waitFor()
  const sent = [...files.values()].reduce((sum, bytes) => sum + bytes, 0)
  expect(sent).toBeGreaterThan(50_000)
  expect(sent).toBeLessThan(250_000)
  expect(faults).toEqual([])
})

const views = ['/', '/stories/climb', '/stories/climb/3', '/break', '/beside', '/you', '/paste']
const looks = views.flatMap(path =>
  [390, 1280].flatMap(width => (['light', 'dark'] as const).map(colorScheme => ({ path, width, colorScheme }))),
)

when.each(looks)(
  `$path is accessible and fits $width px, $colorScheme${why}`,
  async ({ path, width, colorScheme }) => {
    const { page, faults } = await opened(path, { viewport: { width, height: 800 }, colorScheme, bypassCSP: true })
    await page.locator('main h1').waitFor()
    await page.waitForLoadState('load')
    await checkAxe(page, path)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    expect(faults).toEqual([])
    await page.close()
  },
  60_000,
)

when(`another site can neither read the page by DNS rebinding nor press its buttons${why}`, async () => {
  const rebound = await fetch(`http://127.0.0.1:${base}/`)
  expect(rebound.status).toBe(421)
  const play = (origin: string): Promise<Response> =>
    fetch(`${own()}/api/stories/identity`, { method: 'POST', headers: { origin } })
  expect((await play('https://evil.example')).status).toBe(403)
  expect((await play(own())).status).toBe(202)
  const embedded = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
  expect((await fetch(`${own()}/api/messages`, { headers: embedded })).status).toBe(403)
  expect((await fetch(`${own()}/api/messages`)).status).toBe(200)
})
