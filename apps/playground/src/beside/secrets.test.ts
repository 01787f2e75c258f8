import { expect, test } from 'vitest'
import { privateKeysIn, secretsAtRest } from './secrets.js'

const found = (holder: string, value: string): Parameters<typeof secretsAtRest>[0][number] => ({
  ...{ file: `/place/${holder}.json`, member: 'client_secret', holder, value, opens: 'act as agent' },
})

test('a value that two parties hold is shared, one that a single party holds is not', () => {
  const shown = secretsAtRest([found('client', 'abcdefghij'), found('server', 'abcdefghij')], '/place')
  expect(shown).toEqual([
    {
      ...{ place: 'client.json › client_secret', holder: 'client', opens: 'act as agent' },
      ...{ shown: 'abcdef…', shared: true },
    },
    {
      ...{ place: 'server.json › client_secret', holder: 'server', opens: 'act as agent' },
      ...{ shown: 'abcdef…', shared: true },
    },
  ])
  const twice = secretsAtRest([found('client', 'abcdefghij'), found('client', 'abcdefghij')], '/place')
  expect(twice.map(({ shared }) => shared)).toEqual([false, false])
})

test('private keys are found wherever they are, and public ones are not', () => {
  const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }
  expect(privateKeysIn({ keys: [{ ...key, d: 'one' }, key], own: { kty: 'OKP', d: 'two' } })).toEqual([
    { member: 'keys.0.d', d: 'one' },
    { member: 'own.d', d: 'two' },
  ])
  expect(privateKeysIn({ ...key, d: 'three' })).toEqual([{ member: 'd', d: 'three' }])
  expect(privateKeysIn('text')).toEqual([])
})
