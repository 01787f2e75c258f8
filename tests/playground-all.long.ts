import { expect, test } from 'vitest'
import { play } from './played.fixture.js'

test('countersign playground --scenario all --json plays every story and says so by its exit code', async () => {
  const { code, played } = await play('all')
  expect(played.scenarios.map(({ scenario }) => scenario)).toEqual([
    'climb',
    'rate-limit',
    'identity',
    'delegate',
    'autonomous',
    'user-consent',
    'device',
    'sso',
    'multi-hop',
    'oauth-downstream',
    'mcp',
    'revocation',
    'delegation',
    'approval',
    'refresh',
    'rotation',
  ])
  expect(code).toBe(0)
})
