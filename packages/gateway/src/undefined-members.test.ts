import { generateSigningKey } from '@countersign/httpsig'
import { createResource, type Requirement } from '@countersign/resource'
import { beforeAll, expect, test } from 'vitest'
import { createCheck, createGateway, type GatewayRoute } from './index.js'

type Scopes = 'read'
let resource: ReturnType<typeof createResource<Scopes>>

beforeAll(async () => {
  resource = createResource<Scopes>({
    id: 'https://api.example',
    keys: [{ kid: 'a', key: await generateSigningKey() }],
    authServers: ['https://auth.example'],
    scopes: { read: 'Read' },
  })
})

/** As JavaScript gives them: of a misspelt name of a configuration. */
function making(requirement: object, mcp?: object): ReadonlyArray<() => unknown> {
  const route = { path: '/*', requirement: requirement as Requirement<Scopes>, ...(mcp === undefined ? {} : { mcp }) }
  const options = { resource, routes: [route as GatewayRoute<Scopes>] }
  return [
    () => createGateway({ ...options, upstream: 'http://127.0.0.1:8080' }),
    ...(mcp === undefined ? [() => createCheck({ ...options, proxy: 'nginx' as const })] : []),
  ]
}

const members: Readonly<Record<string, unknown>> = {
  components: ['content-type'],
  replay: 'all',
  agents: ['https://agent.example'],
  deny: {},
  limits: {},
}

test.each(Object.keys(members))(
  'a route or rule whose %s is undefined is refused, where it would ask for less',
  member => {
    const told = new RegExp(`option '${member}' is undefined; leave it out, or give it a value`)
    const level = { level: 'identified' }
    for (const [given, right] of [
      [making({ ...level, [member]: undefined }), making({ ...level, [member]: members[member] })],
      [making(level, { tools: { a: { ...level, [member]: undefined } } }), making(level, { tools: { a: level } })],
      [making({ ...level, [member]: undefined }, { tools: { a: level } }), making(level, { tools: { a: level } })],
    ] as const) {
      for (const make of given) expect(make).toThrow(told)
      for (const make of right) expect(make).not.toThrow()
    }
  },
)
