import { AgentError } from '@countersign/agent'
import { expect, test } from 'vitest'
import { undelivered } from './undelivered.js'

const link = `https://auth.example/consent?request_token=${'x'.repeat(600)}`
const error = new AgentError('interaction_required', 'a user must agree first', {}, link)

test('the link for a user is in the error only when the client belongs to the user', () => {
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
