import { expect, test } from 'vitest'
import { UsageError } from '../usage-error.js'
import { interactOf } from './interact.js'

const terminal = (isTTY: boolean): Parameters<typeof interactOf>[1] => ({ isTTY, write: () => undefined })

test('a browser where there is a terminal, else what was asked for, else nobody', () => {
  expect(interactOf({}, terminal(true))?.kind).toBe('loopback')
  expect(interactOf({}, terminal(false))).toBeUndefined()
  expect(interactOf({ browser: true }, terminal(false))).toBeUndefined()
  expect(interactOf({ browser: false }, terminal(false))?.kind).toBe('loopback')
  expect(interactOf({ browser: true, device: true }, terminal(true))?.kind).toBe('device')
  expect(() => interactOf({ browser: false, device: true }, terminal(true))).toThrow(UsageError)
})
