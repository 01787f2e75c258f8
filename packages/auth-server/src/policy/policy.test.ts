import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { askUsers, directGrants, firstOf } from './policies.js'
import type { DirectGrant, UserQuestion } from './policy.js'

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

test('grants for one agent, delegate and resource add up; grants for others do not', async () => {
  const policy = directGrants([
    { ...line, delegates: ['phone'] },
    { ...line, scopes: ['events.write'], delegates: ['laptop'] },
    { ...line, scopes: ['events.list'], delegates: 'any' },
  ])
  const scope = ['events.list', 'events.read']
  expect(await policy({ ...request, delegate: 'phone', scope })).toBe('direct')
  expect(await policy({ ...request, delegate: 'laptop', scope })).toBe('deny')
})

test('a grant with a malformed identifier is refused at construction', () => {
  expect(() => directGrants([{ ...line, agent: 'https://*.example' }])).toThrow(TypeError)
  expect(() => directGrants([{ ...line, resource: 'https://calendar.example/' }])).toThrow(TypeError)
  expect(() => directGrants([line])).not.toThrow()
})

const question: UserQuestion = {
  agents: ['https://agent.example'],
  delegates: ['phone'],
  resources: ['https://calendar.example', 'self'],
  scopes: ['events.read', 'openid'],
}

test.each([
  [{}, 'consent'],
  [{ delegate: 'phone' }, 'consent'],
  [{ delegate: 'laptop' }, 'deny'],
  [{ agent: 'https://other.example' }, 'deny'],
  [{ resource: 'https://rooms.example' }, 'deny'],
  [{ resource: 'https://agent.example', scope: ['openid'] }, 'consent'],
  [{ agent: 'https://other.example', resource: 'https://other.example', scope: ['openid'] }, 'deny'],
  [{ scope: ['events.read', 'events.write'] }, 'deny'],
  [{ scope: [] }, 'deny'],
])('users are asked about a request changed by %j: %s', async (change, decision) => {
  expect(await askUsers([question])({ ...request, ...change })).toBe(decision)
})

test('a rule of askUsers may leave agents, delegates, resources and scopes open', async () => {
  const open = askUsers([{ agents: 'any', resources: 'any' }])
  expect(await open({ ...request, delegate: 'phone', scope: ['anything'] })).toBe('consent')
  const none = askUsers([{ agents: 'any', delegates: 'none', resources: 'any' }])
  expect(await none({ ...request, delegate: 'phone' })).toBe('deny')
  expect(await none(request)).toBe('consent')
  const self = askUsers([{ agents: 'any', resources: ['self'] }])
  expect(await self({ ...request, resource: 'https://agent.example' })).toBe('consent')
  expect(await self(request)).toBe('deny')
})

test('a rule of askUsers with a malformed identifier is refused at construction', () => {
  expect(() => askUsers([{ ...question, agents: ['https://*.example'] }])).toThrow(TypeError)
  expect(() => askUsers([{ ...question, resources: ['calendar'] }])).toThrow(TypeError)
  expect(() => askUsers([question])).not.toThrow()
})

test('of several policies the first that does not deny decides; a request is never split among them', async () => {
  const policy = firstOf(directGrants([line]), askUsers([{ agents: 'any', resources: ['https://calendar.example'] }]))
  expect(await policy(request)).toBe('direct')
  expect(await policy({ ...request, delegate: 'phone' })).toBe('consent')
  expect(await policy({ ...request, scope: ['events.read', 'events.write'] })).toBe('consent')
  expect(await policy({ ...request, resource: 'https://rooms.example' })).toBe('deny')
  expect(await firstOf()(request)).toBe('deny')
})
