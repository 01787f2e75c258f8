import { AAuthError, logLimit } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { jsonLog } from '@countersign/server'
import { expect, test } from 'vitest'
import { audit, withoutPassed } from './audit.js'

test(verifies('LOG-04', 'a decision is one record, with each member once and nothing that a stranger sent'), () => {
  const lines: string[] = []
  const log = jsonLog({ name: 'gateway', write: line => lines.push(line) })
  const tell = audit(log, logLimit(log))
  const aauth = { level: 'pseudonymous', scope: [], chain: [], key: 'thumbprint' } as const
  const error = new AAuthError('policy_denied', 'not here', { reason: 'policy_refused', cause: 'what a stranger sent' })
  tell({ type: 'passed', aauth })
  tell({ type: 'refused', error, aauth })
  expect(lines.length).toBe(2)
  for (const line of lines) {
    const names = [...line.matchAll(/"([a-z_]+)":/g)].map(([, name]) => name)
    expect(new Set(names).size, line).toBe(names.length)
    expect(JSON.parse(line)).toMatchObject({ level: 'info', name: 'gateway', aauth_level: 'pseudonymous' })
  }
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ code: 'policy_denied', status: 403, description: 'not here' })
  expect(lines.join('')).not.toContain('stranger')
  tell({
    type: 'refused',
    error: new AAuthError('server_error', 'a bug', { reason: 'internal_error', cause: new TypeError('no such thing') }),
  })
  expect(JSON.parse(lines[2] ?? '').cause).toMatchObject({ type: 'TypeError', message: 'no such thing' })
})

test('without an access log the records of requests that passed are left out, but for the report on an observing gateway', () => {
  const told: unknown[] = []
  const tell = withoutPassed(event => told.push([event.type, event.observed]))
  const aauth = { level: 'anonymous', scope: [], chain: [] } as const
  const error = new AAuthError('invalid_request', 'not here', { reason: 'parameter_malformed' })
  tell({ type: 'passed', aauth })
  tell({ type: 'passed', aauth, observed: true })
  tell({ type: 'refused', error })
  expect(told).toEqual([
    ['passed', true],
    ['refused', undefined],
  ])
})

test('the records of refused and of observed requests are bounded separately', () => {
  const lines: string[] = []
  const log = jsonLog({ name: 'gateway', write: line => lines.push(line) })
  const limit = logLimit(log, { lines: 1 })
  const tell = audit(log, limit)
  const error = new AAuthError('invalid_request', 'not here', { reason: 'parameter_malformed' })
  for (const mark of [{ observed: true }, { observed: false }, {}])
    for (const _ of [1, 2]) tell({ type: 'refused', error, ...mark })
  limit.end()
  const records = lines.map(line => JSON.parse(line))
  expect(records.slice(0, 3).map(({ observed }) => observed)).toEqual([true, false, undefined])
  const kinds = { 'observed invalid_request': 1, 'anyway invalid_request': 1, 'refused invalid_request': 1 }
  expect(records.slice(3)).toMatchObject([{ left_out: 3, kinds }])
})

test(
  verifies('LOG-03', 'token.txn', 'a record has the audit id, the request id and the access that a policy denied'),
  () => {
    const lines: string[] = []
    const log = jsonLog({ name: 'room', write: line => lines.push(line) })
    const tell = audit(log, logLimit(log))
    const aauth = {
      level: 'authorized',
      scope: ['a'],
      chain: [],
      txn: 'journey-1',
      agent: 'https://agent.example',
    } as const
    const request_id = 'proxy-id-12345'
    tell({ type: 'passed', aauth, request_id })
    tell({
      type: 'refused',
      error: new AAuthError('policy_denied', 'not here', { reason: 'policy_refused' }),
      aauth,
      request_id,
    })
    const about = { agent: 'https://agent.example', resource: 'https://calendar.example', scope: ['a'], user: 'ada' }
    tell({
      type: 'refused',
      code: 'access_denied',
      reason: 'policy_refused',
      status: 403,
      description: 'no',
      ...about,
      request_id,
    })
    tell({
      type: 'refused',
      code: 'invalid_request',
      reason: 'enrolment_malformed',
      status: 400,
      description: 'no',
      sub: 'phone',
      request_id,
    })
    tell({
      type: 'refused',
      code: 'invalid_auth_token',
      reason: 'grant_ended',
      status: 400,
      description: 'no',
      txn: 'journey-1',
      request_id,
    })
    const page = { agent: 'https://agent.example', request: 'q1', txn: 'journey-1' }
    tell({
      type: 'refused',
      code: 'access_denied',
      reason: 'user_mismatched',
      status: 403,
      description: 'another user',
      ...page,
      request_id,
    })
    const asking = {
      agent: 'https://agent.example',
      user: { iss: 'https://auth.example', sub: 'ada' },
      txn: 'journey-1',
    }
    tell({
      type: 'refused',
      error: new AAuthError('access_denied', 'somebody else', { reason: 'user_refused' }),
      asking,
      request_id,
    })
    tell({ type: 'interaction', answer: 'agreed', asked_by: 'files', ...asking, request_id })
    const records = lines.map(line => JSON.parse(line))
    expect(records.slice(0, 2)).toMatchObject([
      { txn: 'journey-1', request_id },
      { txn: 'journey-1', request_id },
    ])
    expect(records[2]).toMatchObject({
      event: 'refused',
      code: 'access_denied',
      reason: 'policy_refused',
      ...about,
      request_id,
    })
    expect(records[3]).toMatchObject({ event: 'refused', reason: 'enrolment_malformed', sub: 'phone', request_id })
    expect(records[4]).toMatchObject({
      event: 'refused',
      code: 'invalid_auth_token',
      reason: 'grant_ended',
      txn: 'journey-1',
      request_id,
    })
    expect(records[5]).toMatchObject({
      event: 'refused',
      code: 'access_denied',
      reason: 'user_mismatched',
      ...page,
      request_id,
    })
    expect(records[6]).toMatchObject({ event: 'refused', code: 'access_denied', ...asking, request_id })
    expect(records[7]).toMatchObject({
      event: 'interaction',
      answer: 'agreed',
      asked_by: 'files',
      ...asking,
      request_id,
    })
    expect(records).toHaveLength(8)
  },
)

test(verifies('LOG-05', 'records that strangers can cause are bounded, and every grant is written'), () => {
  const lines: string[] = []
  const clock = { now: 1000 }
  const log = jsonLog({ name: 'auth-server', write: line => lines.push(line) })
  const tell = audit(log, logLimit(log, { now: () => clock.now, lines: 2 }))
  const grant = {
    agent: 'https://agent.example',
    resource: 'https://calendar.example',
    scope: ['a'],
    grant: 'g',
    jti: 'j',
  }
  for (let count = 0; count < 100; count++) {
    tell({ type: 'refused', code: 'invalid_signature', reason: 'signature_wrong', status: 401, description: 'a flood' })
    tell({
      type: 'sign_in_failed',
      code: 'access_denied',
      reason: 'sign_in_failed',
      description: 'a flood',
      cause: 'what a stranger sent',
    })
    tell({ type: 'alarm', reason: 'replaced-key', sub: 'phone', jkt: 'k' })
    tell({ type: 'revoked', found: false, agent: 'https://agent.example' })
    tell({ type: 'revoked', found: true, ...grant })
    tell({ type: 'granted', by: 'policy', ...grant })
  }
  tell({ type: 'refused', code: 'access_denied', reason: 'policy_refused', status: 403, description: 'another kind' })
  const count = (event: string): number => lines.filter(line => JSON.parse(line).event === event).length
  expect(['refused', 'sign_in_failed', 'alarm', 'revoked', 'granted'].map(count)).toEqual([3, 2, 3, 102, 100])
  clock.now += 60
  tell({ type: 'granted', by: 'policy', ...grant })
  expect(lines.slice(-2).map(line => JSON.parse(line))).toMatchObject([
    {
      msg: 'lines left out',
      left_out: 391,
      kinds: {
        'refused invalid_signature': 98,
        'sign_in_failed access_denied': 98,
        'alarm again': 97,
        'revoked nothing': 98,
      },
    },
    { event: 'granted' },
  ])
  expect(lines.join('')).not.toContain('stranger')
})

test(verifies('LOG-05', 'alarms that a delegate causes about itself do not hide alarms about others'), () => {
  const lines: string[] = []
  const clock = { now: 1000 }
  const log = jsonLog({ name: 'agent-server', write: line => lines.push(line) })
  const tell = audit(log, logLimit(log, { now: () => clock.now, lines: 2 }), () => clock.now)
  const alarm = (sub: string) => tell({ type: 'alarm', reason: 'replaced-key', sub, jkt: 'k' })
  for (let count = 0; count < 100; count++) alarm('thief')
  alarm('phone')
  clock.now += 61
  alarm('thief')
  const subs = lines.map(line => JSON.parse(line)).filter(({ event }) => event === 'alarm')
  expect(subs.map(({ sub }) => sub)).toEqual(['thief', 'thief', 'thief', 'phone', 'thief'])
})

test(verifies('delegate.rotate.alarm', 'a rotation is a record, and an alarm is a warning'), () => {
  const lines: string[] = []
  const log = jsonLog({ name: 'agent-server', write: line => lines.push(line) })
  const tell = audit(log, logLimit(log))
  tell({ type: 'rotated', sub: 'phone', jkt: 'new', previous_jkt: 'old', peer: '192.0.2.7' })
  tell({ type: 'alarm', reason: 'replaced-key', sub: 'phone', jkt: 'old' })
  const [rotated, alarm] = lines.map(line => JSON.parse(line))
  expect(rotated).toMatchObject({ level: 'info', event: 'rotated', sub: 'phone', jkt: 'new', previous_jkt: 'old' })
  expect(alarm).toMatchObject({ level: 'warn', event: 'alarm', reason: 'replaced-key', sub: 'phone', jkt: 'old' })
  expect(alarm).not.toHaveProperty('type')
})
