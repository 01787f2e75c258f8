import { expect, test } from 'vitest'
import type { ShownMessage } from '../explorer/contract.js'
import { countsOf } from './column.js'
import type { BesideStep } from './contract.js'

const message = (id: number, change: Partial<ShownMessage>): ShownMessage => ({
  ...{ id, at: id, from: 'agent', to: 'calendar', sentence: '', kind: 'call' },
  request: { method: 'GET', target: '/', headers: [], body: '' },
  response: { status: 200, headers: [], body: '' },
  ...change,
})
const post = { method: 'POST', target: '/', headers: [], body: '' } as const

test('a column is counted: messages, metadata, secrets with two holders, set-up, and forms of the user alone', () => {
  const steps: BesideStep[] = [
    { actor: 'agent', what: 'calls', messages: [message(1, {}), message(2, { kind: 'discovery' })] },
    {
      ...{ actor: 'user', what: 'agrees' },
      messages: [
        message(3, { from: 'user', request: post }),
        message(4, { from: 'user' }),
        message(5, { request: post }),
      ],
    },
  ]
  const secret = { place: '', shown: '', holder: '', opens: '' }
  expect(
    countsOf({
      steps,
      secrets: [
        { ...secret, shared: true },
        { ...secret, shared: false },
      ],
      setUp: [{ what: '', place: '' }],
    }),
  ).toEqual({ messages: 5, discovery: 1, secrets: 2, sharedSecrets: 1, setUp: 1, userForms: 1 })
})
