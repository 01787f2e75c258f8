import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { fixedKeys } from '@countersign/store/internal'
import { newYear } from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'
import { type AuthTokenGrant, issueAuthToken } from './auth-token.js'

test(verifies('exchange.upstream', 'a token is not issued once its upstream token has expired'), async () => {
  const key = await generateSigningKey()
  const issuer = { issuer: 'https://auth.example', keys: fixedKeys([{ kid: 'k1', key }]), lifetime: 600 }
  const caller = { agent: 'https://agent.example', key: { publicJwk: key.publicJwk } } as AuthTokenGrant['caller']
  const issue = (exp: number) =>
    issueAuthToken(
      issuer,
      {
        caller,
        resource: 'https://rooms.example',
        scope: ['rooms.read'],
        grant: undefined,
        upstream: { act: { iss: 'https://one.example', agent: 'https://first.example' }, exp },
      },
      newYear,
    )
  expect(await issue(newYear + 1)).toMatchObject({ expires_in: 1 })
  await expect(issue(newYear)).rejects.toMatchObject({
    code: 'invalid_auth_token',
    reason: 'token_expired',
    status: 400,
  })
})
