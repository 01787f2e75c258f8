import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { auditedTypes } from './audit-event.js'

test('docs/audit.md lists the events that are recorded, and says the same of each', () => {
  const page = readFileSync(new URL('../../../../docs/audit.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('## The log of an auth server')
  const [, table = ''] = section.split('| type | |')
  const rows = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, type, text]) => [
    type,
    text,
  ])
  const recorded = Object.entries(auditedTypes).filter(([, text]) => text !== undefined)
  expect(rows).toEqual(recorded)
  expect(rows.length).toBeGreaterThan(30)
})
