import type { Conditions } from '@countersign/protocol'
import { numRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { conflicts, implies, witness } from './implies.js'
import { refusedBy } from './judge-request.js'
import { args, condition, conditions, data } from './universe.test.fixture.js'

const pairs = fc.oneof(
  fc.tuple(conditions, conditions),
  fc.tuple(fc.array(data, { maxLength: 3 }), fc.array(data, { maxLength: 2 })),
  fc.tuple(fc.array(args, { maxLength: 3 }), fc.array(args, { maxLength: 2 })),
)

describe('implies', () => {
  test('a witness is allowed by one list and refused by the named condition of the other', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const found = witness(a, b)
        expect(found === undefined).toBe(implies(a, b) && implies(b, a))
        if (found === undefined) return
        expect(found.allowedBy === 'first').toBe(!implies(a, b))
        const [allowing, refusing] = found.allowedBy === 'first' ? [a, b] : [b, a]
        expect(refusedBy(allowing, found.request)).toBe(undefined)
        expect(refusing).toContain(found.refusedBy)
        expect(refusedBy([found.refusedBy], found.request)).toBe(found.refusedBy)
      }),
      { numRuns: Math.min(numRuns * 2, 10_000) },
    )
  })

  test('it is reflexive and transitive', () => {
    fc.assert(
      fc.property(conditions, conditions, conditions, (a, b, c) => {
        expect(implies(a, a)).toBe(true)
        if (implies(a, b) && implies(b, c)) expect(implies(a, c)).toBe(true)
      }),
      { numRuns: Math.min(numRuns * 2, 10_000) },
    )
  })

  test('a longer list only narrows', () => {
    fc.assert(
      fc.property(pairs, condition, ([a, b], more) => {
        expect(implies([...a, ...b], a)).toBe(true)
        expect(implies([...a, ...b], b)).toBe(true)
        if (implies(a, b)) expect(implies([...a, more], b)).toBe(true)
        if (implies(b, [more])) expect(implies([...b, ...a], [...b, more, ...a])).toBe(true)
      }),
      { numRuns: Math.min(numRuns, 10_000) },
    )
  })

  test('a list that allows nothing implies every list, and no other list does', () => {
    const never: Conditions = [{ type: 'until', time: 0 }]
    fc.assert(
      fc.property(conditions, conditions, (a, b) => {
        expect(conflicts(a)).toBe(implies(a, never))
        if (conflicts(a)) expect(implies(a, b)).toBe(true)
      }),
      { numRuns: Math.min(numRuns, 10_000) },
    )
  })
})

test(
  verifies('policy.operation-spelling', 'an operation in another spelling than that of a condition is refused'),
  () => {
    const resource = 'https://mail.example'
    const request = { now: 0, resource, scope: [], levels: 0, services: [], safe: false, approved: true, answer: {} }
    const used = { minute: 0, hour: 0, day: 0, grant: 0 }
    const send = { type: 'arguments', resource, of: 'send', where: [{ at: '' }] } as const
    const approval = { type: 'approval', resource, of: ['send'] } as const
    for (const each of [send, approval]) {
      const refused = (operation: string) => refusedBy([each], { ...request, used, operation, body: {} })
      expect(['SEND', 'send ', '\uff53end'].map(refused)).toEqual([each, each, each])
      expect(['send', 'sends', 'read'].map(refused)).toEqual([undefined, undefined, undefined])
    }
  },
)
test(verifies('policy.folded', 'no witness has two members that are equal when folded'), () => {
  const where = (...rules: object[]) =>
    [{ type: 'arguments', resource: 'https://mail.example', of: 'send', where: rules }] as unknown as Conditions
  const both = where({ at: '/to', in: ['bob'] }, { at: '/To', in: ['eve'] })
  const none = where({ at: '/none' })
  expect(implies(both, none)).toBe(true)
  expect(implies(where({ at: '/to', in: ['bob'] }, { at: '/cc', in: ['eve'] }), none)).toBe(false)
  expect(implies(where({ at: '/a/to', in: ['bob'] }, { at: '/b/To', in: ['eve'] }), none)).toBe(false)
  const some = where({ at: '/Other' }, { at: '/other1', in: [1] }, { at: '/*/x' }, { at: '/*' })
  const found = witness(some, where({ at: '/other1' }, { at: '/Other' }))
  expect(found && refusedBy(found.allowedBy === 'first' ? some : [], found.request)).toBe(undefined)
  expect(found).not.toBe(undefined)
})
