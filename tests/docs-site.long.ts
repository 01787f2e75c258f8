import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { required } from '@countersign/testing/services'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packages } from '../scripts/packages.mjs'
import { installSiteTools } from '../scripts/site-tools.mjs'
import { faultsOfSite, searchIndexOf } from '../site/check-site.mjs'
import { pagesOf } from '../site/pages.mjs'
import { checkAxe } from './axe.fixture.js'
import { launchChromium, requireChromium, there, when, why } from './chromium.fixture.js'
import { root } from './processes.fixture.js'
import { type ServedFolder, serveFolder } from './served-folder.fixture.js'

// The documentation site as `npm run docs:site` makes it, and with it the API reference, as `npm run docs:api` does. Their
// generators come from npm the first time.

const execute = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
const site = join(folder, 'site')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const missing = installSiteTools()
if (missing !== undefined && required('site')) throw new Error(`the generators of the site are required: ${missing}`)
const withTools = missing === undefined ? describe : describe.skip
const skipped = missing === undefined ? '' : ` (skipped: ${missing})`

/** What is imported, such as `@countersign/agent/node`. */
const entries = packages()
  .filter(({ room }) => room.startsWith('packages/'))
  .flatMap(({ manifest }) => Object.keys(manifest.exports ?? {}).map(subpath => manifest.name + subpath.slice(1)))
  .filter(name => !name.includes('/internal'))

withTools(`the documentation site${skipped}`, () => {
  let served: ServedFolder | undefined
  let browser: Browser | undefined

  beforeAll(async () => {
    await execute(process.execPath, [join(root, 'scripts/docs-site.mjs'), site])
    served = await serveFolder(site)
    if (there) browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
  })

  test('has the API reference, a page for each public entry point', () => {
    expect(entries.length).toBeGreaterThan(30)
    expect(entries.filter(name => !existsSync(join(root, 'site/.api', `${name}.md`)))).toEqual([])
  })

  test('has a page for each Markdown file and each entry point of a package', () => {
    const wanted = [...pagesOf(root).values(), ...entries.map(name => `api/${name}.md`)]
    expect(wanted.length).toBeGreaterThan(80)
    expect(wanted.filter(page => !existsSync(join(site, page.replace(/\.md$/, '.html'))))).toEqual([])
  })

  test('has no link or anchor that leads nowhere, and loads nothing from elsewhere', () => {
    expect(faultsOfSite(site)).toEqual([])
  })

  test('can be searched: pages, reasons, and the API', () => {
    const index = searchIndexOf(site) ?? ''
    const found = ['Protect an API in five minutes', 'createResource()', '/protocol.html#37-replay-c', '/reasons.html#']
    expect(found.filter(one => !index.includes(one))).toEqual([])
  })

  requireChromium()
  const small = ['', 'tutorials/two-hops.html', 'mcp.html', 'api/@countersign/resource/hono.html']
  const large = ['protocol.html', 'reasons.html', 'conformance-results.html', 'api/@countersign/resource.html']

  /** Opens pages one after the other; returns what they requested from elsewhere. */
  async function visit(
    paths: readonly string[],
    o: { readonly width: number; readonly colorScheme: 'light' | 'dark' },
    look: (page: Page) => unknown,
  ) {
    const context = await browser?.newContext({ viewport: { width: o.width, height: 900 }, colorScheme: o.colorScheme })
    const page = (await context?.newPage()) ?? expect.fail('no browser was started')
    const { origin } = served ?? expect.fail('nothing is served')
    const elsewhere: string[] = []
    page.on('request', request => {
      if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('data:')) elsewhere.push(request.url())
    })
    page.on('pageerror', error => elsewhere.push(error.message))
    for (const path of paths) {
      await page.goto(`${origin}/${path}`, { waitUntil: 'networkidle' })
      await look(page)
    }
    await context?.close()
    return elsewhere
  }

  when.each(['light', 'dark'] as const)(
    `in %s, pages are accessible and request nothing from elsewhere${why}`,
    async colorScheme => {
      expect(await visit(small, { width: 1280, colorScheme }, page => checkAxe(page, `in ${colorScheme}`))).toEqual([])
    },
  )

  when(`on a phone, no page is wider than its screen${why}`, async () => {
    const wide: string[] = []
    await visit([...small, ...large], { width: 390, colorScheme: 'light' }, async page => {
      if (await page.evaluate('document.documentElement.scrollWidth > innerWidth')) wide.push(page.url())
    })
    expect(wide).toEqual([])
  })

  when(`the search of a page finds a reason${why}`, async () => {
    const page = (await browser?.newPage()) ?? expect.fail('no browser was started')
    await page.goto(`${served?.origin}/`, { waitUntil: 'networkidle' })
    await page.keyboard.press('Control+k')
    await page.locator('#localsearch-input').fill('created_too_old')
    await page.locator('.result[href*="reasons.html"]').first().click()
    await page.waitForURL(/reasons\.html/)
    await page.close()
  })
})
