import { expect, test } from 'vitest'
import { toldOf } from './told.js'

test.each([
  [
    401,
    '{"error":"invalid_token","error_description":"the token is not active"}',
    '401 invalid_token (the token is not active)',
  ],
  [
    401,
    '{"error":"invalid_signature","reason":"digest_wrong","error_description":"x"}',
    '401 invalid_signature (digest_wrong)',
  ],
  [400, '{"error":"invalid_target"}', '400 invalid_target'],
  [200, '{"user":"ada"}', '200 {"user":"ada"}'],
  [200, JSON.stringify({ a: 'x'.repeat(200) }), `200 {"a":"${'x'.repeat(154)}…`],
  [404, '<h1>nothing</h1>', '404'],
])('a response %s %s in a few words', (status, body, words) => {
  expect(toldOf(status, body)).toBe(words)
})
