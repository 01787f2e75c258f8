import { freeBase } from '@countersign/testing/ports'
import { expect } from 'vitest'
import { visit, when, why } from './chromium.fixture.js'
import { stand } from './processes.fixture.js'

// The playground's page in a real browser: a click plays a story and shows what flowed.

let base: number
const at = visit(async () => {
  const place = stand()
  base = await freeBase()
  await place.start('playground', ['playground', '--port', String(base)], { ready: 'playground ready at' })
  return place
})

when(
  `each story is played at a click and its messages are shown${why}`,
  async () => {
    const page = await at.browser.newPage({ viewport: { width: 1280, height: 900 } })
    const faults: string[] = []
    page.on('pageerror', error => faults.push(error.message))
    page.on('console', message => {
      if (message.type() === 'error') faults.push(message.text())
    })
    await page.goto(`http://localhost:${base}/`)
    for (const story of [
      'rate-limit',
      'identity',
      'delegate',
      'autonomous',
      'sso',
      'sso',
      'user-consent',
      'revocation',
      'delegation',
      'approval',
      'mcp',
    ]) {
      await page.click(`button[data-scenario="${story}"]`)
      await page.waitForFunction(
        () =>
          document.querySelector('#status')?.textContent?.includes('every step was right') &&
          !document.querySelector('button:disabled'),
        undefined,
        { timeout: 30_000 },
      )
      expect(await page.locator('#checks li.wrong').count()).toBe(0)
      expect(await page.locator('#messages li').count()).toBeGreaterThan(3)
    }
    // One path for all that tools can do: what is asked of them is shown, and so is what they say.
    const told = page.locator('#messages li', { hasText: 'POST /mcp tools/call what_time' }).last()
    await told.locator('summary').click()
    expect(await told.locator('pre').nth(1).textContent()).toContain('"result":{"content":[')
    await page.click('#messages li:last-child summary')
    expect(await page.locator('#messages li:last-child pre').first().textContent()).toContain('signature-input: sig=')
    expect(faults).toEqual([])
  },
  120_000,
)

when(`the page fits a phone${why}`, async () => {
  const page = await at.browser.newPage({ viewport: { width: 360, height: 740 } })
  await page.goto(`http://localhost:${base}/`)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
})

when(`another site can neither read the page by DNS rebinding nor press its buttons${why}`, async () => {
  const rebound = await fetch(`http://127.0.0.1:${base}/`)
  expect(rebound.status).toBe(421)
  const own = `http://localhost:${base}`
  const pressed = await fetch(`${own}/play/identity`, { method: 'POST', headers: { origin: 'https://evil.example' } })
  expect(pressed.status).toBe(403)
  expect((await fetch(`${own}/play/identity`, { method: 'POST', headers: { origin: own } })).status).toBe(200)
})
