import { listens, required } from '@countersign/testing/services'
import { expect, test } from 'vitest'

// Tests that need a service say so in their title when it does not answer. Where CI requires it, that is a failure.

test.each([
  ['postgres', 5432],
  ['redis', 6379],
] as const)('%s answers where it is required', async (service, port) => {
  expect(!required(service) || (await listens(port))).toBe(true)
})
