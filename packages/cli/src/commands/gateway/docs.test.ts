import { readFileSync } from 'node:fs'
import { generateSigningKey } from '@countersign/httpsig'
import { createResource } from '@countersign/resource'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const page = readFileSync(new URL('../../../../../docs/gateway.md', import.meta.url), 'utf8')
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, block = '']) => block)

interface EnvoyRoute {
  readonly match: { readonly prefix?: string; readonly safe_regex?: { readonly regex: string } }
  readonly route: { readonly cluster: string }
  readonly typed_per_filter_config?: Readonly<Record<string, object>>
}

test('the proxies in the documentation send the paths that the check publishes to it, and no others', async () => {
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  const { paths } = createResource({ id: 'https://api.example', keys, authServers: ['https://auth.example'] })
  const [, nginx = 'none'] = /^location ~ (\S+) \{/m.exec(blocks('nginx')[0] ?? '') ?? []
  const envoy = blocks('yaml').map(block => parse(block))
  const filter = envoy.find(({ name }) => name === 'envoy.filters.http.ext_authz')
  const routes: EnvoyRoute[] = envoy.find(block => 'route_config' in block)?.route_config.virtual_hosts[0].routes
  const cluster = filter.typed_config.http_service.server_uri.cluster
  const [own, ...others] = routes
  expect(own?.route.cluster).toBe(cluster)
  expect(others).toEqual([
    {
      match: { prefix: '/' },
      route: { cluster: 'api' },
      request_headers_to_remove: expect.arrayContaining(['proxy', 'x-remote-user', 'signature', 'signature-agent']),
      response_headers_to_remove: ['agent-auth'],
    },
  ])
  expect(own?.typed_per_filter_config).toEqual({
    [filter.name]: { '@type': `${filter.typed_config['@type']}PerRoute`, disabled: true },
  })
  // Envoy compares the whole path.
  for (const regex of [new RegExp(nginx), new RegExp(`^(?:${own?.match.safe_regex?.regex})$`)]) {
    expect(paths.filter(path => !regex.test(path))).toEqual([])
    for (const path of [
      '/',
      '/check',
      '/check/.well-known/jwks.json',
      '/.well-known/jwksXjson',
      '/aauth/resource-tokens',
    ])
      expect(regex.test(path), path).toBe(false)
  }
})
