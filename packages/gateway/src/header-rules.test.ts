import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { headerRules } from './header-rules.js'

test(verifies('SIG-21', 'a header is judged by its name in any spelling, and each time alike'), () => {
  const rules = headerRules(new Set(['x-tenant']))
  for (const name of ['AAuth-Level', 'aauth_level', 'AAUTH.LEVEL']) {
    expect(rules(name)).toMatchObject({ plain: 'aauth-level', toApi: false, toCaller: false })
    expect(rules(name)).toBe(rules(name))
  }
  for (const name of ['X-Tenant', 'x_tenant', 'X-Forwarded-For', 'Signature', 'Expect', ':path'])
    expect(rules(name).toApi, name).toBe(false)
  for (const name of ['Connection', 'TE', 'Trailer', 'Upgrade', 'Agent-Auth'])
    expect(rules(name).toCaller, name).toBe(false)
  for (const name of ['X-Kept', 'Accept', 'Content-Type'])
    expect(rules(name)).toMatchObject({ toApi: true, toCaller: true })
})

test('the first 512 names are kept, and none that is long: a stranger cannot push out the others', () => {
  const rules = headerRules(new Set())
  const long = 'x'.repeat(65)
  expect(rules(long)).not.toBe(rules(long))
  const names = Array.from({ length: 600 }, (_, at) => `x-${at}`)
  const first = names.map(rules)
  const again = names.map(rules)
  expect(names.filter((_, at) => first[at] === again[at])).toEqual(names.slice(0, 512))
  expect(again).toEqual(first)
})
