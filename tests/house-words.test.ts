import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// Words that only this project uses, where readers know better ones. None of these counts may grow; lower one when a place is mended.

const most: Readonly<Record<string, number>> = {
  // consent, approval
  'a yes': 37,
  // is suspended
  rests: 19,
  // gets, learns; the page says
  'is told': 206,
  // own, separate
  'of its own': 377,
  // continues
  'goes on under': 3,
  // what was received
  'what came': 41,
  // is invalid
  'worth nothing': 36,
}

const texts = execFileSync('git', ['ls-files', '*.ts', '*.tsx', '*.mjs', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  // What was released keeps its words.
  .filter(file => file !== '' && file !== 'CHANGELOG.md' && file !== 'tests/house-words.test.ts')
  .map(file => readFileSync(join(root, file), 'utf8'))

test.each(Object.entries(most))('"%s" is written %d times, not more often', (word, count) => {
  const found = new RegExp(String.raw`\b${word}\b`, 'gi')
  const times = texts.reduce((sum, text) => sum + (text.match(found)?.length ?? 0), 0)
  expect(times).toBeLessThanOrEqual(count)
})
