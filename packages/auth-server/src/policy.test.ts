import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { type DirectGrant, directGrants } from './policy.js'

const line = { agent: 'https://agent.example', resource: 'https://calendar.example', scopes: ['events.read'] }
const request = { agent: 'https://agent.example', resource: 'https://calendar.example', scope: ['events.read'] }

test.each<[DirectGrant['delegates'] | undefined, string | undefined, string]>([
  [undefined, undefined, 'direct'],
  [undefined, 'phone', 'deny'],
  ['none', undefined, 'direct'],
  ['none', 'phone', 'deny'],
  ['none', 'none', 'deny'],
  [['phone'], undefined, 'direct'],
  [['phone'], 'phone', 'direct'],
  [['phone'], 'Phone', 'deny'],
  [['phone'], 'phon', 'deny'],
  [[], 'phone', 'deny'],
  ['any', undefined, 'direct'],
  ['any', 'phone', 'direct'],
])(verifies('grant.delegates', 'delegates %j let delegate %s through: %s'), async (delegates, delegate, decision) => {
  const policy = directGrants([delegates === undefined ? line : { ...line, delegates }])
  expect(await policy(delegate === undefined ? request : { ...request, delegate })).toBe(decision)
})

test.each([
  [{}, 'direct'],
  [{ agent: 'https://agent.example.evil.example' }, 'deny'],
  [{ agent: 'https://AGENT.example' }, 'deny'],
  [{ resource: 'https://rooms.example' }, 'deny'],
  [{ scope: ['events.write'] }, 'deny'],
  [{ scope: ['events.read', 'events.write'] }, 'deny'],
  [{ scope: ['events'] }, 'deny'],
  [{ scope: [] }, 'deny'],
])(verifies('trust.auth-server.direct', 'a request changed by %j: %s'), async (change, decision) => {
  expect(await directGrants([line])({ ...request, ...change })).toBe(decision)
})

test('lines for one agent, delegate and resource add up; lines for others do not', async () => {
  const policy = directGrants([
    { ...line, delegates: ['phone'] },
    { ...line, scopes: ['events.write'], delegates: ['laptop'] },
    { ...line, scopes: ['events.list'], delegates: 'any' },
  ])
  const scope = ['events.list', 'events.read']
  expect(await policy({ ...request, delegate: 'phone', scope })).toBe('direct')
  expect(await policy({ ...request, delegate: 'laptop', scope })).toBe('deny')
})

test('a line that names no identifier is refused at construction', () => {
  expect(() => directGrants([{ ...line, agent: 'https://*.example' }])).toThrow(TypeError)
  expect(() => directGrants([{ ...line, resource: 'https://calendar.example/' }])).toThrow(TypeError)
  expect(() => directGrants([line])).not.toThrow()
})
