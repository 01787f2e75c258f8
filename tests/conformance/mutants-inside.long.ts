import { expect, test } from 'vitest'
import { mutants } from './mutants-command.fixture.js'

// A sample of the mutants that no case sees; `npm run mutants` judges all.

test('tests inside see a check that no case can see', async () => {
  const { code, stdout } = await mutants('--inside', '--sample', '3', '--seed', '18')
  expect(stdout).toMatch(/^Of 3 mutants the conformance suite saw 0, tests inside 3, and 0 survived/m)
  expect(code).toBe(0)
})
