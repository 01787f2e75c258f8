import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { checkAxe } from '../axe.fixture.js'
import { visit, when, why } from '../chromium.fixture.js'
import { run, stand } from '../processes.fixture.js'
import { judge } from './judged.fixture.js'
import { startSite } from './site.fixture.js'

// The pages that the suite writes, in a browser: of one run, and of several implementations with hostile names.

const hostileName = '<img src=x onerror=alert(1)>'
const names = ['One', hostileName, 'Averylongnamewithoutanyspaces/1.0', ...'ABCDEF']

const at = visit(async () => {
  const place = stand()
  const { url, configuration } = await startSite(place, 'fetch')
  await judge(place, ['resource', url, '--group', 'target', '--group', 'covered'], configuration)
  const results = join(place.folder, 'results')
  const page = join(place.folder, 'matrix.html')
  const hostile = JSON.parse(readFileSync(join(results, 'checks.json'), 'utf8'))
  for (const check of hostile.checks.slice(0, 9))
    Object.assign(check, { verdict: 'failed', reason: `<script>${'x'.repeat(400)}` })
  writeFileSync(join(place.folder, 'hostile.json'), JSON.stringify(hostile))
  const runs = names.map(name => `${name}=${name === hostileName ? join(place.folder, 'hostile.json') : results}`)
  const { code } = await run(['conformance', 'report', ...runs, '--html', page])
  expect(code).toBe(0)
  return { ...place, pages: { matrix: page, run: join(results, 'index.html') } }
})

for (const colorScheme of ['light', 'dark'] as const)
  for (const width of [390, 1280])
    when(`the pages pass axe and fit, in ${colorScheme} at ${width} px${why}`, async () => {
      const context = await at.browser.newContext({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true })
      const page = await context.newPage()
      for (const [name, file] of Object.entries(at.place.pages)) {
        const asked: string[] = []
        page.on('request', request => asked.push(request.url()))
        await page.goto(`file://${file}`)
        await checkAxe(page, name)
        expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBe(width)
        // Nothing is loaded beside the page.
        expect(new Set(asked)).toEqual(new Set([`file://${file}`]))
      }
      await page.goto(`file://${at.place.pages.run}`)
      // The causes come before everything else, and lead to the cases.
      const [first] = await page.getByRole('heading', { level: 2 }).allTextContents()
      expect(first).toMatch(/^What went wrong: \d causes?$/)
      expect(await page.locator('.causes > li').first().textContent()).toContain('It accepts what must be refused')
      const link = page.locator('.causes a').first()
      const id = await link.textContent()
      await link.click()
      expect(await page.locator(`[id="case-${id}"]`).isVisible()).toBe(true)
      await page.goto(`file://${at.place.pages.matrix}`)
      expect(await page.getByRole('columnheader', { name: hostileName, exact: true }).count()).toBe(2)
      await page.getByRole('radio', { name: 'what did not pass everywhere' }).check()
      expect(await page.getByRole('row').filter({ hasText: 'failed' }).first().isVisible()).toBe(true)
      await context.close()
    })
