import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Expects that axe finds no fault in a page, which must let it run. */
export async function checkAxe(page: Page, what: string): Promise<void> {
  await page.evaluate(axe)
  const faults = await page.evaluate(async () => {
    const { violations, passes } = await (
      globalThis as unknown as {
        axe: { run(): Promise<Record<'violations' | 'passes', Array<{ id: string; nodes: Array<{ html: string }> }>>> }
      }
    ).axe.run()
    if (passes.length < 5) return ['axe looked at nothing']
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
  })
  expect(faults, `${what} at ${page.url()}`).toEqual([])
}
