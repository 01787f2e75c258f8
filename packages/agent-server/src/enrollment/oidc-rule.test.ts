import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { scene } from '../delegate.test.fixture.js'
import { type OidcIssuer, oidc } from '../index.js'
import { enrolBy, issuer, oidcScene } from './oidc.test.fixture.js'
import { readOidcRule } from './oidc-rule.js'

const rule = (options: Partial<OidcIssuer>) =>
  readOidcRule({ issuer, subjects: ['x'], ...options }, { development: false })

test.each([
  [
    'repo:acme/app:ref:refs/heads/main',
    ['repo:acme/app:ref:refs/heads/main'],
    ['repo:acme/app:ref:refs/heads/mainx', 'repo:acme/app:ref:refs/heads/Main'],
  ],
  [
    'repo:acme/*:ref:refs/heads/main',
    ['repo:acme/app:ref:refs/heads/main'],
    [
      'repo:acme/:ref:refs/heads/main',
      'repo:acme/a/b:ref:refs/heads/main',
      'repo:acme/app:environment:x:ref:refs/heads/main',
    ],
  ],
  [
    'repo:acme/app:**',
    ['repo:acme/app:ref:refs/tags/v1', 'repo:acme/app:environment:production'],
    ['repo:acme/app', 'repo:acme/app2:ref:refs/heads/main', 'repo:acme/app:'],
  ],
  [
    'system:serviceaccount:prod:*',
    ['system:serviceaccount:prod:agent'],
    ['system:serviceaccount:prod:', 'system:serviceaccount:prod:a:b', 'system:serviceaccount:staging:agent'],
  ],
  [
    'spiffe://trust.example/ns/*/sa/agent',
    ['spiffe://trust.example/ns/prod/sa/agent'],
    [
      'spiffe://trust.example/ns/prod/x/sa/agent',
      'spiffe://trustxexample/ns/prod/sa/agent',
      'spiffe://trust.example/ns/prod/sa/agent2',
    ],
  ],
  ['a.b(c)[d]+^$|{2}\\-', ['a.b(c)[d]+^$|{2}\\-'], ['axb(c)[d]+^$|{2}\\-', 'a.bc']],
])(
  verifies('delegate.enrol.oidc', 'the pattern %s matches whole values, and its wildcards stay in their segment'),
  (pattern, yes, no) => {
    const { delegateOf } = rule({ subjects: [pattern] })
    for (const sub of yes) expect(delegateOf({ sub })).toBe(sub.replace(/[%|]/g, encodeURIComponent))
    for (const sub of [...no, `${yes[0]}\n`, `x${yes[0]}`])
      expect(() => delegateOf({ sub }), sub).toThrow('does not fit the rule')
  },
)

test(
  verifies(
    'delegate.enrol.oidc',
    'claims that a rule demands must be there, with exactly that value and type, as own members',
  ),
  () => {
    const { delegateOf } = rule({
      subjects: ['job:*'],
      claims: {
        repository_id: '42',
        protected: true,
        attempt: [1, 2],
        '/kubernetes.io/namespace': 'prod',
        'a/b': 'c*',
      },
    })
    const good = {
      sub: 'job:1',
      repository_id: '42',
      protected: true,
      attempt: 2,
      'kubernetes.io': { namespace: 'prod' },
      'a/b': 'cd',
    }
    expect(delegateOf(good)).toBe('job:1')
    for (const change of [
      { repository_id: 42 },
      { repository_id: '421' },
      { repository_id: ['42'] },
      { protected: 'true' },
      { attempt: 3 },
      { attempt: '1' },
      { 'kubernetes.io': { namespace: 'staging' } },
      { 'kubernetes.io': ['prod'] },
      { 'kubernetes.io': { __proto__: { namespace: 'prod' } } },
      { 'a/b': 'c' },
      { 'a/b': undefined },
    ])
      expect(() => delegateOf({ ...good, ...change }), JSON.stringify(change)).toThrow('does not fit the rule')
  },
)

test(verifies('delegate.enrol.oidc', 'claims that together name a delegate never name another'), () => {
  const pods = rule({ subjects: ['system:serviceaccount:prod:*'], delegate: ['sub', '/kubernetes.io/pod/uid'] })
  const claims = { sub: 'system:serviceaccount:prod:agent', 'kubernetes.io': { pod: { uid: 'a%b|c' } } }
  expect(pods.delegateOf(claims)).toBe('system:serviceaccount:prod:agent|a%25b%7Cc')
  expect(() => pods.delegateOf({ sub: claims.sub })).toThrow('the claim that must name the delegate is missing')
  expect(() => pods.delegateOf({ ...claims, 'kubernetes.io': { pod: { uid: '' } } })).toThrow(
    'the claim that must name the delegate is missing',
  )
  const { delegateOf } = rule({ subjects: ['s**'], delegate: ['sub', 'run'] })
  const name = fc.string({ unit: fc.constantFrom('|', '%', '7', 'C', '2', '5', 'a'), minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(name, name, name, name, (a, b, c, d) => {
      const same = delegateOf({ sub: `s${a}`, run: b }) === delegateOf({ sub: `s${c}`, run: d })
      expect(same).toBe(a === c && b === d)
    }),
    { numRuns: 500 },
  )
})

test.each<[string, Partial<OidcIssuer>]>([
  ['http', { issuer: 'http://ci.example' }],
  ['a query', { issuer: 'https://ci.example/?a' }],
  ['a fragment', { issuer: 'https://ci.example#a' }],
  ['userinfo', { issuer: 'https://a:b@ci.example' }],
  ['upper case', { issuer: 'https://CI.example' }],
  ['no subject', { subjects: [] }],
  ['a subject of anyone', { subjects: ['**'] }],
  ['a subject that begins with a wildcard', { subjects: ['*:acme'] }],
  ['an empty subject', { subjects: [''] }],
  ['** in the middle', { subjects: ['repo:**:main'] }],
  ['***', { subjects: ['repo:***'] }],
  ['five wildcards', { subjects: ['a*b*c*d*e*'] }],
  ['a claim of anything', { claims: { repository: '*' } }],
  ['sub among the claims', { claims: { sub: 'x' } }],
  ['an HMAC', { algorithms: ['HS256' as 'RS256'] }],
  ['no algorithm', { algorithms: [] }],
  ['keys by http', { jwksUri: 'http://ci.example/keys' }],
  ['two sources of keys', { jwksUri: `${issuer}/keys`, jwks: { keys: [] } }],
  ['keys that are none', { jwks: { keys: 'x' as unknown as [] } }],
  ['a name with #', { name: 'a#b' }],
  ['an empty name', { name: '' }],
  ['an empty audience', { audience: '' }],
  ['no claim to name a delegate', { delegate: [] }],
])(verifies('delegate.enrol.oidc', 'a rule with %s is refused at construction'), async (_, change) => {
  const made = async (options: Partial<OidcIssuer>) =>
    scene({ enrollment: [oidc({ issuers: [{ issuer, subjects: ['repo:a*b*c*d**'], ...options }] })] })
  await expect(made(change)).rejects.toThrow(TypeError)
  await expect(made({})).resolves.toBeDefined()
})

test(
  verifies(
    'delegate.enrol.oidc',
    'of two rules for one issuer, the first that admits a token decides; both need names',
  ),
  async () => {
    const two = (first: string, second: string) =>
      oidc({
        issuers: [
          { issuer, name: first, subjects: ['a:*'] },
          { issuer, name: second, subjects: ['repo:**'] },
        ],
      })
    await expect(scene({ enrollment: [two('ci', 'ci')] })).rejects.toThrow('name')
    await expect(scene({ enrollment: [oidc({ issuers: [] })] })).rejects.toThrow(TypeError)
    const stage = await oidcScene()
    const issuers = [
      { issuer, name: 'main', subjects: ['repo:acme/app'], claims: { ref: 'refs/heads/main' } },
      { issuer, name: 'any', subjects: ['repo:acme/app'] },
    ]
    const both = {
      ...stage,
      ...(await scene({ enrollment: [oidc({ issuers, fetcher: stage.host.fetcher })] })),
      host: stage.host,
      key: stage.key,
    }
    await enrolBy(both, { claims: { ref: 'refs/heads/main' } })
    await enrolBy(both)
    expect((await both.server.list()).map(({ sub }) => sub)).toEqual([
      'oidc:any#repo:acme/app',
      'oidc:main#repo:acme/app',
    ])
  },
)
