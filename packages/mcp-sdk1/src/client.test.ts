import { expect, test } from 'vitest'
import * as client from './client.js'

test('the entry point for clients exports these names and no others', () => {
  expect(new Set(Object.keys(client))).toEqual(new Set(['agentTransport', 'elicitCode', 'elicitUrl']))
})
