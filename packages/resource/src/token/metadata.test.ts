import { generateSigningKey } from '@countersign/httpsig'
import { beforeAll, expect, test } from 'vitest'
import { createResource, type Resource } from '../index.js'

let make: (jwksPath?: string, more?: object) => Resource
beforeAll(async () => {
  const keys = [{ kid: 'r1', key: await generateSigningKey() }]
  make = (jwksPath, more = {}) =>
    createResource({ id: 'https://api.example', keys, ...(jwksPath === undefined ? {} : { jwksPath }), ...more })
})

async function ask(resource: Resource, target: string) {
  const answer = await resource.handle({ method: 'GET', target, headers: [['host', 'api.example']] })
  return answer === undefined ? 'nothing' : answer.json()
}

test('keys are published where the metadata says, and nowhere else: an OAuth server of the origin has its own', async () => {
  const elsewhere = '/aauth/jwks.json'
  const downstream = { acceptAuthServer: 'any' }
  for (const [resource, path, other] of [
    [make(), '/.well-known/jwks.json', elsewhere],
    [make(elsewhere, { downstream }), elsewhere, '/.well-known/jwks.json'],
  ] as const) {
    const metadata = await ask(resource, '/.well-known/aauth-resource')
    expect([metadata.jwks_uri, resource.jwksPath]).toEqual([`https://api.example${path}`, path])
    expect((await ask(resource, path)).keys).toMatchObject([{ kid: 'r1' }])
    expect(await ask(resource, other)).toBe('nothing')
  }
  const agent = await ask(make(elsewhere, { downstream }), '/.well-known/aauth-agent')
  expect(agent.jwks_uri).toBe(`https://api.example${elsewhere}`)
})

test('it is a path that everybody reads alike, and of nothing else', () => {
  expect(make('/.well-known/aauth-keys.json').jwksPath).toBe('/.well-known/aauth-keys.json')
  for (const path of [
    '',
    'jwks',
    '/',
    '/a//b',
    '/a/',
    '/a/../b',
    '/./a',
    '/a?b',
    '/%61',
    '/a b',
    'https://a.example/b',
  ])
    expect(() => make(path), path).toThrow('jwksPath must be a plain path')
  for (const path of ['/.well-known/aauth-resource', '/aauth/resource-token', '/aauth/interact'])
    expect(() => make(path), path).toThrow('jwksPath is the path of something else')
})
