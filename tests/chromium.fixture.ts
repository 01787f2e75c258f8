import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { required } from './processes.fixture.js'

// The system's own Chromium, where there is one.

const executablePath = process.env['COUNTERSIGN_CHROMIUM'] ?? '/usr/bin/chromium'

/** Whether there is a browser to test in. */
export const there: boolean = existsSync(executablePath)
/** Declares a test that needs it. */
export const when: typeof test | typeof test.skip = there ? test : test.skip
/** Ends the name of such a test: why it was skipped. */
export const why: string = there
  ? ''
  : ' (skipped: no Chromium at /usr/bin/chromium; apt-get install chromium, or set COUNTERSIGN_CHROMIUM)'

/** Declares the test that fails where CI requires a browser and there is none. */
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
