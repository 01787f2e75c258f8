import { verifies } from '@countersign/requirements'
import { readVectors } from '@countersign/vectors'
import { beforeAll, describe, expect, test } from 'vitest'
import { type AuthTokenClaims, checkAuthToken, parseToken } from '../index.js'
import { good, type JoseIssuer, joseIssuer, now, rfc8037 } from './jose-issuer.test.fixture.js'
import { type Change, changesOf } from './token-changes.test.fixture.js'

let issuer: JoseIssuer
beforeAll(async () => {
  issuer = await joseIssuer()
})
const { payload, without, unchanged } = changesOf(() => issuer)
const refusal = { code: 'invalid_auth_token', status: 401 }
const audience = 'https://resource.example'

async function check(change: Change): Promise<AuthTokenClaims> {
  return checkAuthToken(parseToken(await change('auth+jwt'), ['auth+jwt']), { now, audience })
}

const badAudiences = [
  'https://other.example',
  `${audience}/`,
  `${audience}.evil.example`,
  'https://resource.exampl',
  `${audience}/path`,
  [audience],
  [audience, 'https://other.example'],
  null,
  7,
  '',
  {},
]
const badAgents = [
  ...readVectors('identifiers', 'refuse').flatMap(({ input }) => (input.development ? [] : [input.value])),
  ['https://agent.example'],
  {},
  null,
]
const badScopes = ['', ' ', 'a  b', 'a a', 'a,b c"', ['events.read'], 7, null, {}]
const hop = { iss: 'https://auth.example', agent: 'https://agent.example' }

function chain(length: number): Record<string, unknown> {
  return length === 1 ? { ...hop } : { ...hop, act: chain(length - 1) }
}

const badActs: readonly unknown[] = [
  'https://agent.example',
  null,
  7,
  [],
  [hop],
  {},
  chain(6),
  chain(60),
  { agent: hop.agent },
  { iss: hop.iss },
  { ...hop, agent: 'x' },
  { ...hop, iss: [hop.iss] },
  { ...hop, act: null },
  { ...hop, agent_delegate: '' },
  { ...hop, agent_delegate: 7 },
  { ...hop, agent_delegate: 'a\u202eb' },
]

describe('refused, although the unchanged token is accepted', () => {
  test.each<readonly [string, Change]>([
    ...badAudiences.map((aud): [string, Change] => [
      verifies('AUT-03', 'JWT-11', 'token.auth.aud', `aud ${JSON.stringify(aud)}`),
      payload({ aud }),
    ]),
    [verifies('AUT-03', 'aud missing'), without('payload', 'aud')],
    ...badAgents.map((agent): [string, Change] => [
      verifies('JWT-21', 'token.auth.claims', `agent ${JSON.stringify(agent)}`),
      payload({ agent }),
    ]),
    [
      verifies('AUT-07', 'token.auth.agent-absent', 'agent spelt out where it is the audience'),
      payload({ agent: audience }),
    ],
    [
      verifies('AUT-07', 'token.auth.agent-absent', 'agent absent, aud another'),
      payload({ agent: undefined, aud: 'https://agent.example' }),
    ],
    ...['', 7, null, {}, 'a\u0000b', 'x'.repeat(513)].flatMap((id): [string, Change][] => [
      [verifies('JWT-21', 'limits.ids', `sub ${JSON.stringify(id).slice(0, 12)}`), payload({ sub: id })],
      [
        verifies('JWT-21', 'limits.ids', `agent_delegate ${JSON.stringify(id).slice(0, 12)}`),
        payload({ agent_delegate: id }),
      ],
      [verifies('JWT-21', 'limits.ids', `txn ${JSON.stringify(id).slice(0, 12)}`), payload({ txn: id })],
    ]),
    ...badScopes.map((scope): [string, Change] => [
      verifies('AUT-09', 'JWT-21', 'limits.scopes', `scope ${JSON.stringify(scope)}`),
      payload({ scope }),
    ]),
    [verifies('token.auth.claims', 'neither scope nor sub'), payload({ scope: undefined, sub: undefined })],
    [verifies('JWT-21', 'purpose no string'), payload({ purpose: { text: 'x' } })],
    ...badActs.map((act): [string, Change] => [
      verifies('AUT-16', 'limits.act', `act ${JSON.stringify(act).slice(0, 60)}`),
      payload({ act }),
    ]),
    [verifies('token.auth.claims', 'cnf missing'), without('payload', 'cnf')],
    [verifies('AUT-04', 'cnf with two keys'), payload({ cnf: { jwk: rfc8037.jwk, jkt: 'A'.repeat(43) } })],
    [verifies('KEY-14', 'cnf.jwk without alg'), payload({ cnf: { jwk: { ...rfc8037.jwk, alg: undefined } } })],
    [verifies('AUT-22', 'JWT-14', 'token.auth.life', 'life of an hour and a second'), payload({ exp: now + 3601 })],
    [verifies('AUT-22', 'life of 30 days'), payload({ exp: now + 30 * 86_400 })],
  ])('%s', async (_, change) => {
    await expect(check(change)).rejects.toMatchObject(refusal)
    await expect(check(unchanged)).resolves.toEqual(good['auth+jwt'])
  })
})

describe('accepted', () => {
  test.each<readonly [string, Record<string, unknown>]>([
    [verifies('token.auth.life', 'life of an hour'), { exp: now + 3600 }],
    [verifies('limits.act', 'a chain of five'), { act: chain(5) }],
    [verifies('AUT-16', 'a chain with delegates'), { act: { ...hop, agent_delegate: 'd', act: hop } }],
    [verifies('JWT-22', "the user's claims"), { name: 'Zoë 李', email: 'zoe@example.com', address: { country: 'DE' } }],
    [verifies('token.auth.claims', 'purpose and txn'), { purpose: 'Plan the "summer" trip', txn: 'txn-1' }],
  ])('%s', async (_, changed) => {
    expect(await check(payload(changed))).toEqual({ ...good['auth+jwt'], ...changed })
  })

  test.each(['scope', 'sub', 'agent', 'agent_delegate'])(
    verifies('token.auth.claims', 'token.auth.agent-absent', 'without %s'),
    async claim => {
      const { [claim]: omitted, ...claims } = good['auth+jwt']
      expect(omitted).toBeTypeOf('string')
      expect(await check(without('payload', claim))).toEqual(claims)
    },
  )
})
