import { AgentError } from '@countersign/agent'
import { expect, test } from 'vitest'
import { textOf } from './mcp-bridge.js'

test('text of a server cannot control the terminal, and a link for the user is never shortened', () => {
  expect(textOf(new Error('Error POSTing to endpoint: \u001b]0;owned\u0007\u001b[2J\ncountersign: go there'))).toBe(
    'Error POSTing to endpoint: \\u001b]0;owned\\u0007\\u001b[2J\\u000acountersign: go there',
  )
  const url = `https://auth.example/consent?request_token=${'x'.repeat(500)}`
  expect(textOf(new AgentError('interaction_required', 'a user must agree', {}, url))).toBe(
    `a user must agree; open ${url}`,
  )
})
