import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { createResource, type ResourceEvent } from '@countersign/resource'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { beforeAll, expect, test } from 'vitest'
import { type Ask, type Asked, proxiesOf, routes } from './check.test.fixture.js'
import { type CheckOptions, createCheck } from './index.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const { nginx, envoy, post, bare } = proxiesOf(() => world)

/** Asks of a check that only observes, and what was told. */
function observing(ask: Ask, options: Partial<CheckOptions<'read'>> = {}) {
  const events: ResourceEvent[] = []
  const onEvent = (event: ResourceEvent) => events.push(event)
  const resource = createResource({ ...world.settings, replay: startedReplaySet(), observe: true, onEvent })
  const asking = ask({ resource, ...options })
  return async (asked: Asked) => {
    events.length = 0
    const { status, meant, headers } = await asking(asked)
    const facts = [...headers].filter(([name]) => name.startsWith('aauth-') && name !== 'aauth-status')
    const told = events.map(event => [event.type === 'refused' ? event.error.code : event.type, event.observed])
    return { status: Number(meant ?? status), facts: Object.fromEntries(facts), told }
  }
}

const noFacts = Object.fromEntries(
  ['level', 'agent', 'delegate', 'user', 'scope', 'issuer', 'key'].map(name => [`aauth-${name}`, '']),
)

test('a check that only observes lets unseen signed bodies pass, and reports what enforcing would refuse', async () => {
  const passes = { status: 200, facts: noFacts }
  for (const make of [nginx, envoy]) {
    const ask = observing(make)
    expect(await ask(post())).toEqual({ ...passes, told: [['policy_denied', true]] })
    expect(await ask(bare('HTTP/2.0;;', 'DELETE'))).toEqual({ ...passes, told: [['policy_denied', true]] })
    expect(await ask({ as: world.agent, target: '/a' })).toEqual({ ...passes, told: [['passed', true]] })
    expect(await ask({ target: '/nowhere' })).toEqual({ ...passes, told: [['invalid_signature', true]] })
  }
  const seeing = observing(envoy, { bodies: 'seen' })
  expect(await seeing(post())).toEqual({ ...passes, told: [['passed', true]] })
})

test(verifies('SIG-21', 'a check that only observes sends no identity'), async () => {
  const { key } = world.agent
  const jwt = { identity: { kid: 'r1', key } }
  const asked = { target: '/a', as: world.agent }
  for (const make of [nginx, envoy]) {
    for (const name of ['aauth_user', 'AAuth.Level', 'AAuth_Identity'])
      for (const options of [{}, jwt]) {
        const told = await observing(make, options)({ ...asked, forged: [[name, 'root']] })
        expect([told.status, told.told], name).toEqual([400, [['invalid_request', false]]])
      }
    expect(await observing(make)({ ...asked, forged: [['AAuth-User', 'root']] })).toEqual({
      status: 200,
      facts: noFacts,
      told: [['passed', true]],
    })
    // A method override holds no identity, and an API may use it.
    expect(await observing(make)({ ...asked, forged: [['X-HTTP-Method-Override', 'PUT']] })).toEqual({
      status: 200,
      facts: noFacts,
      told: [['invalid_request', true]],
    })
  }
  const dots = { ...asked, target: '/../a' }
  expect(await observing(nginx)(dots)).toMatchObject({ status: 400, told: [['invalid_request', false]] })
  await expect(observing(envoy)(dots)).rejects.toMatchObject({ status: 400 })
  // Envoy copies every aauth- header of the response; nginx only those that its configuration names.
  const level = { ...asked, forged: [['AAuth-Level', 'authorized']] } as const
  expect(await observing(envoy, jwt)(level)).toEqual({
    status: 200,
    facts: { 'aauth-identity': '', 'aauth-level': '' },
    told: [['invalid_request', true]],
  })
  expect(await observing(nginx, jwt)(level)).toMatchObject({ status: 400, told: [['invalid_request', false]] })
})

test('a refusal before any route judges is reported as an event', async () => {
  const events: ResourceEvent[] = []
  const onEvent = (event: ResourceEvent) => events.push(event)
  const resource = createResource({ ...world.settings, replay: startedReplaySet(), onEvent })
  const asks = [nginx({ resource }), envoy({ resource })]
  for (const ask of asks) {
    await ask(post())
    await ask({ target: '/open', forged: [['aauth_user', 'x']] })
    await ask({ target: '/../a' }).catch(() => {})
  }
  const once = ['policy_denied', 'invalid_request', 'invalid_request']
  expect(events.map(event => event.type === 'refused' && event.error.code)).toEqual([...once, ...once])
  const reasons = events.map(event => event.type === 'refused' && event.error.reason)
  expect(reasons.slice(0, 2)).toEqual(['body_unseen', 'header_ambiguous'])
  expect(events.every(event => !('observed' in event))).toBe(true)
  const error = new AAuthError('invalid_request', 'the body is too large', {
    reason: 'parameter_malformed',
    status: 413,
  })
  createCheck({ resource, routes, proxy: 'envoy' }).refused?.({ requestId: 'number-1' }, error)
  expect(events.at(-1)).toEqual({
    type: 'refused',
    error,
    ask: 'nothing',
    request_id: 'number-1',
    resource: resource.id,
  })
})
