import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { endOf, firstUnmet, parseConditions } from './index.js'

// What a token with `hours` costs: formatters of the engine are counted, each as dear as a signature.

const names = Intl.supportedValuesOf('timeZone').filter(name => name.length < 18)

function judge(zones: readonly string[], now: number): void {
  const conditions = parseConditions(
    zones.map(zone => ({ type: 'hours', zone, days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00' })),
  )
  expect(firstUnmet(conditions, { now, resource: '', scope: [], levels: 0, services: [] })).toBeUndefined()
  endOf(conditions, now)
}

function formatters(run: () => void): number {
  const { DateTimeFormat } = Intl
  let made = 0
  class Counted extends DateTimeFormat {
    constructor(...options: ConstructorParameters<typeof DateTimeFormat>) {
      super(...options)
      made++
    }
  }
  Object.assign(Intl, { DateTimeFormat: Counted })
  try {
    run()
  } finally {
    Object.assign(Intl, { DateTimeFormat })
  }
  return made
}

test(verifies('policy.hours', 'many conditions of one zone cost one formatter, and later tokens none'), () => {
  const now = Date.parse('2031-05-06T12:00:00Z') / 1000
  expect(formatters(() => judge(Array(15).fill('Asia/Aden'), now))).toBeLessThanOrEqual(2)
  expect(formatters(() => judge(Array(15).fill('Asia/Aden'), now + 60))).toBe(0)
})

test('zones are kept by their names: a list of other zones each time costs nothing once each was met', () => {
  const now = Date.parse('2032-05-06T12:00:00Z') / 1000
  const all = (): void => {
    for (let at = 0; at < names.length; at += 15) judge(names.slice(at, at + 15), now)
  }
  expect(formatters(all)).toBeGreaterThan(64)
  expect(formatters(all)).toBe(0)
  const junk = (): void => {
    for (let at = 0; at < 3000; at++)
      expect(() => judge([`Europe/X${at}`], now)).toThrow(expect.objectContaining({ reason: 'condition_malformed' }))
  }
  junk()
  expect(formatters(all)).toBe(0)
})
