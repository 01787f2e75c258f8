import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { fixedKeys } from '@countersign/store/internal'
import { newYear } from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'
import { authzen } from '../engine/authzen.js'
import { askUsers } from '../policy/policies.js'
import type { PolicyRequest } from '../policy/policy.js'
import { parseTokenRequest } from '../token/token-request.js'
import { type AuthTokenGrant, issueAuthToken } from './auth-token.js'
import { decideNew } from './decide.js'
import { checkIdentityScopes } from './identity-claims.js'

const request: PolicyRequest = {
  agent: 'https://agent.example',
  resource: 'https://calendar.example',
  scope: ['events.read'],
}

test(verifies('error.access-denied', 'what needs a user is refused where no user can sign in'), async () => {
  const policy = askUsers([{ agents: 'any', resources: 'any' }])
  expect(await decideNew(request, { policy, users: 'some' })).toMatchObject({ decision: 'consent' })
  await expect(decideNew(request, { policy, users: 'none' })).rejects.toMatchObject({
    code: 'access_denied',
    reason: 'user_unavailable',
  })
})

test(verifies('error.invalid-scope', 'an identity scope that no login tells anything about is refused'), () => {
  expect(checkIdentityScopes(['openid', 'profile', 'email', 'events.read'])).toBeUndefined()
  for (const name of ['phone', 'address'])
    expect(() => checkIdentityScopes(['openid', name])).toThrow(
      expect.objectContaining({ code: 'invalid_scope', reason: 'scope_unknown' }),
    )
})

test(verifies('policy.until', 'no token is issued at the end of its conditions or after'), async () => {
  const key = await generateSigningKey()
  const issuer = { issuer: 'https://auth.example', keys: fixedKeys([{ kid: 'k1', key }]), lifetime: 600 }
  const caller = { agent: 'https://agent.example', key: { publicJwk: key.publicJwk } } as AuthTokenGrant['caller']
  const issue = (time: number) => {
    const conditions = [{ type: 'until', time }] as AuthTokenGrant['conditions']
    const granted = { caller, resource: request.resource, scope: ['events.read'], grant: undefined, conditions }
    return issueAuthToken(issuer, granted, newYear)
  }
  expect(await issue(newYear + 1)).toMatchObject({ expires_in: 1 })
  for (const time of [newYear, newYear - 1])
    await expect(issue(time)).rejects.toMatchObject({ code: 'access_denied', reason: 'condition_ended' })
})

test.each(['ada\n', 'a\u0000b', '\u202eada', 'a'.repeat(513)])(
  verifies('token-endpoint.form', 'login_hint is a name that pages can show: not %j'),
  login_hint => {
    const parse = (hint: string) =>
      parseTokenRequest(
        new Map([
          ['request_type', 'auth'],
          ['resource_token', 'x'],
          ['login_hint', hint],
        ]),
        ['auth'],
      )
    expect(() => parse(login_hint)).toThrow(expect.objectContaining({ reason: 'parameter_malformed' }))
    expect(parse('ada@demo.example')).toMatchObject({ login_hint: 'ada@demo.example' })
  },
)

/** Asks a policy whose decision point answers so. */
function asked(body: string | ReadableStream<Uint8Array>, status = 200): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const policy = authzen({ url: 'https://pdp.example', fetch: async () => new Response(body, { status, headers }) })
  return Promise.resolve(policy(request)).catch((error: unknown) => error)
}

const invalid = { code: 'temporarily_unavailable', reason: 'dependency_invalid' }

test(verifies('error.unavailable', 'an answer of another status decides nothing, whatever its body says'), async () => {
  expect(await asked('{"decision":true}')).toMatchObject({ decision: 'direct' })
  for (const status of [201, 400, 401, 403, 404])
    expect(await asked('{"decision":true}', status)).toMatchObject({ ...invalid, cause: { status } })
})

test(verifies('error.unavailable', 'an answer that is too long decides nothing, also by its first part'), async () => {
  const encoder = new TextEncoder()
  const padded = (length: number) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(encoder.encode('{"decision":true}'))
        controller.enqueue(encoder.encode(' '.repeat(length)))
        controller.close()
      },
    })
  expect(await asked(padded(1000))).toMatchObject({ decision: 'direct' })
  expect(await asked(padded(65_536))).toMatchObject(invalid)
})

test(verifies('error.unavailable', 'an approver without a name is none'), async () => {
  const answer = (approver: unknown) => asked(JSON.stringify({ decision: true, context: { approver } }))
  expect(await answer('ada')).toMatchObject({ decision: 'direct', approver: 'ada' })
  for (const approver of ['', 7, null]) expect(await answer(approver)).toMatchObject(invalid)
})
