import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { required } from './processes.fixture.js'

// Tests that need a service say so in their title when it does not answer. Where CI requires it, that is a failure.

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.end(() => resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

test.each([
  ['postgres', 5432],
  ['redis', 6379],
] as const)('%s answers where it is required', async (service, port) => {
  expect(!required(service) || (await answers(port))).toBe(true)
})
