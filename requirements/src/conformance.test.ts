import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { conformanceStatement, withConformance } from './conformance.js'
import { requirements } from './manifest.js'
import type { Requirement } from './requirement.js'

const pageOf = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

test('the conformance statement of the docs is that of the manifest', () => {
  const page = pageOf('aauth-for-oauth-people.md')
  // After a change in the manifest: npm run build && node scripts/conformance.mjs
  expect(page).toBe(withConformance(page, conformanceStatement(requirements, pageOf('protocol.md'))))
})

test('a statement counts clauses and cases by section, and names what is not built', () => {
  const list: Requirement[] = [
    { id: 'a.one', section: '1', text: 'One.', status: 'built' },
    { id: 'a.two', section: '1.1', text: 'Two.', status: 'later' },
    { id: 'ABC-01', section: '1', clause: 'a.one', text: 'Three.', status: 'built' },
    { id: 'ABC-02', section: '1.1', clause: 'a.two', text: 'Four.', status: 'later' },
  ]
  expect(
    conformanceStatement(list, '# P\n\n## 1. First part\n\n### 1.1 Second **[c]**\n').split('\n').slice(2),
  ).toEqual([
    '| [1 First part](protocol.md#1-first-part) | 1 | 0 | 1 | 0 |',
    '| [1.1 Second](protocol.md#11-second-c) | 0 | 1 | 0 | 1 |',
    '| **all** | **1** | **1** | **1** | **1** |',
    '',
    'Not built yet:',
    '',
    '- §1.1 `a.two`: Two.',
    '- §1.1 `ABC-02`: Four.',
  ])
  expect(() => withConformance('# a page\n', 'text')).toThrow(/no place/)
})
