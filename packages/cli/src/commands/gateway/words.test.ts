import { expect, test } from 'vitest'
import { gatewayOptions } from './gateway-options.js'
import { routesOf, wordsOf } from './routes.js'

const settings = {
  id: 'https://mail.example',
  port: 8443,
  upstream: 'http://127.0.0.1:8080',
  authServer: ['https://auth.example'],
  purposes: { support: 'Answer questions of customers' },
  operations: { send: 'Send a message', purge: { description: 'Delete a message for good', grave: true } },
  dataViews: { titles: { description: 'Titles of messages', fields: ['/items/*/title'] } },
}

const read = (routes: readonly object[]) => gatewayOptions.parse({ ...settings, routes })

test('a configuration names the words of the API, and routes what they do', async () => {
  const parsed = read([
    {
      path: '/messages/*',
      methods: ['DELETE'],
      scope: ['mail.send'],
      purposes: ['support'],
      operation: 'purge',
      describe: 'Delete message {path/2} for {body/why}',
      approve: true,
      unshown: ['query/trace'],
    },
  ])
  expect(wordsOf(parsed)).toEqual({
    purposes: settings.purposes,
    operations: settings.operations,
    dataViews: settings.dataViews,
  })
  const [route] = routesOf(parsed)
  expect(route?.requirement).toMatchObject({
    operation: 'purge',
    approve: true,
    purposes: ['support'],
    unshown: ['query/trace'],
  })
  const request = {
    method: 'DELETE',
    path: '/messages/5',
    query: '',
    body: new Uint8Array(),
    segment: () => '5',
    parameter: () => '',
    json: () => ({ why: 'age' }),
  }
  const shown = await route?.requirement.describe?.(request, { agent: 'https://agent.example' })
  expect(shown).toEqual(['Delete message ', '5', ' for ', 'age', ''])
})

test('a misspelt place or member of a route stops the start', () => {
  const wrong = (more: object) => () =>
    routesOf(read([{ path: '/a', scope: ['mail.send'], operation: 'send', describe: 'Send', ...more }]))
  expect(wrong({})).not.toThrow()
  expect(wrong({ describe: 'Send {subject}' })).toThrow(/places?/)
  expect(wrong({ aprove: true })).toThrow()
  expect(wrong({ approve: false })).toThrow()
})
