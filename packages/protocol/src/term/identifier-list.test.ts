import { runInNewContext } from 'node:vm'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { isListed } from '../index.js'
import { checkIdentifierList } from '../internal.js'

test.each([
  ['https://auth.example', 'https://auth.example'],
  ['https://*.acme.example', 'https://a.acme.example'],
  ['https://*.acme.example', 'https://b.a.acme.example'],
  ['https://*.acme.example:8443', 'https://a.acme.example:8443'],
  ['http://localhost:4120', 'http://localhost:4120'],
])(verifies('trust.resource.auth-servers', '%s lists %s'), async (entry, id) => {
  expect(await isListed([entry], id)).toBe(true)
  expect(await isListed(['https://other.example', entry], id)).toBe(true)
  expect(await isListed([], id)).toBe(false)
})

test.each([
  ['https://auth.example', 'https://auth.example:8443'],
  ['https://auth.example', 'https://auth.example/'],
  ['https://auth.example', 'https://AUTH.example'],
  ['https://auth.example', 'https://a.auth.example'],
  ['https://auth.example', 'https://auth.example.evil.example'],
  ['https://auth.example', 'https://auth.exampl'],
  ['https://auth.example', 'http://auth.example'],
  ['https://*.acme.example', 'https://acme.example'],
  ['https://*.acme.example', 'https://.acme.example'],
  ['https://*.acme.example', 'https://evilacme.example'],
  ['https://*.acme.example', 'https://a.acme.example.evil.example'],
  ['https://*.acme.example', 'https://a.acme.example:8443'],
  ['https://*.acme.example:8443', 'https://a.acme.example'],
  ['https://*.acme.example', 'http://a.acme.example'],
  ['https://*.acme.example', 'https://evil.example/.acme.example'],
  ['https://*.acme.example', 'https://evil.example?.acme.example'],
  ['https://*.acme.example', 'https://evil.example#.acme.example'],
  ['https://*.acme.example', 'https://x@evil.example/a.acme.example'],
  ['https://*.acme.example', 'https://*.acme.example'],
  ['*.acme.example', 'https://a.acme.example'],
  ['https://*', 'https://a.example'],
  ['https://*.', 'https://a.example'],
  ['https://a.*.example', 'https://a.b.example'],
])(verifies('JWT-09', 'AUT-02', 'AUT-03', 'id.equal', '%s does not list %s'), async (entry, id) => {
  expect(await isListed([entry], id)).toBe(false)
  expect(await isListed([entry, 'https://listed.example'], 'https://listed.example')).toBe(true)
})

test('any lists every identifier, and no malformed one', async () => {
  expect(await isListed('any', 'https://auth.example')).toBe(true)
  expect(await isListed('any', 'https://auth.example/')).toBe(false)
  expect(await isListed('any', 'javascript:alert(1)')).toBe(false)
})

test('a function accepts by returning true only', async () => {
  expect(await isListed(id => id === 'https://a.example', 'https://a.example')).toBe(true)
  expect(await isListed(async id => id === 'https://a.example', 'https://a.example')).toBe(true)
  expect(await isListed(async () => false, 'https://a.example')).toBe(false)
  expect(await isListed(() => JSON.parse('"yes"'), 'https://a.example')).toBe(false)
  expect(await isListed(() => true, 'not an identifier')).toBe(false)
  await expect(isListed(() => Promise.reject(new Error('policy away')), 'https://a.example')).rejects.toThrow(
    'policy away',
  )
})

describe('a list is checked when it is configured', () => {
  test.each(['any', [], ['https://a.example', 'https://*.acme.example:8443'], () => true])('%j is taken', list => {
    expect(() => checkIdentifierList(list as Parameters<typeof checkIdentifierList>[0])).not.toThrow()
  })

  test.each([
    ['acme.example'],
    ['https://a.example/'],
    ['https://*'],
    ['https://*.*.example'],
    ['http://localhost'],
    [7],
  ])('an entry %j is a TypeError', entry => {
    expect(() => checkIdentifierList([entry as string])).toThrow(TypeError)
  })

  test('loopback entries need development', () => {
    expect(() => checkIdentifierList(['http://localhost:4120'], { development: true })).not.toThrow()
    expect(() => checkIdentifierList(JSON.parse('"https://a.example"'))).toThrow(TypeError)
  })
})

test('a list that is a function may answer at once, or with a promise of any realm; only true lists', async () => {
  const elsewhere = (answer: string) => (): Promise<boolean> => runInNewContext(`Promise.resolve(${answer})`)
  const id = 'https://auth.example'
  for (const list of [() => true, async () => true, elsewhere('true')]) expect(await isListed(list, id)).toBe(true)
  for (const list of [() => false, () => 1 as never, elsewhere('"yes"')]) expect(await isListed(list, id)).toBe(false)
})
