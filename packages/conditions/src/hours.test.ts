import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endOf, firstUnmet, parseConditions } from './index.js'

interface Window {
  readonly days: readonly number[]
  readonly from: string
  readonly to: string
  readonly zone?: string
}

const list = ({ zone = 'Europe/Paris', ...window }: Window): ReturnType<typeof parseConditions> =>
  parseConditions([{ type: 'hours', zone, ...window }])

const at = (time: string): number => Date.parse(time) / 1000

function holds(window: Window, time: string): boolean {
  const facts = { now: at(time), resource: 'https://mail.corp.example', scope: [], levels: 0, services: [] }
  return firstUnmet(list(window), facts) === undefined
}

const end = (window: Window, time: string): string | undefined => {
  const found = endOf(list(window), at(time))
  return found === undefined ? undefined : new Date(found * 1000).toISOString()
}

const office: Window = { days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' }

describe('hours', () => {
  test(verifies('DEL-24', 'the first and the last second of a window pass, on each of its days'), () => {
    for (const date of ['2026-11-23', '2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27']) {
      expect(holds(office, `${date}T08:00:00Z`)).toBe(true)
      expect(holds(office, `${date}T16:59:59Z`)).toBe(true)
    }
    // In summer Paris is two hours ahead.
    expect(holds(office, '2026-07-06T07:00:00Z')).toBe(true)
    expect(holds(office, '2026-07-06T15:59:59.999Z')).toBe(true)
  })

  test(verifies('DEL-25', 'the second before, the end itself and other days are refused'), () => {
    expect(holds(office, '2026-11-23T07:59:59Z')).toBe(false)
    expect(holds(office, '2026-11-23T17:00:00Z')).toBe(false)
    expect(holds(office, '2026-11-28T11:00:00Z')).toBe(false)
    expect(holds(office, '2026-11-29T11:00:00Z')).toBe(false)
    expect(holds(office, '2026-11-23T11:00:00Z')).toBe(true)
  })

  test(verifies('DEL-26', 'a window over midnight belongs to the day it began'), () => {
    const night: Window = { days: [5], from: '22:00', to: '06:00', zone: 'UTC' }
    // 2026-11-27 is a Friday.
    expect(holds(night, '2026-11-27T22:00:00Z')).toBe(true)
    expect(holds(night, '2026-11-28T05:59:00Z')).toBe(true)
    for (const time of ['2026-11-27T05:00:00Z', '2026-11-28T06:00:00Z', '2026-11-28T22:00:00Z', '2026-11-26T23:00:00Z'])
      expect(holds(night, time), time).toBe(false)
    const sunday: Window = { ...night, days: [7] }
    expect(holds(sunday, '2026-11-29T23:00:00Z')).toBe(true)
    expect(holds(sunday, '2026-11-30T03:00:00Z')).toBe(true)
    expect(holds(sunday, '2026-11-30T23:00:00Z')).toBe(false)
  })

  test(verifies('DEL-27', 'a window in the hour that summer time skips never holds'), () => {
    const skipped: Window = { days: [7], from: '02:00', to: '02:30' }
    for (let minute = 0; minute < 24 * 60; minute++)
      expect(holds(skipped, new Date(Date.UTC(2026, 2, 28, 23, minute)).toISOString())).toBe(false)
    const around: Window = { days: [7], from: '01:30', to: '03:30' }
    expect(['00:29:59', '00:30:00', '01:29:59', '01:30:00'].map(time => holds(around, `2026-03-29T${time}Z`))).toEqual([
      false,
      true,
      true,
      false,
    ])
    expect(end(around, '2026-03-29T00:30:00Z')).toBe('2026-03-29T01:30:00.000Z')
  })

  test(verifies('DEL-28', 'a window in the hour that comes twice holds twice, and ends with the first'), () => {
    const twice: Window = { days: [7], from: '02:00', to: '02:30' }
    expect(['00:10', '00:45', '01:10', '01:30'].map(time => holds(twice, `2026-10-25T${time}:00Z`))).toEqual([
      true,
      false,
      true,
      false,
    ])
    expect(end(twice, '2026-10-25T00:10:00Z')).toBe('2026-10-25T00:30:00.000Z')
    expect(end(twice, '2026-10-25T01:10:00Z')).toBe('2026-10-25T01:30:00.000Z')
  })

  test('a change of the clocks ends a window that it leads out of, and prolongs one that it leads back into', () => {
    // At 01:00Z it is 02:00 again.
    expect(end({ days: [7], from: '02:30', to: '04:00' }, '2026-10-25T00:40:00Z')).toBe('2026-10-25T01:00:00.000Z')
    expect(end({ days: [7], from: '02:00', to: '03:00' }, '2026-10-25T00:10:00Z')).toBe('2026-10-25T02:00:00.000Z')
  })

  test(verifies('DEL-29', 'a window from a time to the same time is 24 hours'), () => {
    const monday: Window = { days: [1], from: '09:00', to: '09:00', zone: 'UTC' }
    expect(
      ['2026-11-23T08:59:59Z', '2026-11-23T09:00:00Z', '2026-11-24T08:59:59Z', '2026-11-24T09:00:00Z'].map(time =>
        holds(monday, time),
      ),
    ).toEqual([false, true, true, false])
    expect(end(monday, '2026-11-23T09:00:00Z')).toBe('2026-11-24T09:00:00.000Z')
  })

  test('windows that follow each other end together, and all of a week never', () => {
    expect(end({ days: [1, 2], from: '09:00', to: '09:00', zone: 'UTC' }, '2026-11-23T10:00:00Z')).toBe(
      '2026-11-25T09:00:00.000Z',
    )
    expect(end({ days: [1, 2, 3, 4, 5, 6, 7], from: '02:30', to: '02:30' }, '2026-10-24T10:00:00Z')).toBeUndefined()
    expect(end({ days: [1, 2, 3, 4, 5, 6, 7], from: '02:30', to: '02:31' }, '2026-10-24T10:00:00Z')).toBe(
      '2026-10-24T10:00:00.000Z',
    )
  })

  test('one list may be judged at any times, in any order', () => {
    const same = list(office)
    const judge = (time: string): boolean =>
      firstUnmet(same, { now: at(time), resource: '', scope: [], levels: 0, services: [] }) === undefined
    // Before and after two changes of the clocks, and back.
    const times = ['2026-03-27T08:00:00Z', '2026-03-30T07:00:00Z', '2026-10-26T07:30:00Z', '2026-03-27T07:30:00Z']
    expect(times.map(judge)).toEqual([true, true, false, false])
    expect(times.toReversed().map(judge)).toEqual([false, false, true, true])
  })

  const days = fc.subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 1 })
  const clock = fc
    .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
    .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`)
  const zone = fc.constantFrom(
    ...['Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'Pacific/Apia', 'UTC'],
    ...['Africa/Casablanca', 'America/St_Johns'],
  )

  test('the end is the first second that is outside', () => {
    fc.assert(
      fc.property(
        fc.record({ days, from: clock, to: clock, zone }),
        fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2035-01-01T00:00:00Z') }),
        (window, now) => {
          const conditions = list(window)
          const isIn = (time: number): boolean =>
            firstUnmet(conditions, { now: time, resource: '', scope: [], levels: 0, services: [] }) === undefined
          const found = endOf(conditions, now)
          if (found === undefined) {
            expect([window.days.length, window.from]).toEqual([7, window.to])
            return
          }
          expect(isIn(found)).toBe(false)
          if (found === now) return
          // Every quarter of an hour on the way, since clocks are changed at such times.
          for (let time = now; time < found; time = Math.min(time + 900, found)) expect(isIn(time)).toBe(true)
          expect(isIn(found - 1)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('the zone of hours', () => {
  const read = (zone: unknown): unknown =>
    parseConditions([{ type: 'hours', zone, days: [1], from: '09:00', to: '18:00' }])

  test(verifies('DEL-30', 'in another spelling, an offset or an unknown name is refused'), () => {
    const wrong = ['europe/paris', 'EUROPE/PARIS', '+01:00', '-05', 'Paris', 'Europe/Paris ', ' Europe/Paris', 'utc']
    const worse = [
      '../../etc/passwd',
      'Factory',
      `Europe/${'a'.repeat(293)}`,
      '',
      'Europe/Paris\n',
      'localtime',
      null,
      1,
    ]
    for (const zone of [...wrong, ...worse])
      expect(() => read(zone), String(zone)).toThrow(
        expect.objectContaining({ code: 'policy_denied', status: 403, reason: 'condition_malformed' }),
      )
    for (const zone of ['UTC', 'Etc/UTC', 'Europe/Paris']) expect(read(zone)).toMatchObject([{ zone }])
  })

  test('is accepted by each name that IANA has today, also where engines know it by an older one', () => {
    const today = ['Europe/Kyiv', 'Asia/Kolkata', 'Asia/Ho_Chi_Minh', 'America/Argentina/Buenos_Aires', 'America/Nuuk']
    for (const zone of [...today, 'Pacific/Kanton', 'America/Port-au-Prince', 'Etc/GMT+5'])
      expect(read(zone)).toMatchObject([{ zone }])
    for (const zone of Intl.supportedValuesOf('timeZone')) expect(read(zone)).toMatchObject([{ zone }])
  })
})
