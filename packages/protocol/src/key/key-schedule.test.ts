import { numRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkKeySchedule, type KeySchedule, planKeys, type ScheduledKey } from '../internal.js'

const hour = 3600
const day = 86_400
const schedule: KeySchedule = { rotateEvery: 7 * day, publishAhead: 900, tokenLifetime: day, grace: 30 * day }
const k1 = { kid: 'k1', published: 0, signs: 0 }
const k2 = { kid: 'k2', published: 7 * day - 900, signs: 7 * day }

const names = (keys: ReadonlyArray<{ kid: string }>): string[] => keys.map(({ kid }) => kid)

/** What becomes of k1 and, once it is there, k2. */
function at(now: number): object {
  const keys = now < k2.published ? [k1] : [k2, k1]
  const { signing, published, known, spent, forgotten, next } = planKeys(keys, schedule, now)
  const lists = [published, known, spent, forgotten].map(list => names(list).join(' '))
  return [signing?.kid, ...lists, next]
}

test(verifies('discovery.publish-ahead', 'a key lives through each state, moment by moment'), () => {
  expect(at(0)).toEqual(['k1', 'k1', 'k1', '', '', undefined])
  expect(at(7 * day - 901)).toEqual(['k1', 'k1', 'k1', '', '', undefined])
  expect(planKeys([k1], schedule, 7 * day - 900).next).toEqual({ published: 7 * day - 900, signs: 7 * day })
  expect(at(7 * day - 900)).toEqual(['k1', 'k1 k2', 'k1 k2', '', '', undefined])
  expect(at(7 * day - 1)).toEqual(['k1', 'k1 k2', 'k1 k2', '', '', undefined])
  expect(at(7 * day)).toEqual(['k2', 'k1 k2', 'k1 k2', '', '', undefined])
  expect(at(7 * day + 299)).toEqual(['k2', 'k1 k2', 'k1 k2', '', '', undefined])
  expect(at(7 * day + 300)).toEqual(['k2', 'k1 k2', 'k1 k2', 'k1', '', undefined])
  expect(at(8 * day + 599)).toEqual(['k2', 'k1 k2', 'k1 k2', 'k1', '', undefined])
  expect(at(8 * day + 600)).toEqual(['k2', 'k2', 'k1 k2', 'k1', '', undefined])
  const late = 38 * day
  expect(at(late - 1)).toEqual(['k2', 'k2', 'k1 k2', 'k1', '', { published: late - 1, signs: late + 899 }])
  expect(at(late)).toEqual(['k2', 'k2', 'k2', 'k1', 'k1', { published: late, signs: late + 900 }])
})

test(verifies('discovery.publish-ahead', 'the first key signs at once, later ones never'), () => {
  expect(planKeys([], schedule, 77)).toEqual({
    signing: undefined,
    published: [],
    known: [],
    order: [],
    spent: [],
    forgotten: [],
    next: { published: 77, signs: 77 },
  })
  expect(planKeys([{ published: 77, signs: 78 }], schedule, 77).signing).toBeUndefined()
})

interface Made extends ScheduledKey {
  readonly kid: number
}

describe('at every moment', () => {
  const schedules = fc
    .record({
      publishAhead: fc.integer({ min: 30, max: 2 * hour }),
      more: fc.integer({ min: 0, max: 3 * day }),
      tokenLifetime: fc.integer({ min: 1, max: day }),
      grace: fc.integer({ min: 0, max: 2 * day }),
    })
    .map(({ publishAhead, more, ...rest }) => ({ publishAhead, rotateEvery: publishAhead + more, ...rest }))
  const pauses = fc.array(fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 4 * day })), {
    minLength: 1,
    maxLength: 60,
  })

  test(
    verifies(
      'discovery.publish-ahead',
      'no key signs before it was published for its time, every unexpired token can be verified, and old keys go',
    ),
    () => {
      fc.assert(
        fc.property(schedules, pauses, (drawn, waits) => {
          checkKeySchedule(drawn)
          let [now, made] = [1000, 0]
          let keys: Made[] = []
          const tokens: Array<{ key: Made; exp: number }> = []
          for (const wait of waits) {
            now += wait
            const before = planKeys(keys, drawn, now)
            if (before.next !== undefined) keys.push({ ...before.next, kid: ++made })
            const plan = planKeys(keys, drawn, now)
            const { signing, published, known, spent, forgotten } = plan
            if (signing === undefined) throw new Error('no key signs')
            const ahead = now - signing.published >= drawn.publishAhead
            const verifiable = tokens.every(
              ({ key, exp }) =>
                (now >= exp || published.includes(key)) && (now >= exp + drawn.grace || known.includes(key)),
            )
            const wrong = [
              [keys.length > 1 && plan.next !== undefined, 'a second key is made at once'],
              [signing.kid > 1 && !ahead, 'a key signs before its time'],
              [!published.includes(signing), 'the key that signs is not published'],
              [spent.includes(signing), 'the key that signs is spent'],
              [!verifiable, 'a token cannot be verified'],
              [published.length > 3 + (drawn.tokenLifetime + 600) / drawn.rotateEvery, 'old keys stay published'],
              [known.length + forgotten.length !== keys.length, 'a key is neither known nor forgotten'],
              [forgotten.some(key => published.includes(key)), 'a published key is forgotten'],
            ].flatMap(([is, what]) => (is === true ? [what] : []))
            expect(wrong).toEqual([])
            tokens.push({ key: signing, exp: now + drawn.tokenLifetime })
            keys = [...known].reverse()
          }
        }),
        { numRuns },
      )
    },
  )
})

test.each<readonly [string, Partial<KeySchedule>]>([
  ['publishAhead of 29 s', { publishAhead: 29 }],
  ['publishAhead no number', { publishAhead: Number.NaN }],
  ['rotateEvery under publishAhead', { rotateEvery: 899 }],
  ['rotateEvery without end', { rotateEvery: Number.POSITIVE_INFINITY }],
  ['tokenLifetime of 0', { tokenLifetime: 0 }],
  ['grace below 0', { grace: -1 }],
])(verifies('discovery.publish-ahead', '%s is refused'), (_, changed) => {
  expect(() => checkKeySchedule({ ...schedule, ...changed })).toThrow(RangeError)
  expect(() => checkKeySchedule(schedule)).not.toThrow()
  expect(() => checkKeySchedule({ rotateEvery: 30, publishAhead: 30, tokenLifetime: 1 })).not.toThrow()
})
