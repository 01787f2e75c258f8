import { AgentError } from '@countersign/agent'
import { expect, test } from 'vitest'
import { undelivered } from './undelivered.js'

const link = `https://auth.example/consent?request_token=${'x'.repeat(600)}`
const error = new AgentError('interaction_required', 'a user must agree first', {}, link)

test('a link for the user is told whole where the client is theirs, and kept everywhere else', () => {
  expect(undelivered(1, error, 'told').error).toEqual({
    code: -32603,
    message: `a user must agree first: ${link}`,
    data: { code: 'interaction_required', url: link },
  })
  expect(undelivered(1, error).error).toEqual({
    code: -32603,
    message: 'a user must agree first',
    data: { code: 'interaction_required' },
  })
})
