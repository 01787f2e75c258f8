import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { userUrl } from './user-url.js'

test.each([
  ['a page on https', 'https://app.example/go?x=1', 'https://app.example/go?x=1'],
  ['a page on http', 'http://app.example/go', undefined],
  ['a page on this machine', 'http://localhost:8080/go', undefined],
  ['a user name before the host', 'https://bank.example@evil.example/go', undefined],
  ['a password alone before the host', 'https://:bank.example@evil.example/go', undefined],
  [
    'a page of the most characters',
    `https://app.example/${'x'.repeat(8172)}`,
    `https://app.example/${'x'.repeat(8172)}`,
  ],
  ['a page of one character more', `https://app.example/${'x'.repeat(8173)}`, undefined],
  ['a program', 'javascript:alert(1)', undefined],
])(verifies('agent.checks.user-url', '%s is where a user may be sent, or not'), (_, value, expected) => {
  expect(userUrl(value, { development: false })).toBe(expected)
})

test.each([
  ['http://localhost:8080/go', 'http://localhost:8080/go'],
  ['http://127.0.0.1/go', 'http://127.0.0.1/go'],
  ['http://[::1]:1/go', 'http://[::1]:1/go'],
  ['http://app.example/go', undefined],
  ['http://localhost.evil.example/go', undefined],
  ['ftp://localhost/go', undefined],
])(verifies('agent.checks.user-url', 'in development http reaches this machine only: %s'), (value, expected) => {
  expect(userUrl(value, { development: true })).toBe(expected)
})
