import { expect, test } from 'vitest'
import { AAuthError } from '../index.js'
import { causeFacts } from './cause-facts.js'

const nested = (cause: unknown): AAuthError =>
  new AAuthError('invalid_signature', 'x', { reason: 'signature_wrong', cause: new Error('y', { cause }) })

test('the difference of clocks is reported, ahead or behind; an old token says nothing about clocks', () => {
  expect(causeFacts(nested({ created: 1300, now: 1000 }))).toEqual({ skew: 300 })
  expect(causeFacts(nested({ created: 700, now: 1000 }))).toEqual({ skew: -300 })
  expect(causeFacts(nested({ iat: 1100, nbf: 0, exp: 4000, now: 1000 }))).toEqual({ skew: 100 })
  expect(causeFacts(nested({ iat: 500, nbf: 1090, exp: 4000, now: 1000 }))).toEqual({ skew: 90 })
  for (const none of [
    { iat: 100, nbf: 0, exp: 500, now: 1000 },
    { created: 1000, now: 1000 },
    { created: '1300', now: 1000 },
    { created: 1300 },
    { created: 1e300, now: 0 },
    { now: 1000 },
  ])
    expect(causeFacts(nested(none)), JSON.stringify(none)).toEqual({})
})

test('a document that could not be fetched is reported with URL and reason, without text of an error', () => {
  const url = 'https://agent.example/.well-known/aauth-agent'
  const why = 'connection refused'
  const refused = Object.assign(new Error('secret'), {
    url,
    cause: Object.assign(new Error('secret'), { why, code: 'E' }),
  })
  expect(causeFacts(nested(refused))).toEqual({ url, why })
  expect(causeFacts(nested({ url, addresses: ['10.0.0.1'], why: 'address not allowed' }))).toEqual({
    url,
    why: 'address not allowed',
  })
  expect(causeFacts(nested({ status: 404 }))).toEqual({ why: 'status 404' })
  expect(causeFacts(nested(Object.assign(new Error('secret'), { code: 'ENOTFOUND' })))).toEqual({ why: 'ENOTFOUND' })
  expect(causeFacts(nested(new DOMException('secret', 'TimeoutError')))).toEqual({ why: 'no answer in time' })
  // The code of the protocol is in the record already, and is no reason.
  expect(causeFacts(nested(new AAuthError('discovery_failed', 'secret', { reason: 'document_malformed' })))).toEqual({})
})

test('long values are cut, and endless chains of causes are not followed', () => {
  expect(causeFacts({ url: 'x'.repeat(5000), why: 'y'.repeat(5000) })).toEqual({
    url: 'x'.repeat(300),
    why: 'y'.repeat(300),
  })
  const circle: { cause?: unknown } = {}
  circle.cause = circle
  for (const nothing of [circle, undefined, null, 'text', 1]) expect(causeFacts(nothing)).toEqual({})
})
