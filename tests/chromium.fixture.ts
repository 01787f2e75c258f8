import { existsSync } from 'node:fs'
import { required } from '@countersign/testing/services'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The system's own Chromium, where there is one.

/** The program. */
export const executablePath: string = process.env['COUNTERSIGN_CHROMIUM'] ?? '/usr/bin/chromium'

/** Whether there is a browser to test in. */
export const there: boolean = existsSync(executablePath)
/** Declares a test that needs it. */
export const when: typeof test | typeof test.skip = there ? test : test.skip
/** Ends the name of such a test: why it was skipped. */
export const why: string = there
  ? ''
  : ' (skipped: no Chromium at /usr/bin/chromium; apt-get install chromium, or set COUNTERSIGN_CHROMIUM)'

/** Declares a test that fails if CI requires a browser and there is none. */
export function requireChromium(): void {
  test('the browser that CI requires is there', () => {
    expect(there || !required('chromium')).toBe(true)
  })
}

/** Starts it, headless. */
export function launchChromium(): Promise<Browser> {
  const args = ['--disable-background-networking', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])]
  return chromium.launch({ executablePath, args })
}

/** A browser, and what it visits. */
export interface Visit<P> {
  readonly browser: Browser
  readonly place: P
}

/** Starts both before the tests of a file, where there is a browser, and ends them after; the members are there in tests. */
export function visit<P extends { stop(): Promise<unknown> }>(start: () => Promise<P>): Visit<P> {
  let place: P | undefined
  let browser: Browser | undefined
  requireChromium()
  beforeAll(async () => {
    if (!there) return
    place = await start()
    browser = await launchChromium()
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await place?.stop()
  })
  return {
    get browser() {
      return browser ?? expect.fail('no browser was started')
    },
    get place() {
      return place ?? expect.fail('there is nothing to visit')
    },
  }
}
