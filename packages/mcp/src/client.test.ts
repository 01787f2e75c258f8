import { expect, test } from 'vitest'
import * as client from './client.js'

test('the client half exports these names and no others', () => {
  expect(Object.keys(client)).toEqual(['agentTransport', 'bridge', 'elicitCode', 'elicitUrl'])
})
