import { verifies } from '@countersign/requirements'
import { beforeAll, expect, test } from 'vitest'
import { createGateway } from './index.js'
import { call, everything, ok, stage } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

const claims = [
  'Proxy',
  'Client-IP',
  'X-Forwarded',
  'WL-Proxy-Client-IP',
  'Proxy-Client-IP',
  'X-Original-Forwarded-For',
  'X-Remote-User',
  'Remote-User',
  'X-WEBAUTH-USER',
  'X-Auth-Request-Email',
  'X-Goog-Authenticated-User-Email',
  'True-Client-IP',
  'CF-Connecting-IP',
  'CF-Connecting-IPv6',
  'Fastly-Client-IP',
  'X-Real-IP',
  'X-Client-IP',
  'X-Cluster-Client-Ip',
  'X-AppEngine-User-IP',
  'X-Originating-IP',
  'X-Remote-Addr',
  'Fly-Client-IP',
  'X-Client-Cert',
  'X-SSL-Client-Verify',
  'Client-Cert',
  'Client-Cert-Chain',
  'X-Forwarded-Client-Cert',
  'X-ARR-ClientCert',
  'X-Original-URL',
  'X-Original-URI',
  'X-Rewrite-URL',
  'X-HTTP-Method-Override',
  'X-HTTP-Method',
  'X-Method-Override',
  'X-Original-Host',
  'X-Host',
  'X-Script-Name',
  'X-Envoy-Original-Path',
  'X-Middleware-Subrequest',
  'Front-End-Https',
  'Impersonate-User',
  'OIDC_CLAIM_sub',
  'X-Amzn-Oidc-Identity',
  'X-MS-CLIENT-PRINCIPAL-NAME',
  'Cf-Access-Authenticated-User-Email',
  'X-User',
  'X-User-Id',
  'X-User-Email',
  'X-User-Roles',
  'X-Username',
  'X-JWT-Assertion',
  'X-Jwt-Payload',
  'X-Auth-Request-User',
  'X-Auth-Username',
  'X-Auth-Email',
  'X-Auth-Roles',
  'X-Endpoint-API-UserInfo',
  'X-Apigateway-Api-Userinfo',
  'X-MS-TOKEN-AAD-ID-TOKEN',
  'Teleport-Jwt-Assertion',
  'Shib-Identity-Provider',
  'SM_USER',
  'SM_USERDN',
  'OAM_REMOTE_USER',
  'iv-user',
  'iv-groups',
  'X-RH-Identity',
  'X-Amzn-Oidc-Data',
  'X-Goog-Iap-Jwt-Assertion',
  'Cf-Access-Jwt-Assertion',
  'Tailscale-User-Login',
  'X-Consumer-Username',
  'X-Userinfo',
  'X-Accel-Mapping',
  'X-Forwarded-User',
  'Forwarded',
]
const kept = [
  'X-Request-Id',
  'X-Api-Version',
  'Authorization',
  'Idempotency-Key',
  'X-Proxying',
  'X-User-Agent',
  'X-Auth-Token',
  'X-Goog-Api-Key',
  'Smoke',
  'Accept',
  'X-Tip',
]

test(
  verifies('SIG-21', 'COV-43', 'what only a proxy may say of a caller, no caller says to the API behind'),
  async () => {
    const { port, upstream, signed } = await start(ok)
    const plain = kept.map((name): [string, string] => [name, 'kept'])
    const spellings: Array<(name: string) => string> = [
      name => name,
      name => name.toUpperCase(),
      name => name.replaceAll('-', '_'),
      name => name.replaceAll('-', '.'),
    ]
    for (const spelled of spellings) {
      const forged = claims.map((name): [string, string] => [spelled(name), 'forged'])
      const headers = [...forged, ...plain]
      expect((await call(port, { target: '/open', headers: [['host', 'api.example'], ...headers] })).status).toBe(200)
      expect((await signed({ as: world.agent, target: '/x', headers })).status).toBe(200)
    }
    expect(upstream.seen).toHaveLength(8)
    for (const { headers } of upstream.seen) {
      expect(headers.filter(([, value]) => value === 'forged')).toEqual([])
      expect(headers.filter(([, value]) => value === 'kept').map(([name]) => name)).toEqual(
        kept.map(name => name.toLowerCase()),
      )
    }
  },
)

test('dropHeaders drops more, in every spelling', async () => {
  const tenant = [['X-Tenant', 'a'] as const, ['x_tenant', 'b'] as const, ['X-Tenants', 'c'] as const]
  const open = await start(ok)
  await call(open.port, { target: '/open', headers: [['host', 'api.example'], ...tenant] })
  const closed = await start(ok, everything, { dropHeaders: ['X-Tenant'] })
  await call(closed.port, { target: '/open', headers: [['host', 'api.example'], ...tenant] })
  const values = (seen: typeof open.upstream.seen) =>
    seen.flatMap(({ headers }) => headers.filter(([name]) => /tenant/.test(name)).map(([, value]) => value))
  expect([values(open.upstream.seen), values(closed.upstream.seen)]).toEqual([['a', 'b', 'c'], ['c']])
  const make = (dropHeaders: unknown) => () =>
    createGateway({
      resource: world.resource,
      upstream: 'http://127.0.0.1:1',
      routes: [],
      dropHeaders: dropHeaders as readonly string[],
    })
  expect(make(['X-Tenant'])).not.toThrow()
  for (const wrong of [['a b'], [''], ['x:y'], ['Content-Type'], ['content_length'], 'X-Tenant', [7]])
    expect(make(wrong), JSON.stringify(wrong)).toThrow(TypeError)
})
