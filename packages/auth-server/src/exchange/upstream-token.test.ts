import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  exchange,
  middleId,
  publishIssuer,
  rule,
  type TokenChange,
  upstreamIssuer,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { refused, watched } from '@countersign/testing/auth/refused-exchange'
import { plain } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(
  verifies(
    'exchange.upstream',
    'EXC-02',
    'EXC-03',
    'EXC-04',
    'EXC-12',
    'EXC-15',
    'EXC-21',
    'token.unreadable',
    'an upstream token that is wrong in one way is refused',
  ),
  async () => {
    const made = await watched({
      rules: [rule, { ...rule, upstream: 'https://two.example' }],
    })
    // Two issuers with one kid: each is known by its own key only.
    const two = { kid: 'u1', key: await generateSigningKey() }
    publishIssuer(made, 'https://two.example', [two])
    const flipped = (await upstreamToken(made)).split('.')
    const payload = Buffer.from(flipped[1] ?? '', 'base64url')
      .toString()
      .replace('ada-at-one', 'eve-at-one')
    const forged = [flipped[0], Buffer.from(payload).toString('base64url'), flipped[2]].join('.')
    const { now } = made.clock
    const act = { iss: upstreamIssuer, agent: 'https://a.example' }
    const deep = (depth: number): object => ({
      iss: upstreamIssuer,
      agent: `https://a${depth}.example`,
      ...(depth > 1 ? { act: deep(depth - 1) } : {}),
    })
    const cases: ReadonlyArray<readonly [string, TokenChange | string]> = [
      ['another signature', forged],
      ['an unknown kid', { key: { ...made.upstreamKey, kid: 'u2' } }],
      ['the key of another issuer with the same kid', { key: two }],
      ['expired', { claims: { exp: now } }],
      ['not yet', { claims: { nbf: now + 61 } }],
      ['issued later than now', { claims: { iat: now + 61 } }],
      ['too long a life', { claims: { exp: now + 3601 } }],
      ['an agent token', { typ: 'agent+jwt' }],
      ['a resource token', { typ: 'resource+jwt' }],
      ['a plain JWT', { typ: 'JWT' }],
      ['for another', { claims: { aud: 'https://other.example' } }],
      ['for the caller among others', { claims: { aud: [middleId, 'https://other.example'] } }],
      ['no agent: a sign-in', { claims: { agent: undefined } }],
      ['no scope', { claims: { scope: undefined } }],
      ['an empty scope', { claims: { scope: '' } }],
      ['a sign-in, which has neither', { claims: { agent: undefined, agent_delegate: undefined, scope: undefined } }],
      ['act is no object', { claims: { act: 'https://a.example' } }],
      ['act without agent', { claims: { act: { iss: upstreamIssuer } } }],
      ['act without iss', { claims: { act: { agent: 'https://a.example' } } }],
      ['act deeper than five', { claims: { act: deep(6) } }],
      ['act of 64 KB', { claims: { act: { ...act, more: 'x'.repeat(40_000) } } }],
      ['encrypted', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA'],
      ['no token at all', 'token'],
    ]
    for (const [name, change] of cases) {
      const upstream = typeof change === 'string' ? change : await upstreamToken(made, change)
      expect(await refused(made, () => exchange(made, { upstream })), name).toMatchObject(
        plain(400, 'invalid_auth_token'),
      )
    }
    // In order itself, but not to be passed on: one more would make the chain too deep.
    const full = await upstreamToken(made, { claims: { act: deep(5) } })
    expect(await refused(made, () => exchange(made, { upstream: full }))).toEqual(
      plain(403, 'access_denied', 'chain_too_deep'),
    )
    const deepest = await upstreamToken(made, { claims: { act: deep(4) } })
    expect((await exchange(made, { upstream: deepest })).status).toBe(200)
  },
)
