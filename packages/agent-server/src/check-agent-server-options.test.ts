import { expect, test } from 'vitest'
import { createAgentServer, oidc, session } from './index.js'

const rule = { issuer: 'https://ci.example', subjects: ['repo:acme/*'], claims: { environment: 'production' } }

test('a misspelt member of a rule is refused: without `claims` every workload of the issuer enrols', () => {
  const { claims: claim, ...unclaimed } = rule
  expect(() => oidc({ issuers: [{ ...unclaimed, claim } as never] })).toThrow(
    new TypeError("oidc: unknown option 'issuers[0].claim'; did you mean 'claims'?"),
  )
  expect(() => oidc({ issuers: [{ ...rule, claims: undefined }] as never })).toThrow(
    new TypeError("oidc: option 'issuers[0].claims' is undefined; leave it out, or give it a value"),
  )
  expect(() => oidc({ issuers: [{ issuer: rule.issuer } as never] })).toThrow(
    new TypeError("oidc: option 'subjects' is missing"),
  )
  expect(() => oidc({ issuers: [rule] })).not.toThrow()
})

test('session needs the function `authenticate`', () => {
  expect(() => session({ authentcate: () => undefined } as never)).toThrow(
    new TypeError("session: unknown option 'authentcate'; did you mean 'authenticate'?"),
  )
  expect(() => session({ authenticate: () => undefined })).not.toThrow()
})

test('an agent server refuses options that it does not have, nested ones too', async () => {
  const told = async (more: object) =>
    createAgentServer({ id: 'https://agent.example', ...more }).catch((error: unknown) => error)
  expect(await told({ audence: 'https://api.example' })).toEqual(
    new TypeError("createAgentServer: unknown option 'audence'; did you mean 'audience'?"),
  )
  expect(await told({ keys: { rotateEvry: 3600 } })).toEqual(
    new TypeError("createAgentServer: unknown option 'keys.rotateEvry'; did you mean 'rotateEvery'?"),
  )
  expect(await told({ audience: 'https://api.example' })).toMatchObject({ paths: expect.any(Array) })
})
