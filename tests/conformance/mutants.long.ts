import { expect, test } from 'vitest'
import { mutants } from './mutants-command.fixture.js'

// A sample of the mutants that cases see, each in the package of its role: what packages share may be seen in another role only.
// `npm run mutants` judges all.

test.each(['resource', 'auth-server', 'agent-server', 'agent'])(
  'a participant of the role %s that lacks a check is seen',
  async role => {
    const { code, stdout } = await mutants('--role', role, '--group', role, '--sample', '3', '--seed', '18')
    expect(stdout).toMatch(/^Of 3 mutants the conformance suite saw [1-3], tests inside [0-2], and 0 survived/m)
    expect(code).toBe(0)
  },
)
