import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { firstOf } from '../policy/policies.js'
import type { PolicyRequest } from '../policy/policy.js'
import { cedar } from './cedar.js'

const request: PolicyRequest = {
  agent: 'https://agent.example',
  delegate: 'phone',
  resource: 'https://calendar.example',
  scope: ['events.read'],
}

const office = { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' } as const
const few = { type: 'calls', max: 10, per: 'day' } as const

const policies = `
  permit (
    principal == Delegate::"https://agent.example phone",
    action == Action::"direct",
    resource == Resource::"https://calendar.example"
  ) when { ["events.read", "events.list"].containsAll(context.scope) };

  @conditions("office few")
  permit (principal in Agent::"https://agent.example", action == Action::"consent", resource in Group::"ours");

  @id("no former users")
  forbid (principal, action, resource) when { context has user && context.user == "left" };
`
const options = {
  policies,
  groups: { ours: ['https://calendar.example', 'https://rooms.example'] },
  conditions: { office: [office], few: [few] },
}

const consent = { decision: 'consent', conditions: [office, few], by: ['policy1'] }
const direct = { decision: 'direct', conditions: [], by: ['policy0'] }
const forbidden = { decision: 'deny', by: ['no former users'] }

test.each<[string, Partial<PolicyRequest>, object | 'deny']>([
  ['as it is', {}, direct],
  ['by the agent server itself', { delegate: undefined as never }, consent],
  ['by another delegate', { delegate: 'laptop' }, consent],
  ['for another scope', { scope: ['events.write'] }, consent],
  ['for one listed scope and another', { scope: ['events.read', 'events.write'] }, consent],
  ['for another resource of the group', { resource: 'https://rooms.example' }, consent],
  ['for a resource outside the group', { resource: 'https://mail.example' }, 'deny'],
  ['by another agent', { agent: 'https://other.example' }, 'deny'],
  ['by an agent with a name that only begins so', { agent: 'https://agent.example.evil.example' }, 'deny'],
  ['for a user who may', { user: 'ada' }, direct],
  ['for a user who is forbidden', { user: 'left' }, forbidden],
])('a request %s: cedar decides', async (_, change, expected) => {
  const { delegate, ...changed } = { ...request, ...change }
  const asked = delegate === undefined ? changed : { ...changed, delegate }
  expect(await cedar(options)(asked)).toEqual(expected)
})

test(verifies('policy.narrow', 'where several permits apply, the conditions of all are demanded'), async () => {
  const policy = cedar({
    policies: `
      @conditions("office") permit (principal, action == Action::"direct", resource);
      @conditions("few") permit (principal, action == Action::"direct", resource);
      permit (principal, action == Action::"direct", resource);`,
    conditions: { office: [office], few: [few] },
  })
  expect(await policy(request)).toEqual({
    decision: 'direct',
    conditions: expect.arrayContaining([office, few]),
    by: expect.arrayContaining(['policy0', 'policy1', 'policy2']),
  })
})

test('policies see purposes, purpose, user and the upstream token', async () => {
  const policy = cedar({
    policies: `
      permit (principal, action == Action::"direct", resource) when {
        context.purposes == ["support"] && context has purpose && context.purpose like "*lunch*" &&
        context has upstream && context.upstream.issuer == "https://one.example" &&
        context.upstream.agents.contains("https://first.example") && context.upstream.scope.contains("mail.read") &&
        context.upstream has sub && context.upstream.sub == "ada"
      };`,
  })
  const asked: PolicyRequest = {
    ...request,
    purposes: ['support'],
    purpose: 'Plan a lunch',
    upstream: {
      issuer: 'https://one.example',
      sub: 'ada',
      scope: ['mail.read'],
      chain: [{ iss: 'https://one.example', agent: 'https://first.example' }],
    } as PolicyRequest['upstream'] & object,
  }
  expect(await policy(asked)).toEqual(direct)
  expect(await policy({ ...asked, purposes: [] })).toBe('deny')
})

test('the user who approves single calls is named by the permit', async () => {
  const permit = 'permit (principal, action == Action::"direct", resource);'
  expect(await cedar({ policies: `@approver("ada") ${permit}` })(request)).toEqual({ ...direct, approver: 'ada' })
  const two = cedar({ policies: `@approver("ada") ${permit} @approver("bob") ${permit}` })
  await expect(two(request)).rejects.toMatchObject({ code: 'temporarily_unavailable', reason: 'dependency_invalid' })
})

describe('a policy that fails while it is judged', () => {
  // Cedar skips it, so a forbid would forbid nothing.
  const failing = `
    permit (principal, action, resource);
    forbid (principal, action, resource) when { context.purposes.contains("sums") && 9223372036854775807 + 1 > 0 };`

  test('decides nothing, and no other policy decides in its place', async () => {
    const policy = cedar({ policies: failing })
    const asked = { ...request, purposes: ['sums'] }
    await expect(policy(asked)).rejects.toBeInstanceOf(AAuthError)
    await expect(firstOf(policy, () => 'direct')(asked)).rejects.toMatchObject({ status: 503 })
    expect(await policy(request)).toEqual(direct)
  })
})

const permitAll = 'permit (principal, action, resource);'

test.each([
  ['text that does not parse', { policies: 'permit (' }],
  ['a template', { policies: 'permit (principal == ?principal, action, resource);' }],
  ['an action that is never asked', { policies: 'permit (principal, action == Action::"direkt", resource);' }],
  [
    'a member that the context does not have',
    { policies: 'permit (principal, action, resource) when { context.scop == [] };' },
  ],
  [
    'a member that may be absent, unchecked',
    { policies: 'permit (principal, action, resource) when { context.user == "ada" };' },
  ],
  ['a forbid that can never apply', { policies: `${permitAll} forbid (principal is Resource, action, resource);` }],
  ['conditions that are not defined', { policies: `@conditions("office") ${permitAll}` }],
  ['a misspelt annotation', { policies: `@condition("office") ${permitAll}`, conditions: { office: [office] } }],
  [
    'conditions of a forbid',
    { policies: '@conditions("office") forbid (principal, action, resource);', conditions: { office: [office] } },
  ],
  ['conditions without a name', { policies: `@conditions("") ${permitAll}`, conditions: { office: [office] } }],
  ['conditions that are malformed', { policies: permitAll, conditions: { office: [{ type: 'moon' }] as never } }],
])('%s: a TypeError when it is made', (_, wrong) => {
  expect(() => cedar(wrong)).toThrow(TypeError)
  expect(() => cedar({ policies: permitAll })).not.toThrow()
})

test('without policies nothing is permitted', async () => {
  expect(await cedar({ policies: '' })(request)).toBe('deny')
})
