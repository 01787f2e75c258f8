import { beforeAll, expect, test } from 'vitest'
import { createResource, type Limits, type Requirement } from '../index.js'
import { parseRate } from '../limit/rate.js'
import { makeWorld, type World } from '../world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

type Need = Requirement<'events.read' | 'events.write'>

test('a requirement that no request can meet is a TypeError when the route is made', () => {
  const resource = world.calendar()
  const right: Need[] = [
    { level: 'pseudonymous' },
    { level: 'anonymous' },
    { scope: 'events.read' },
    { scope: ['events.read', 'email'] },
    { agents: ['https://*.acme.example'] },
    { level: 'pseudonymous', components: ['x-tenant', '@query'] },
  ]
  for (const need of right) expect(() => resource.declare(need)).not.toThrow()
  const wrong: unknown[] = [
    {},
    { name: '/events', limits: { pseudonymous: '10/min' } },
    { scope: [] },
    { scope: 'events.delete' },
    { level: 'authorized' },
    { level: 'authorized', scope: [] },
    { level: 'pseudonymous', agents: ['https://agent.example'] },
    { agents: ['agent.example'] },
    { level: 'pseudonymous', components: ['X-Tenant'] },
    { level: 'pseudonymous', components: ['@status'] },
    { level: 'pseudonymous', limits: { anonymous: '10 per minute' } },
    { level: 'pseudonymous', limits: { anon: '10/min' } },
  ]
  for (const need of wrong) expect(() => resource.declare(need as Need), JSON.stringify(need)).toThrow(TypeError)
})

test('an undeclared requirement that no request can meet is a TypeError, too, not a refusal', async () => {
  const resource = world.calendar()
  const message = { method: 'GET', target: '/', headers: [] }
  await expect(async () => resource.authorize(message, { level: 'authorized' })).rejects.toThrow(TypeError)
})

test('options that are wrong are found at start', () => {
  expect(() => world.calendar({})).not.toThrow()
  expect(() => world.calendar({ id: 'https://calendar.example/' })).toThrow(TypeError)
  expect(() => world.calendar({ id: 'http://localhost:4130' })).toThrow(TypeError)
  expect(() => world.calendar({ id: 'http://localhost:4130', development: true })).not.toThrow()
  expect(() => world.calendar({ keys: [] })).toThrow(TypeError)
  expect(() => world.calendar({ authServers: ['https://*.example'] })).toThrow(TypeError)
  expect(() => world.calendar({ scopes: { 'a b': 'two' } as never })).toThrow(TypeError)
  expect(() => world.calendar({ limits: { identified: '0/min' } satisfies Limits })).toThrow(TypeError)
  expect(() => world.calendar({ agents: ['nobody'] })).toThrow(TypeError)
})

test('the smallest resource has an identifier and a key', async () => {
  const resource = createResource({ id: 'https://api.example', keys: [world.calendarKey] })
  expect((await resource.authorize({ method: 'GET', target: '/', headers: [] }, { level: 'anonymous' })).ok).toBe(true)
  expect((await resource.authorize({ method: 'GET', target: '/', headers: [] }, { level: 'pseudonymous' })).ok).toBe(
    false,
  )
})

test('limits read like 10/min', () => {
  expect(parseRate('10/min')).toEqual({ count: 10, seconds: 60 })
  expect(['1/s', '1/sec', '1/hour', '1/day'].map(text => parseRate(text).seconds)).toEqual([1, 1, 3600, 86_400])
  for (const text of [
    '',
    '10',
    '/min',
    '10/',
    '-1/min',
    '1.5/min',
    '1e3/min',
    '10/constructor',
    '10/week',
    ' 10/min',
    '10/min ',
    '10000000000/min',
  ])
    expect(() => parseRate(text), text).toThrow(TypeError)
})
