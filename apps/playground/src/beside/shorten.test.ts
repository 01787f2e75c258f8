import { expect, test } from 'vitest'
import { shortenBody, shortenHeaders, shortenTarget } from './shorten.js'

const header = 'eyJhbGciOiJFUzI1NiJ9'
const payload = 'eyJzdWIiOiJhZGEifQ'
const jwt = `${header}.${payload}.c2lnbmF0dXJlc2lnbmF0dXJl`

test('a JWT loses its signature and can still be read; an opaque token keeps six characters', () => {
  expect(shortenHeaders([['authorization', `Bearer ${jwt}`]])).toEqual([
    ['authorization', `Bearer ${header}.${payload}.…`],
  ])
  expect(shortenHeaders([['authorization', 'Bearer 0123456789']])).toEqual([['authorization', 'Bearer 012345…']])
})

test('client credentials and cookies are shortened, other headers are not', () => {
  expect(
    shortenHeaders([
      ['Authorization', 'Basic YWdlbnQ6c2VjcmV0'],
      ['Cookie', 'oauth-session-70=0123456789; theme=dark'],
      ['Set-Cookie', 'oauth-session-70=0123456789; path=/; httponly'],
      ['Accept', 'application/json; q=0123456789'],
    ]),
  ).toEqual([
    ['Authorization', 'Basic YWdlbn…'],
    ['Cookie', 'oauth-session-70=012345…; theme=dark'],
    ['Set-Cookie', 'oauth-session-70=012345…; path=/; httponly'],
    ['Accept', 'application/json; q=0123456789'],
  ])
})

test.each([
  ['/callback?code=0123456789&state=0123456789', '/callback?code=012345…&state=0123456789'],
  ['/appointments', '/appointments'],
])('a code in the query of %s is shortened', (target, shown) => {
  expect(shortenTarget(target)).toBe(shown)
  expect(shortenHeaders([['location', `http://localhost:1${target}`]])).toEqual([
    ['location', `http://localhost:1${shown}`],
  ])
})

test.each([
  ['grant_type=refresh_token&refresh_token=0123456789', 'grant_type=refresh_token&refresh_token=012345…'],
  ['code_verifier=0123456789&resource=http%3A%2F%2Fa', 'code_verifier=012345…&resource=http%3A%2F%2Fa'],
  ['{"access_token":"0123456789","scope":"a"}', '{"access_token":"012345…","scope":"a"}'],
  [`{"access_token":"${jwt}"}`, `{"access_token":"${header}.${payload}.…"}`],
  ['{"a":[{"client_secret":"0123456789"}]}', '{"a":[{"client_secret":"012345…"}]}'],
  ['{"access_token":"0123456789"', '[JSON that does not parse]'],
  ['<h1>Sign in</h1>', '<h1>Sign in</h1>'],
  [
    'Redirecting to http://localhost:1/callback?code=0123456789&state=0123456789.',
    'Redirecting to http://localhost:1/callback?code=012345…&state=0123456789.',
  ],
  ['<a href="/callback?state=a&amp;code=0123456789">on</a>', '<a href="/callback?state=a&amp;code=012345…">on</a>'],
  ['', ''],
])('the secrets of the body %s are shortened', (body, shown) => {
  expect(shortenBody(body)).toBe(shown)
})
