import { jwks, signToken } from '@countersign/protocol'
import { describe, expect, test } from 'vitest'
import { inspectChallenge } from './challenge.js'
import { holder, issuer, NOW, settings } from './inspect.test.fixture.js'
import { inspectToken } from './token.js'
import { agentToken, authToken, keys, resourceToken, times, verdictOf } from './tokens.test.fixture.js'

describe('a token', () => {
  test('of each type is decoded, and verified when there is a key', async () => {
    const { lines } = await inspectToken(agentToken, settings)
    expect(lines.join('\n')).toBe(`agent token, ${agentToken.length} bytes (typ agent+jwt, alg Ed25519, kid k1)
  iss  https://agent.example                                    issued by the agent (its agent server)
  sub  laptop                                                   the delegate
  cnf  Ed25519 key poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U  its holder must sign with this key
  jti  j1                                                       its own id
  iat  2025-06-15T15:06:40Z (in 0 s)
  exp  2025-06-15T15:11:40Z (in 5 min)
verdict: in order; signature not verified (add --online, or --key with the issuer's public keys)`)
    for (const token of [agentToken, authToken, resourceToken]) {
      expect((await inspectToken(token, settings)).json).toMatchObject({ ok: true, signature: 'not verified' })
      const verified = await inspectToken(token, { ...settings, keys: await keys() })
      expect(verdictOf(verified)).toBe('verdict: in order; signature verified')
      expect(verified.lines.join('\n') + JSON.stringify(verified.json)).not.toContain(token.slice(0, 60))
    }
  })

  test('that is wrong has the reason in its verdict', async () => {
    const wrong = async (token: string, change: Partial<typeof settings> = {}): Promise<string> => {
      const report = await inspectToken(token, { ...settings, ...change })
      expect(report.ok).toBe(false)
      return verdictOf(report)
    }
    expect(await wrong(authToken, { now: NOW + 301 })).toBe(
      'verdict: wrong: The token has expired. (invalid_auth_token, token_expired)',
    )
    expect(await wrong(`${authToken.slice(0, -4)}AAAA`, { keys: await keys() })).toBe(
      "verdict: wrong: The signature of the token does not verify under its issuer's key. (invalid_auth_token, token_signature_wrong)",
    )
    expect(await wrong(authToken, { keys: await keys(jwks([{ kid: 'other', key: issuer }])) })).toBe(
      'verdict: wrong: The issuer publishes no key with the kid of the token: none is in the --key file (invalid_auth_token, token_key_unknown)',
    )
    expect(await wrong('a.b')).toBe(
      'verdict: wrong: The token is not a JWT of the form that its type has: the token must have three segments (invalid_agent_token, token_malformed)',
    )
    const expired = await inspectToken(authToken, { ...settings, now: NOW + 301 })
    expect(expired.lines.at(-1)).toBe('  fix: Get a new token.')
    expect(expired.json).toMatchObject({ error: 'invalid_auth_token', reason: 'token_expired' })
    const local = await signToken({
      typ: 'agent+jwt',
      key: issuer,
      kid: 'k1',
      claims: { iss: 'http://localhost:4110', sub: 'x', cnf: { jwk: holder.publicJwk }, jti: 'j', ...times },
    })
    expect(await wrong(local)).toBe(
      'verdict: wrong: A claim of the token is missing, or has a form that is not allowed: iss must be an identifier (invalid_agent_token, token_claim_malformed) (add --development to allow http on this machine)',
    )
    expect((await inspectToken(local, { ...settings, development: true })).ok).toBe(true)
  })

  test('for one request tells what a user approves, with the values of the request in quotes', async () => {
    const digest = 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U'
    // Not signed anew: no token with a malformed operation can be made.
    const rowsOf = async (token: string, claims: object): Promise<string[]> => {
      const [header, payload = '', signature] = token.split('.')
      const changed = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), ...claims }
      const body = Buffer.from(JSON.stringify(changed)).toString('base64url')
      const { lines } = await inspectToken([header, body, signature].join('.'), settings)
      return lines
        .filter(line => /^ {2}(?:operation|purposes)/.test(line))
        .map(line => line.trim().replace(/ {2,}/g, ' | '))
    }
    const display = ['Send ', 'Lunch" to "eve', ' to ', 'bob@example.org']
    const asking = { operation: { name: 'send', digest, display }, sub: 'ada' }
    expect(await rowsOf(resourceToken, asking)).toEqual([
      `operation | send: Send "Lunch\\" to \\"eve" to "bob@example.org" | the one request that its user is asked to approve, with the digest ${digest}`,
    ])
    const long = { operation: { name: 'send', digest, display: ['Send ', 'x'.repeat(480)] } }
    expect(await rowsOf(resourceToken, long)).toEqual([expect.stringContaining(`"${'x'.repeat(480)}"`)])
    expect(await rowsOf(resourceToken, { operation: { name: 'send' } })).toEqual([
      'operation | {"name":"send"} | refused everywhere: no operation',
    ])
    expect(await rowsOf(authToken, { operation_digest: digest, purposes: 'billing support' })).toEqual([
      `operation_digest | ${digest} | the one request that its user has approved, for which alone it is`,
      'purposes | billing support | what it may be used for, as the receiver names it',
    ])
  })

  test('cannot move the cursor of a terminal', async () => {
    const { lines } = await inspectToken(
      [{ typ: '\u001b[2J' }, { iss: '\u001b[31m\u202e' }, {}]
        .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.'),
      settings,
    )
    expect(lines[1]).toBe('  iss  \\u001b[31m\\u202e')
    expect(lines.join('')).not.toMatch(/[\p{Cc}\u202e]/u)
  })
})

describe('a challenge', () => {
  test('has the next step of the agent', async () => {
    const demand = async (value: string): Promise<unknown> => (await inspectChallenge(value, settings)).lines[1]
    expect(await demand('httpsig')).toBe('  asks you to  sign the request, with any key')
    expect(await demand('httpsig; identity=?1')).toBe(
      '  asks you to  identify yourself: sign with jwks_uri or an agent token',
    )
    const interaction = await inspectChallenge(
      'httpsig; user_interaction="https://calendar.example/interact/s3cret"',
      settings,
    )
    expect(interaction.lines.slice(1)).toEqual([
      '  asks you to  send your user to the page, then repeat the request',
      '  page         https://calendar.example/…',
      'verdict: well-formed',
    ])
    expect(JSON.stringify(interaction.json)).not.toContain('s3cret')
    const malformed = await inspectChallenge('httpsig; identity=1', settings)
    expect([malformed.ok, verdictOf(malformed)]).toEqual([
      false,
      'verdict: malformed: Agent-Auth is not well-formed: identity must be a Boolean (invalid_request, agent_auth_malformed)',
    ])
    expect(malformed.lines.at(-1)).toBe(
      '  fix: Write Agent-Auth as the Structured Field Item httpsig with its parameters.',
    )
    expect(malformed.json).toMatchObject({ error: 'invalid_request', reason: 'agent_auth_malformed' })
  })

  test('is inspected with its resource token', async () => {
    const value = (authServer: string): string =>
      `httpsig; auth-token; resource_token="${resourceToken}"; auth_server="${authServer}"`
    const right = await inspectChallenge(value('https://auth.example'), { ...settings, keys: await keys() })
    expect(right.json).toMatchObject({ ok: true, auth_token: true, resource_token: { signature: 'verified' } })
    const wrong = await inspectChallenge(value('https://evil.example'), settings)
    expect([wrong.ok, verdictOf(wrong)]).toEqual([
      false,
      'verdict on the challenge: wrong: auth_server is not the aud of the resource token',
    ])
    expect((await inspectChallenge(value('https://auth.example'), { ...settings, now: NOW + 600 })).ok).toBe(false)
  })
})
