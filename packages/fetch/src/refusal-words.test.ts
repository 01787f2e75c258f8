import { AgentError } from '@countersign/agent'
import { expect, test } from 'vitest'
import { describeRefusalFacts } from './refusal-words.js'

const denied = (cause?: unknown): string =>
  describeRefusalFacts(new AgentError('denied', 'the agent server said no', cause))

test('a refusal is told with its status, code and reason, and clocks that differ by how much', () => {
  expect(denied({ status: 400, error: 'invalid_grant' })).toBe(' with 400 invalid_grant')
  expect(denied({ status: 400, error: 'invalid_grant', reason: 'grant_invalid' })).toBe(
    ' with 400 invalid_grant (grant_invalid)',
  )
  expect(denied({ status: 401, error: 'invalid_signature', skew: 300 })).toBe(
    ' with 401 invalid_signature: the clock of this machine is 300 s ahead of its own, set the one that is wrong',
  )
  expect(denied({ status: 401, skew: -90 })).toContain('90 s behind its own')
  expect([denied(), denied({ error: 1 }), describeRefusalFacts(new AgentError('network', 'x', { status: 1 }))]).toEqual(
    ['', '', ''],
  )
})
