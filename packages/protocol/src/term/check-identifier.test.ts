import { expect, test } from 'vitest'
import { checkIdentifier } from '../internal.js'

const start = 'id must be an identifier such as https://host.example'

test.each([
  ['https://api.example/', 'leave out the slash at the end: https://api.example'],
  ['HTTPS://API.example', 'write it in lower case: https://api.example'],
  ['api.example', 'write the scheme, too: https://api.example'],
  ['https://api.example/v1?x=1', 'write the origin alone: https://api.example'],
  ['https://api.example:443', 'write the origin alone: https://api.example'],
  ['http://api.example', 'write https: https://api.example'],
  ['http://localhost:5130', 'http:// needs development: true'],
  ['http://localhost:5130/', 'leave out the slash at the end: http://localhost:5130; http:// needs development: true'],
  ['https://192.0.2.1', 'an IP address needs development: true'],
])('%s: %s', (value, fix) => {
  expect(() => checkIdentifier('id', value, {})).toThrow(new TypeError(`${start}: ${fix}`))
  // What the sentence says to write is accepted.
  const written = /https?:\/\/[^; ]+\w/.exec(fix)?.[0] ?? value
  expect(() => checkIdentifier('id', written, { development: fix.includes('development') })).not.toThrow()
})

test.each([[7], [undefined], [''], ['https://'], ['ftp://api.example'], ['https://a_b.example'], ['http://10.0.0.1']])(
  'of %s it only says what an identifier is',
  value => {
    expect(() => checkIdentifier('id', value, {})).toThrow(new TypeError(start))
  },
)

test('a password in the value is not repeated', () => {
  expect(() => checkIdentifier('id', 'https://user:secret@api.example', {})).toThrow(
    new TypeError(`${start}: write the origin alone: https://api.example`),
  )
})
