import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  downstreamId,
  exchange,
  exchangeWorld,
  roomsToken,
  type TokenChange,
  upstreamIssuer,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(
  verifies(
    'exchange.upstream',
    'exchange.rule',
    'exchange.chain',
    'a request that is wrong in two ways is refused for the first',
  ),
  async () => {
    const made = await exchangeWorld()
    const { now } = made.clock
    const stranger = { kid: 'u1', key: await generateSigningKey() }
    const pseudonym = {
      key: made.middle.key,
      agent: made.middle.agent,
      signatureKey: { scheme: 'hwk', jwk: made.middle.key.publicJwk },
    } as const
    const other = await roomsToken(made, { key: { kid: 'w1', key: stranger.key } })
    const circle = { iss: upstreamIssuer, agent: downstreamId }
    const noRule = { scope: 'events.read' }
    const noScope = { scope: undefined }
    const elsewhere = { aud: 'https://other.example' }
    const expired = { iat: now - 600, exp: now - 1 }
    /** In the order of protocol §7: each row is wrong in what it tells and in what the next one does. */
    const rows: ReadonlyArray<readonly [string, Parameters<typeof exchange>[1], TokenChange]> = [
      ['This endpoint does not accept this kind of credential.', { by: pseudonym, resource: other }, {}],
      [
        "The signature of the token does not verify under its issuer's key.",
        { resource: other },
        { claims: { iss: 'https://evil.example' } },
      ],
      [
        'The issuer of the token is not among those accepted here: no exchange rule has this upstream',
        {},
        { key: stranger, claims: { iss: 'https://evil.example' } },
      ],
      ["The signature of the token does not verify under its issuer's key.", {}, { key: stranger, claims: expired }],
      ['The token has expired.', {}, { claims: { ...expired, ...elsewhere } }],
      ['The token is for another receiver.', {}, { claims: { ...elsewhere, ...noScope } }],
      ['The token only signs a user in and cannot be exchanged.', { scope: 'rooms.none' }, { claims: noScope }],
      [
        'No exchange rule of the auth server allows this scope on this path.',
        {},
        { claims: { ...noRule, act: circle } },
      ],
      [
        'One party would be twice in the delegation chain.',
        { scope: 'rooms.book' },
        { claims: { act: circle, sub: undefined } },
      ],
      [
        'A user must decide this, and none can sign in here, or the upstream token names none.',
        { scope: 'rooms.book' },
        { claims: { sub: undefined } },
      ],
    ]
    const told: unknown[] = []
    const reasons: unknown[] = []
    for (const [, request, change] of rows) {
      const refused = await exchange(made, { upstream: await upstreamToken(made, change), ...request })
      const { error, reason, error_description } = await bodyOf(refused)
      told.push([error_description, error, refused.status])
      reasons.push(reason)
    }
    const codes = [
      ['insufficient_level', 401],
      ['invalid_resource_token', 400],
      ['untrusted_issuer', 400],
      ...Array.from({ length: 4 }, () => ['invalid_auth_token', 400]),
      ...Array.from({ length: 3 }, () => ['access_denied', 403]),
    ]
    expect(told).toEqual(rows.map(([description], n) => [description, ...(codes[n] ?? [])]))
    expect(reasons[2]).toBe('issuer_untrusted')
    expect(reasons.slice(-4)).toEqual([
      'token_not_exchangeable',
      'exchange_not_allowed',
      'chain_repeats_party',
      'user_unavailable',
    ])
    expect((await exchange(made)).status).toBe(200)
  },
)
