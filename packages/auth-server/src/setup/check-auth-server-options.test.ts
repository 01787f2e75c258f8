import { generateSigningKey } from '@countersign/httpsig'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { openidConnect } from '@countersign/user-desk/openid'
import { describe, expect, test } from 'vitest'
import { askUsers, createAuthServer, directGrants, firstOf, type PolicyRequest } from '../index.js'

const agent = 'https://agent.example'
const resource = 'https://calendar.example'
const grant = { agent, resource, scopes: ['events.read'] }
const request: PolicyRequest = { agent, resource, scope: ['events.read'] }

describe('directGrants', () => {
  test('a misspelt member is refused', () => {
    expect(() => directGrants([{ ...grant, scope: ['events.read'] } as never])).toThrow(
      new TypeError("directGrants: unknown option 'scope'; did you mean 'scopes'?"),
    )
    expect(() => directGrants([{ ...grant, delegate: 'none' } as never])).toThrow(
      new TypeError("directGrants: unknown option 'delegate'; did you mean 'delegates'?"),
    )
    expect(directGrants([grant])(request)).toBe('direct')
  })

  test('a string in place of a list is refused: its parts would name delegates', () => {
    expect(() => directGrants([{ ...grant, delegates: 'pipeline-1' } as never])).toThrow(
      new TypeError("directGrants: option 'delegates' must be 'none', 'any' or an array of strings"),
    )
    const listed = directGrants([{ ...grant, delegates: ['pipeline-1'] }])
    expect(listed({ ...request, delegate: 'pipeline-1' })).toBe('direct')
    expect(listed({ ...request, delegate: 'pipe' })).toBe('deny')
  })
})

describe('askUsers', () => {
  const question = { agents: [agent], resources: [resource], scopes: ['events.read'] }

  test('a misspelt member is refused: without `scopes` an agent may ask for any', () => {
    const { scopes: scope, ...unscoped } = question
    expect(() => askUsers([{ ...unscoped, scope } as never])).toThrow(
      new TypeError("askUsers: unknown option 'scope'; did you mean 'scopes'?"),
    )
    expect(() => askUsers([{ ...question, scopes: undefined } as never])).toThrow(
      new TypeError("askUsers: option 'scopes' is undefined; leave it out, or give it a value"),
    )
    expect(askUsers([question])(request)).toBe('consent')
    expect(askUsers([question])({ ...request, scope: ['openid'] })).toBe('deny')
  })

  test('a string in place of a list is refused: its parts would name scopes', () => {
    expect(() => askUsers([{ ...question, scopes: 'events.read' } as never])).toThrow(
      new TypeError("askUsers: option 'scopes' must be 'any' or an array of strings"),
    )
  })
})

test('firstOf takes functions only', () => {
  expect(() => firstOf([directGrants([grant])] as never)).toThrow(TypeError)
  expect(() => firstOf(directGrants([grant]))).not.toThrow()
})

test('unknown members of demo users and sign-in providers are refused', () => {
  expect(() => demoUsers([{ name: 'Ada', emailVerified: true } as never])).toThrow(
    new TypeError("demoUsers: unknown option 'emailVerified'; did you mean 'email_verified'?"),
  )
  expect(() => demoUsers([{ name: 'Ada', email_verified: true }])).not.toThrow()
  const provider = { id: 'corp', name: 'Corp', issuer: 'https://accounts.example', clientId: 'c' }
  expect(() => openidConnect({ ...provider, clientsecret: 's' } as never)).toThrow(
    new TypeError("openidConnect: unknown option 'clientsecret'; did you mean 'clientSecret'?"),
  )
  expect(() => openidConnect(provider)).not.toThrow()
})

test('an auth server refuses options that it does not have, nested ones too', async () => {
  const right = { issuer: 'https://auth.example', keys: [], database: 'sqlite::memory:' }
  const told = async (more: object) => createAuthServer({ ...right, ...more }).catch((error: unknown) => error)
  expect(await told({ polcy: () => 'deny' })).toEqual(
    new TypeError("createAuthServer: unknown option 'polcy'; did you mean 'policy'?"),
  )
  const rule = { upstream: 'https://a.example', middle: 'https://b.example', downstream: 'https://c.example' }
  const rules = [{ ...rule, upstreamScopes: ['a'], scopes: ['b'], decison: 'consent' }]
  expect(await told({ exchange: { rules } })).toEqual(
    new TypeError("createAuthServer: unknown option 'exchange.rules[0].decison'; did you mean 'decision'?"),
  )
  expect(await told({ deviceFlow: 'al' })).toEqual(
    new TypeError("createAuthServer: option 'deviceFlow' must be 'any' or an array of strings"),
  )
  expect(await told({})).toEqual(new TypeError('keys must hold at least one key'))
})

test('options of before there was a desk are refused with the name of its package', async () => {
  const right = { issuer: 'https://auth.example', keys: [], database: 'sqlite::memory:' }
  for (const moved of ['login', 'branding', 'consentDefaults', 'pagesPerMinute', 'logoFetcher'])
    await expect(createAuthServer({ ...right, [moved]: [] } as never)).rejects.toEqual(
      new TypeError(
        `createAuthServer: '${moved}' is an option of userDesk of @countersign/user-desk now: createAuthServer({ desk: userDesk({ login, … }) })`,
      ),
    )
})

test('a desk that userDesk has not made, or whose options are unfit, is refused', async () => {
  const right = { issuer: 'https://auth.example', keys: [{ kid: 'a1', key: await generateSigningKey() }] }
  const open = (desk: unknown) => createAuthServer({ ...right, database: 'sqlite::memory:', desk } as never)
  await expect(open({ name: 'user-desk' })).rejects.toThrow('desk must come from userDesk of @countersign/user-desk')
  // Without a password, each visitor could be every user.
  await expect(open(userDesk({ login: [demoUsers([{ name: 'Ada' }])] }))).rejects.toThrow('development only')
  expect(() => userDesk({ login: [], pagesPerMinute: 0 })).toThrow(RangeError)
  expect(() => userDesk({ logins: [] } as never)).toThrow("userDesk: unknown option 'logins'; did you mean 'login'?")
})
