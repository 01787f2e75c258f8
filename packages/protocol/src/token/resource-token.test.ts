import { verifies } from '@countersign/requirements'
import { readVectors } from '@countersign/vectors'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkResourceToken, parseToken, type ResourceTokenClaims } from '../index.js'
import { good, type JoseIssuer, joseIssuer, now, rfc8037 } from './jose-issuer.test.fixture.js'
import { type Change, changesOf } from './token-changes.test.fixture.js'

let issuer: JoseIssuer
beforeAll(async () => {
  issuer = await joseIssuer()
})
const { payload, without, unchanged } = changesOf(() => issuer)
const refusal = { code: 'invalid_resource_token', status: 400 }
const audience = 'https://auth.example'

async function check(change: Change): Promise<ResourceTokenClaims> {
  return checkResourceToken(parseToken(await change('resource+jwt'), ['resource+jwt']), { now, audience })
}

const scopes65 = Array.from({ length: 65 }, (_, i) => `s${i}`).join(' ')
const badAudiences = ['https://other.example', `${audience}/`, [audience], null, 7, '', {}, 'https://auth.example.evil']
const badAgents = [
  ...readVectors('identifiers', 'refuse').flatMap(({ input }) => (input.development ? [] : [input.value])),
  ['https://agent.example'],
  {},
  null,
]
const badThumbprints = [
  '',
  7,
  null,
  `${rfc8037.thumbprint}=`,
  rfc8037.thumbprint.slice(0, 42),
  `${rfc8037.thumbprint}A`,
  'A'.repeat(86),
  'A'.repeat(27),
  `${'A'.repeat(42)}+`,
  `${'A'.repeat(42)}B`,
]
const badScopes = [
  '',
  ' ',
  'a  b',
  ' a',
  'a ',
  'a a',
  'a\tb',
  'a\nb',
  'a\0',
  'a"b',
  'a\\b',
  'é',
  scopes65,
  ['events.read'],
  7,
  null,
  {},
]

describe('refused, although the unchanged token is accepted', () => {
  test.each<readonly [string, Change]>([
    ...badAudiences.map((aud): [string, Change] => [
      verifies('RST-03', 'JWT-11', `aud ${JSON.stringify(aud)}`),
      payload({ aud }),
    ]),
    [verifies('RST-03', 'aud missing'), without('payload', 'aud')],
    ...badAgents.map((agent): [string, Change] => [
      verifies('JWT-21', 'token.resource.claims', `agent ${JSON.stringify(agent)}`),
      payload({ agent }),
    ]),
    [verifies('token.resource.claims', 'agent missing'), without('payload', 'agent')],
    ...['', 7, null, [], 'a\u202eb', 'x'.repeat(513)].map((agent_delegate): [string, Change] => [
      verifies('JWT-21', 'limits.ids', `agent_delegate ${JSON.stringify(agent_delegate).slice(0, 12)}`),
      payload({ agent_delegate }),
    ]),
    ...badThumbprints.map((agent_jkt): [string, Change] => [
      verifies('RST-05', 'token.resource.bound', `agent_jkt ${JSON.stringify(agent_jkt)}`),
      payload({ agent_jkt }),
    ]),
    [verifies('RST-05', 'agent_jkt missing'), without('payload', 'agent_jkt')],
    ...badScopes.map((scope): [string, Change] => [
      verifies('RST-13', 'limits.scopes', `scope ${JSON.stringify(scope).slice(0, 16)}`),
      payload({ scope }),
    ]),
    [verifies('RST-09', 'token.resource.request', 'neither scope nor auth_request_url'), without('payload', 'scope')],
    [
      verifies('RST-09', 'RST-15', 'token.resource.request', 'scope and auth_request_url'),
      payload({ auth_request_url: 'https://resource.example/request' }),
    ],
    [
      verifies('RST-15', 'auth_request_url alone'),
      payload({ auth_request_url: 'https://resource.example/request', scope: undefined }),
    ],
    [verifies('RST-08', 'token.resource.life', 'life of 601 seconds'), payload({ exp: now + 601 })],
    [verifies('RST-08', 'JWT-14', 'life of a day'), payload({ exp: now + 86_400 })],
    [verifies('JWT-21', 'txn a number'), payload({ txn: 7 })],
  ])('%s', async (_, change) => {
    await expect(check(change)).rejects.toMatchObject(refusal)
    await expect(check(unchanged)).resolves.toEqual(good['resource+jwt'])
  })
})

describe('accepted', () => {
  test.each<readonly [string, Partial<ResourceTokenClaims>]>([
    [verifies('token.resource.life', 'life of 600 seconds'), { exp: now + 600 }],
    [verifies('limits.scopes', '64 scopes'), { scope: scopes65.replace(/ s64$/, '') }],
    [verifies('token.resource.claims', 'a txn'), { txn: 'txn-1' }],
    [verifies('participant.also-agent', 'an agent that is the resource'), { agent: 'https://resource.example' }],
  ])('%s', async (_, changed) => {
    expect(await check(payload(changed))).toEqual({ ...good['resource+jwt'], ...changed })
  })

  test('a token without delegate', async () => {
    const { agent_delegate, ...claims } = good['resource+jwt']
    expect(agent_delegate).toBe('delegate-1')
    expect(await check(without('payload', 'agent_delegate'))).toEqual(claims)
  })
})
