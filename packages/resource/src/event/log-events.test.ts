import { generateSigningKey } from '@countersign/httpsig'
import { AAuthError, logLimit } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import { pino } from 'pino'
import { beforeAll, expect, test } from 'vitest'
import { header } from '../altered.test.fixture.js'
import { logTo } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

function logged() {
  const lines: string[] = []
  const tell = logTo(pino({ base: null, timestamp: false }, { write: line => lines.push(line) }))
  return { tell, lines, records: () => lines.map(line => JSON.parse(line)) }
}

test(
  verifies(
    'LOG-02',
    'LOG-03',
    'LOG-04',
    'each decision is one record in pino, with the verified caller and no other identity',
  ),
  async () => {
    const { tell, lines, records } = logged()
    const resource = world.calendar({ onEvent: tell })
    const events = resource.declare({ name: '/events', scope: 'events.read' })
    const token = await world.authToken({ sub: 'alice' })
    const signed = await world.request({ as: asHolder(world.delegateKey, token), target: '/events?code=secret' })
    expect((await resource.authorize(signed, events)).ok).toBe(true)
    const forged = header('signature', value => value.replace(/:[^:]{4}/, ':AAAA'))
    const claimed = forged(await world.request({ as: asAgent(world.agent), target: '/events' }))
    expect((await resource.authorize(claimed, events)).ok).toBe(false)
    const pseudonym = await world.request({ as: asKey(await generateSigningKey()), target: '/events' })
    await resource.authorize(pseudonym, events)
    expect(records()).toMatchObject([
      {
        event: 'passed',
        msg: 'passed',
        aauth_level: 'authorized',
        agent: 'https://agent.example',
        user: { sub: 'alice' },
        route: '/events',
      },
      { event: 'refused', code: 'invalid_signature', reason: 'signature_wrong', status: 401, ask: 'identity' },
      {
        event: 'refused',
        code: 'insufficient_level',
        reason: 'level_insufficient',
        aauth_level: 'pseudonymous',
        key: expect.stringMatching(/^[\w-]{43}$/),
      },
    ])
    expect(records()[1]).toMatchObject({ route: '/events' })
    expect(records()[1]).not.toHaveProperty('agent')
    for (const secret of [...token.split('.'), 'secret', 'claims']) expect(lines.join(''), secret).not.toContain(secret)
  },
)

test(verifies('LOG-01', 'LOG-02', 'a record of an own failure has its kind and place, and no quotation'), () => {
  const { tell, records } = logged()
  const cause = new TypeError('no such "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9"\nlevel=fatal')
  tell({
    type: 'refused',
    error: new AAuthError('server_error', 'something is broken here', { reason: 'internal_error', cause }),
  })
  tell({
    type: 'refused',
    error: new AAuthError('invalid_request', 'not this', {
      reason: 'parameter_malformed',
      cause: 'what a stranger sent',
    }),
  })
  const [bug, refused] = records()
  expect(bug.cause).toMatchObject({ type: 'TypeError', stack: expect.any(Array) })
  expect(JSON.stringify(bug)).not.toMatch(/eyJ/)
  expect(refused).not.toHaveProperty('cause')
})

test(
  verifies('LOG-05', 'of refusals so many a minute and a count of the rest, of everything else all, and on any limit'),
  () => {
    const lines: Array<Record<string, unknown>> = []
    const clock = { now: 1000 }
    const logger = pino({ base: null, timestamp: false }, { write: line => lines.push(JSON.parse(line)) })
    const passed = { type: 'passed', aauth: { level: 'anonymous', scope: [], chain: [] } } as const
    const flood = (tell: ReturnType<typeof logTo>) => {
      for (let count = 0; count < 100; count++) {
        for (const code of ['invalid_signature', 'policy_denied'] as const)
          tell({ type: 'refused', error: new AAuthError(code, 'a flood', { reason: 'internal_error' }) })
        tell({
          type: 'refused',
          observed: true,
          error: new AAuthError('policy_denied', 'a flood', { reason: 'policy_refused' }),
        })
        tell(passed)
      }
    }
    const count = (event: string) => lines.filter(line => line['event'] === event).length
    flood(logTo(logger))
    expect(['refused', 'passed'].map(count)).toEqual([180, 100])
    lines.length = 0
    const tell = logTo(logger, { limit: logLimit(logger, { lines: 2, now: () => clock.now }) })
    flood(tell)
    expect(['refused', 'passed'].map(count)).toEqual([6, 100])
    clock.now += 60
    tell(passed)
    expect(lines.at(-2)).toMatchObject({
      level: 40,
      msg: 'lines left out',
      left_out: 294,
      kinds: { 'refused invalid_signature': 98, 'refused policy_denied': 98, 'observed policy_denied': 98 },
      since: 1000,
    })
    expect(lines.at(-1)).toMatchObject({ event: 'passed' })
  },
)

test('a refusal says by how much the clocks differ, and which document could not be fetched and why', () => {
  const { tell, records } = logged()
  const skewed = new AAuthError('invalid_signature', 'created is too far', {
    reason: 'signature_wrong',
    cause: { created: 1300, now: 1000 },
  })
  const url = 'https://agent.example/.well-known/aauth-agent'
  const away = Object.assign(new Error('https://secret.example'), { url, cause: { why: 'connection refused' } })
  tell({ type: 'refused', error: skewed })
  tell({
    type: 'refused',
    error: new AAuthError('discovery_failed', 'does not answer', {
      reason: 'document_malformed',
      status: 503,
      cause: away,
    }),
  })
  tell({
    type: 'refused',
    error: new AAuthError('invalid_signature', 'it does not verify', {
      reason: 'signature_wrong',
      cause: { base: 'x' },
    }),
  })
  expect(records()).toMatchObject([{ skew: 300 }, { url, why: 'connection refused' }, {}])
  for (const member of ['skew', 'url', 'why']) expect(records()[2]).not.toHaveProperty(member)
  expect(JSON.stringify(records())).not.toContain('secret')
})
