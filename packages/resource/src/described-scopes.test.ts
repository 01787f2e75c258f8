import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { wellKnown } from './adapter/hono.js'
import { createResource, type ResourceOptions } from './index.js'

async function created(scopes: ResourceOptions['scopes']) {
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  return createResource({
    id: 'https://bank.example',
    keys,
    authServers: ['https://auth.example'],
    ...(scopes === undefined ? {} : { scopes }),
  })
}

async function published(scopes: ResourceOptions['scopes']): Promise<Record<string, unknown>> {
  const app = new Hono()
  app.use(wellKnown(await created(scopes)))
  return Object(await (await app.request('https://bank.example/.well-known/aauth-resource')).json())
}

test(
  verifies('consent.grave', 'metadata.resource', 'a resource publishes its scopes, and which are grave'),
  async () => {
    const scopes = {
      'money.see': 'See your balance',
      'money.move': { description: 'Move money between your accounts', grave: false },
      'money.send': { description: 'Send money', grave: true },
    }
    expect(await published(scopes)).toMatchObject({
      supported_scopes: ['money.see', 'money.move', 'money.send'],
      scope_descriptions: {
        'money.see': 'See your balance',
        'money.move': 'Move money between your accounts',
        'money.send': 'Send money',
      },
      grave_scopes: ['money.send'],
    })
    for (const none of [{}, { a: 'A' }, { a: { description: 'A' } }])
      expect(await published(none)).not.toHaveProperty('grave_scopes')
  },
)

test('a described scope with a wrong or unknown member is refused: misspelt, it would not be grave', async () => {
  for (const [scope, told] of [
    [{ description: 'A', graev: true }, "unknown option 'scopes.a.graev'; did you mean 'grave'?"],
    [{ description: 'A', grave: 'yes' }, "option 'scopes.a.grave' must be"],
    [{ description: 7 }, "option 'scopes.a.description' must be"],
    [7, "option 'scopes.a' must be"],
    [{ grave: true }, "option 'scopes.a' must be a text, or an object with a description"],
  ] as const)
    await expect(created({ a: scope } as never), told).rejects.toThrow(told)
})
