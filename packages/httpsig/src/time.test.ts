import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { openSignature } from './index.js'
import { get, NOW, options, refused, send, verdict, withLine } from './signed-message.test.fixture.js'

const signedAt = (parameters: string) => send({ ...get, parameters })

test(verifies('TIM-01', 'sig.created.required', 'created is required'), async () => {
  expect(await verdict(signedAt(`;created=${NOW}`))).toBe('accepted')
  expect(await verdict(signedAt(''))).toBe(refused)
  expect(await verdict(signedAt(`;expires=${NOW + 10}`))).toBe(refused)
})

test(
  verifies('TIM-02', 'TIM-03', 'sig.created.window', 'exactly 60 seconds either way is accepted, 61 is not'),
  async () => {
    for (const off of [-60, -1, 0, 1, 60])
      expect(await verdict(signedAt(`;created=${NOW + off}`)), String(off)).toBe('accepted')
    for (const off of [-3600, -61, 61, 3600])
      expect(await verdict(signedAt(`;created=${NOW + off}`)), String(off)).toBe(refused)
  },
)

test(
  verifies('times.whole-seconds', 'times.expires', 'a clock between two seconds counts whole seconds, rounded down'),
  async () => {
    for (const parameters of [`;created=${NOW - 60}`, `;created=${NOW - 9};expires=${NOW}`]) {
      expect(await verdict(signedAt(parameters), { now: () => NOW + 0.9 }), parameters).toBe('accepted')
      expect(await verdict(signedAt(parameters), { now: () => NOW + 1 }), parameters).toBe(refused)
    }
    expect(await verdict(signedAt(`;created=${NOW + 60}`), { now: () => NOW + 0.9 })).toBe('accepted')
    expect(await verdict(signedAt(`;created=${NOW + 61}`), { now: () => NOW + 0.9 })).toBe(refused)
  },
)

test('a clock that is NaN accepts no signature', async () => {
  expect(await verdict(signedAt(`;created=${NOW}`), { now: () => Number.NaN })).toBe(refused)
})

test(verifies('TIM-04', 'created of any other type is refused'), async () => {
  for (const value of [
    `"${NOW}"`,
    `${NOW}.0`,
    `${NOW}.5`,
    'now',
    `:${btoa(String(NOW))}:`,
    `@${NOW}`,
    '?1',
    `%"${NOW}"`,
  ])
    expect(await verdict(signedAt(`;created=${value}`)), value).toBe(refused)
  expect(await verdict(signedAt(';created'))).toBe(refused)
  expect(await verdict(signedAt(`;created=${NOW}`))).toBe('accepted')
})

test(verifies('TIM-06', 'absurd values are refused'), async () => {
  for (const value of [
    '-1',
    `-${NOW}`,
    '0',
    `${NOW}000`,
    '9'.repeat(15),
    '9'.repeat(16),
    '1e10',
    `+${NOW}`,
    `0x1`,
    `${NOW}n`,
  ])
    expect(await verdict(signedAt(`;created=${value}`)), value).toBe(refused)
  expect(await verdict(signedAt(`;created=${NOW}`))).toBe('accepted')
})

test(
  verifies('TIM-08', 'TIM-09', 'sig.expires', 'expires is honoured, and does not extend the window of created'),
  async () => {
    for (const parameters of [`;created=${NOW};expires=${NOW}`, `;created=${NOW - 10};expires=${NOW + 10}`])
      expect(await verdict(signedAt(parameters)), parameters).toBe('accepted')
    for (const parameters of [
      `;created=${NOW - 10};expires=${NOW - 1}`,
      `;created=${NOW + 10};expires=${NOW + 5}`,
      `;created=${NOW};expires="${NOW + 10}"`,
      `;created=${NOW};expires=${NOW + 10}.0`,
      `;created=${NOW};expires`,
      `;created=${NOW - 600};expires=${NOW + 3600}`,
    ])
      expect(await verdict(signedAt(parameters)), parameters).toBe(refused)
    expect(openSignature(signedAt(`;created=${NOW};expires=${NOW + 9}`), options)).toMatchObject({
      created: NOW,
      expires: NOW + 9,
    })
  },
)

test(verifies('TIM-10', 'a Date header has no effect'), async () => {
  expect(await verdict(withLine(send(get), 'Date', 'Thu, 01 Jan 1970 00:00:00 GMT'))).toBe('accepted')
})

test(
  verifies('TIM-11', 'sig.created.tolerance', 'a tolerance outside 1 to 300 is a mistake of the program'),
  async () => {
    for (const tolerance of [0, -1, 0.5, 301, 86_400, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => openSignature(send(get), { ...options, tolerance }), String(tolerance)).toThrow(RangeError)
    for (const tolerance of [1, 300]) {
      expect(await verdict(signedAt(`;created=${NOW - tolerance}`), { tolerance })).toBe('accepted')
      expect(await verdict(signedAt(`;created=${NOW - tolerance - 1}`), { tolerance })).toBe(refused)
    }
  },
)
