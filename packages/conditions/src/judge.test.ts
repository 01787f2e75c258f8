import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import {
  type Condition,
  conditionsOf,
  endOf,
  firstUnmet,
  type JudgedFacts,
  parseConditions,
  unmetError,
} from './index.js'

const now = 1_800_000_000
const mail = 'https://mail.corp.example'
const facts: JudgedFacts = { now, resource: mail, scope: ['mail.read'], levels: 0, services: [] }

/** The type of the first condition that does not hold; undefined when all do. */
const unmet = (conditions: unknown, changed: Partial<JudgedFacts> = {}): string | undefined =>
  firstUnmet(parseConditions(conditions), { ...facts, ...changed })?.type

describe('all hold', () => {
  test(verifies('DEL-01', 'an empty list holds'), () => {
    expect(unmet([])).toBeUndefined()
    expect(endOf(parseConditions([]), now)).toBeUndefined()
  })

  test(verifies('DEL-15', 'two conditions of one type must both hold; they are not merged'), () => {
    const both = [
      { type: 'scopes', any: ['a', 'b'] },
      { type: 'scopes', any: ['b', 'c'] },
    ]
    expect(['a', 'b', 'c'].map(scope => unmet(both, { scope: [scope] }))).toEqual(['scopes', undefined, 'scopes'])
  })

  test('are judged in the order of the protocol, whatever order they stand in', () => {
    const wrong: Condition[] = [
      { type: 'chain', max: 0 },
      { type: 'purposes', any: ['support'] },
      { type: 'scopes', any: ['other'] },
      { type: 'resources', any: ['https://other.example'] },
      { type: 'hours', zone: 'UTC', days: [1], from: '00:00', to: '00:01' },
      { type: 'until', time: now },
    ]
    const found: string[] = []
    for (let left = wrong; left.length > 0; ) {
      const type = unmet(left, { levels: 1, services: [mail] }) ?? expect.fail()
      found.push(type)
      left = left.filter(condition => condition.type !== type)
    }
    expect(found).toEqual(['until', 'hours', 'resources', 'scopes', 'purposes', 'chain'])
  })

  test('are judged by some types alone where these are named', () => {
    const conditions = parseConditions([
      { type: 'scopes', any: ['other'] },
      { type: 'chain', max: 0 },
    ])
    const chained = { ...facts, levels: 1, services: [mail] }
    expect(firstUnmet(conditions, chained, ['until', 'chain'])?.type).toBe('chain')
    expect(firstUnmet(conditions, chained, ['until'])).toBeUndefined()
    expect(firstUnmet(conditions, chained)?.type).toBe('scopes')
  })

  test('leave out those that need a body, an answer, a counter or a user', () => {
    const others = [
      { type: 'calls', max: 0, per: 'day' },
      { type: 'data', resource: mail, fields: ['/a'] },
      { type: 'arguments', resource: mail, of: 'send', where: [{ at: '/to' }] },
      { type: 'approval', resource: mail, of: '*' },
    ]
    expect(unmet(others)).toBeUndefined()
    expect(unmet([...others, { type: 'until', time: now }])).toBe('until')
  })
})

describe('resources', () => {
  const resources = (...any: string[]) => [{ type: 'resources', any }]

  test(verifies('DEL-10', 'the resource passes by its identifier and by a name above it'), () => {
    expect(unmet(resources(mail))).toBeUndefined()
    expect(unmet(resources('https://*.corp.example'))).toBeUndefined()
    const others = Array.from({ length: 10 }, (_, i) => `https://other${i}.example`)
    expect(unmet(resources(...others, 'https://*.corp.example', mail))).toBeUndefined()
    expect(unmet(resources('https://*.corp.example'), { resource: 'https://a.b.corp.example' })).toBeUndefined()
    expect(unmet(resources('https://*.corp.example:8443'), { resource: `${mail}:8443` })).toBeUndefined()
  })

  test(verifies('DEL-11', 'names that only look like the resource are refused'), () => {
    const alike = ['https://*.mail.corp.example', 'https://corp.example', `${mail}:8443`, 'https://*.corp.example:8443']
    for (const entry of alike) expect(unmet(resources(entry)), entry).toBe('resources')
    for (const resource of [
      'https://evilcorp.example',
      'https://corp.example',
      'https://mail.corp.example.evil.example',
    ])
      expect(unmet(resources('https://*.corp.example'), { resource }), resource).toBe('resources')
    const wrong = [`${mail}/`, 'https://MAIL.corp.example', '*', 'https://*', 'https://*.', 'https://*corp.example']
    for (const entry of [...wrong, 'https://a.*.example', 'http://*.corp.example', 'https://*.*.example'])
      expect(() => parseConditions(resources(entry)), entry).toThrow(
        expect.objectContaining({ code: 'policy_denied', reason: 'condition_malformed' }),
      )
    expect(unmet(resources(mail))).toBeUndefined()
  })
})

test(verifies('policy.scopes', 'each scope must be listed, identity scopes too, and openid aside'), () => {
  const reading = [{ type: 'scopes', any: ['mail.read'] }]
  expect(unmet(reading, { scope: ['mail.read', 'openid'] })).toBeUndefined()
  expect(unmet(reading, { scope: [] })).toBeUndefined()
  for (const scope of ['mail.send', 'email', 'mail', 'mail.read2', 'MAIL.READ'])
    expect(unmet(reading, { scope: ['mail.read', scope] }), scope).toBe('scopes')
})

test(verifies('policy.purposes', 'a token has purposes, all of them listed, and none is not enough'), () => {
  const purposes = [{ type: 'purposes', any: ['support', 'billing'] }]
  expect(unmet(purposes, { purposes: ['support'] })).toBeUndefined()
  expect(unmet(purposes, { purposes: ['billing', 'support'] })).toBeUndefined()
  expect(unmet(purposes, { purposes: ['support', 'marketing'] })).toBe('purposes')
  expect(unmet(purposes, { purposes: [] })).toBe('purposes')
  expect(unmet(purposes, { purposes: undefined })).toBe('purposes')
  expect(unmet(purposes)).toBe('purposes')
})

test(verifies('DEL-22', 'the time itself is already too late, and a time that is no number is refused'), () => {
  const until = (time: unknown) => [{ type: 'until', time }]
  expect([now - 1, now, now + 1].map(time => unmet(until(time)))).toEqual(['until', 'until', undefined])
  expect(unmet(until(now), { now: now - 0.001 })).toBeUndefined()
  for (const time of [JSON.parse('1e400'), '2030', Number.NaN])
    expect(() => parseConditions(until(time))).toThrow(expect.objectContaining({ code: 'policy_denied', status: 403 }))
})

test(verifies('policy.chain', 'a call came through so many services at most, and all of them are listed'), () => {
  const through = (max: number, ...ids: string[]) => [{ type: 'chain', max, ...(ids.length > 0 && { through: ids }) }]
  const [middle, other] = ['https://middle.example', 'https://other.example'] as const
  const hop = { levels: 1, services: [middle] }
  const hops = { levels: 2, services: [middle, other] }
  expect(unmet(through(1, middle))).toBeUndefined()
  expect(unmet(through(1, middle), hop)).toBeUndefined()
  expect(unmet(through(1), hop)).toBeUndefined()
  expect(unmet(through(0), hop)).toBe('chain')
  expect(unmet(through(0))).toBeUndefined()
  expect(unmet(through(1, other), hop)).toBe('chain')
  expect(unmet(through(1, middle, other), hops)).toBe('chain')
  expect(unmet(through(2, middle), hops)).toBe('chain')
  expect(unmet(through(2, middle, other), hops)).toBeUndefined()
})

test(
  verifies(
    'policy.answer',
    'error.description',
    'a condition that does not hold is 403 with the reason of its type, and named',
  ),
  () => {
    const refusals = {
      until: ['condition_ended', { type: 'until', time: 0 }],
      hours: ['condition_outside_hours', { type: 'hours', zone: 'UTC', days: [1], from: '00:00', to: '00:01' }],
      resources: ['condition_resource', { type: 'resources', any: ['https://other.example'] }],
      scopes: ['condition_scope', { type: 'scopes', any: ['other'] }],
      purposes: ['condition_purpose', { type: 'purposes', any: ['support'] }],
      chain: ['condition_chain', { type: 'chain', max: 0 }],
    } as const
    for (const [type, [reason, condition]] of Object.entries(refusals)) {
      const found = firstUnmet(parseConditions([condition]), { ...facts, levels: 1, services: [mail] }) ?? expect.fail()
      for (const code of ['policy_denied', 'access_denied'] as const) {
        const error = unmetError(found, code)
        expect(error).toMatchObject({ name: 'AAuthError', code, reason, status: 403 })
        expect(error.description).toContain(`\`${type}\``)
      }
    }
  },
)

test('the end of a list is the first of its ends', () => {
  const end = (conditions: unknown): number | undefined => endOf(parseConditions(conditions), now)
  expect(end([{ type: 'chain', max: 0 }])).toBeUndefined()
  expect(
    end([
      { type: 'until', time: now + 100 },
      { type: 'until', time: now + 50 },
    ]),
  ).toBe(now + 50)
  expect(end([{ type: 'until', time: now - 100 }])).toBe(now)
  // Friday, 08:00Z.
  const hours = { type: 'hours', zone: 'UTC', days: [5], from: '08:00', to: '09:00' }
  expect(end([hours, { type: 'until', time: now + 100_000 }])).toBe(now + 3600)
  expect(end([hours, { type: 'until', time: now + 100 }])).toBe(now + 100)
})

test(verifies('policy.own-words', 'conditions with words of another resource are not those of this one'), () => {
  const other = 'https://other.example'
  const conditions = parseConditions([
    { type: 'data', resource: mail, fields: ['/a'] },
    { type: 'data', resource: other, fields: ['/b'] },
    { type: 'calls', max: 1, per: 'day' },
  ])
  expect(conditionsOf(conditions, 'data').map(({ fields }) => fields)).toEqual([['/a'], ['/b']])
  expect(conditionsOf(conditions, 'data', mail).map(({ fields }) => fields)).toEqual([['/a']])
  expect(conditionsOf(conditions, 'data', 'https://third.example')).toEqual([])
  // The others have no words, and hold for each resource.
  expect(conditionsOf(conditions, 'calls', other)).toEqual([{ type: 'calls', max: 1, per: 'day' }])
})
