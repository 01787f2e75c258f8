import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  agentServer,
  ask,
  delegate,
  granted,
  newYear,
  otherAgent,
  policy,
  resourceToken,
  send,
  world,
} from '@countersign/testing/auth/world'
import { folderOfTest, sqliteOfTest } from '@countersign/testing/folders'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, challenge, plain, refusalOf } from '@countersign/testing/responses'
import { publishAgent } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

const day = 86_400

const refresh = (refresh_token: string, more: Record<string, string> = {}) => ({
  request_type: 'refresh',
  refresh_token,
  ...more,
})

test(
  verifies('refresh.answer', 'refresh.not-rotated', 'a refresh gives a new token and no new refresh token'),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const { auth_token, refresh_token } = await granted(await ask(made, phone))
    made.clock.now += 900
    for (const _ of [1, 2]) {
      const response = await send(made, phone, refresh(refresh_token))
      expect(response.headers.get('cache-control')).toBe('no-store')
      const answer = await bodyOf(response)
      expect(answer).toEqual({ auth_token: expect.any(String), expires_in: 600 })
      const claims = part(answer['auth_token'], 1)
      expect(claims).toMatchObject({
        aud: 'https://calendar.example',
        agent: 'https://agent.example',
        agent_delegate: 'phone',
        cnf: { jwk: phone.key.publicJwk },
        scope: 'events.read',
        iat: newYear + 900,
        exp: newYear + 1500,
      })
      expect(claims['jti']).not.toBe(part(auth_token, 1)['jti'])
    }
    const [grant, ...refreshes] = made.events
    expect(grant).toMatchObject({ type: 'granted', grant: expect.any(String) })
    const name = grant !== undefined && 'grant' in grant ? grant.grant : ''
    expect(refreshes).toMatchObject([
      { type: 'refreshed', grant: name },
      { type: 'refreshed', grant: name },
    ])
  },
)

test(
  verifies(
    'TOK-23',
    'TOK-24',
    'TOK-32',
    'TOK-35',
    'refresh.bound-to-delegate',
    'error.invalid-grant',
    'unknown, malformed, foreign and ended refresh tokens get the same answer',
  ),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const laptop = await delegate(made, 'laptop')
    const self = agentServer(made)
    const stranger = await otherAgent(made)
    const phones = (await granted(await ask(made, phone))).refresh_token
    const selfs = (await granted(await ask(made, self))).refresh_token
    const revoked = (await granted(await ask(made, phone))).refresh_token
    expect((await send(made, phone, { token: revoked }, { target: '/agent/revoke' })).status).toBe(200)
    const attempts: Array<[typeof phone, string]> = [
      [phone, 'A'.repeat(43)],
      [phone, phones.slice(0, 42)],
      [phone, `${phones} `],
      [phone, phones.toLowerCase()],
      [phone, 'eyJhbGciOiJub25lIn0.eyJhZ2VudCI6Imh0dHBzOi8vYWdlbnQuZXhhbXBsZSJ9.'],
      [phone, createHash('sha256').update(phones).digest('base64url')],
      [phone, "' or '1'='1"],
      [phone, revoked],
      [laptop, phones],
      [self, phones],
      [phone, selfs],
      [stranger, phones],
      [stranger, selfs],
    ]
    for (const [signer, token] of attempts) {
      const response = await send(made, signer, refresh(token))
      expect([response.status, await response.text()]).toEqual([
        400,
        '{"error":"invalid_grant","reason":"grant_invalid","error_description":"The code or refresh token is unknown, used, expired, ended, or of another caller or request."}',
      ])
    }
    expect((await send(made, phone, refresh(phones))).status).toBe(200)
    expect((await send(made, self, refresh(selfs))).status).toBe(200)
  },
)

test(
  verifies(
    'TOK-26',
    'F-48',
    'AGT-12',
    'refresh.not-bound-to-key',
    'after a change of keys the same refresh token works and binds the new key',
  ),
  async () => {
    const made = await world()
    const before = await delegate(made, 'phone')
    const phones = (await granted(await ask(made, before))).refresh_token
    const selfs = (await granted(await ask(made, agentServer(made)))).refresh_token
    const after = await delegate(made, 'phone')
    const answer = await bodyOf(await send(made, after, refresh(phones)))
    expect(part(answer['auth_token'], 1)).toMatchObject({ agent_delegate: 'phone', cnf: { jwk: after.key.publicJwk } })

    const key = await generateSigningKey()
    publishAgent(made, 'https://agent.example', [made.agentKey, { kid: 'k2', key }])
    made.clock.now += 601
    const rotated = { ...agentServer(made), key }
    const signatureKey = { scheme: 'jwks_uri', id: 'https://agent.example', kid: 'k2', dwk: 'aauth-agent' } as const
    const second = await bodyOf(await send(made, { ...rotated, signatureKey }, refresh(selfs)))
    expect(part(second['auth_token'], 1)['cnf']).toEqual({ jwk: key.publicJwk })
  },
)

test(verifies('TOK-27', 'refresh.not-rotated', 'fifty refreshes at once with one token all succeed'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await ask(made, phone))
  const responses = await Promise.all(Array.from({ length: 50 }, () => send(made, phone, refresh(refresh_token))))
  expect(responses.map(response => response.status)).toEqual(Array.from({ length: 50 }, () => 200))
})

test(verifies('TOK-28', 'a refresh by a caller that does not verify is refused'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await ask(made, phone))
  const thief = { ...phone, key: await generateSigningKey() }
  expect(await refusalOf(await send(made, thief, refresh(refresh_token)))).toMatchObject(challenge('invalid_signature'))
  made.clock.now += 3600
  expect(await refusalOf(await send(made, phone, refresh(refresh_token)))).toEqual({
    ...challenge('invalid_agent_token'),
    reason: 'token_expired',
  })
  publishAgent(made, 'https://agent.example', [{ kid: 'k2', key: await generateSigningKey() }])
  made.clock.now += 601
  expect(await refusalOf(await send(made, agentServer(made), refresh(refresh_token)))).toEqual({
    ...challenge('invalid_agent_token'),
    reason: 'key_unknown',
  })
  publishAgent(made, 'https://agent.example', [made.agentKey])
  made.clock.now += 3600
  expect((await send(made, await delegate(made, 'phone'), refresh(refresh_token))).status).toBe(200)
})

test(
  verifies(
    'TOK-29',
    'refresh.re-evaluates',
    'refresh.denied-keeps',
    'a policy that denies refuses the refresh and keeps the grant',
  ),
  async () => {
    const closed = new Set<string>()
    const made = await world({ policy: request => (closed.has(request.agent) ? 'deny' : policy(request)) })
    const phone = await delegate(made, 'phone')
    const { refresh_token } = await granted(await ask(made, phone))
    closed.add('https://agent.example')
    expect(await refusalOf(await send(made, phone, refresh(refresh_token)))).toEqual(
      plain(403, 'access_denied', 'policy_refused'),
    )
    closed.clear()
    expect((await send(made, phone, refresh(refresh_token))).status).toBe(200)
  },
)

test(verifies('TOK-30', 'refresh.scope', 'a refresh narrows its scope and never widens it'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const resource_token = await resourceToken(made, phone, { claims: { scope: 'events.read events.list' } })
  const { refresh_token } = await granted(await send(made, phone, { request_type: 'auth', resource_token }))
  const scoped = async (more: Record<string, string>) => {
    const answer = await bodyOf(await send(made, phone, refresh(refresh_token, more)))
    return answer['error'] ?? part(answer['auth_token'], 1)['scope']
  }
  expect(await scoped({ scope: 'events.list' })).toBe('events.list')
  expect(await scoped({ scope: 'events.list events.read' })).toBe('events.list events.read')
  expect(await scoped({ scope: 'events.read events.write' })).toBe('invalid_scope')
  expect(await scoped({ scope: 'events.read  events.list' })).toBe('invalid_scope')
  const foreign = { aud: 'https://rooms.example', resource_token, redirect_uri: 'https://evil.example' }
  expect(await scoped(foreign)).toBe('events.read events.list')
})

test.each([
  [90 * day - 1, 200],
  [90 * day, 400],
])(verifies('refresh.life', 'a refresh token unused for %i seconds: %i'), async (seconds, status) => {
  const made = await world()
  const { refresh_token } = await granted(await ask(made, agentServer(made)))
  made.clock.now += seconds
  expect((await send(made, agentServer(made), refresh(refresh_token))).status).toBe(status)
})

test(verifies('refresh.life', 'every use begins its 90 days anew'), async () => {
  const made = await world()
  const { refresh_token } = await granted(await ask(made, agentServer(made)))
  for (const _ of [1, 2, 3]) {
    made.clock.now += 89 * day
    expect((await send(made, agentServer(made), refresh(refresh_token))).status).toBe(200)
  }
})

test(
  verifies('refresh.hashed', 'refresh.opaque', 'LOG-02', 'neither the database nor an event holds a token'),
  async () => {
    const directory = folderOfTest()
    const made = await world({ database: `sqlite:${join(directory, 'auth.db')}` })
    const phone = await delegate(made, 'phone')
    const { auth_token, refresh_token } = await granted(await ask(made, phone))
    await send(made, phone, refresh(refresh_token))
    await send(made, phone, { token: refresh_token }, { target: '/agent/revoke' })
    const kept = await granted(await ask(made, phone))
    const files = readdirSync(directory).map(name => readFileSync(join(directory, name)).toString('latin1'))
    const written = files.join('')
    const hash = (token: string) => createHash('sha256').update(token).digest('base64url')
    expect(written).toContain(hash(kept.refresh_token))
    for (const secret of [auth_token, refresh_token, kept.refresh_token]) {
      expect(written).not.toContain(secret)
      expect(JSON.stringify(made.events)).not.toContain(secret)
    }
    expect(refresh_token).toMatch(/^[\w-]{43}$/)
    await made.auth.close()
  },
)

test('a second server on the same database refreshes a grant', async () => {
  const database = sqliteOfTest()
  const one = await world({ database })
  const two = { ...(await world({ database })), agentKey: one.agentKey }
  publishAgent(two, 'https://agent.example', [one.agentKey])
  const self = agentServer(one)
  const { refresh_token } = await granted(await ask(one, self))
  const both = await Promise.all([send(one, self, refresh(refresh_token)), send(two, self, refresh(refresh_token))])
  expect(both.map(response => response.status)).toEqual([200, 200])
  await send(two, self, { token: refresh_token }, { target: '/agent/revoke' })
  expect((await send(one, self, refresh(refresh_token))).status).toBe(400)
  await Promise.all([one.auth.close(), two.auth.close()])
})
