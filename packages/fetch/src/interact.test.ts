import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { interactOf, showCode } from './interact.js'
import { UsageError } from './usage-error.js'

const terminal = (isTTY: boolean): Parameters<typeof interactOf>[1] => ({ isTTY, write: () => undefined })

test('a terminal gets a browser, or a code when none can be started; without one, only the flags count', () => {
  expect(interactOf({}, terminal(true), () => true)?.kind).toBe('loopback')
  expect(interactOf({}, terminal(true), () => false)?.kind).toBe('device')
  expect(interactOf({}, terminal(false), () => false)).toBeUndefined()
  expect(interactOf({ browser: false }, terminal(true), () => false)?.kind).toBe('loopback')
  expect(interactOf({}, terminal(false))).toBeUndefined()
  expect(interactOf({ browser: true }, terminal(false))).toBeUndefined()
  expect(interactOf({ browser: false }, terminal(false))?.kind).toBe('loopback')
  expect(interactOf({ browser: true, device: true }, terminal(true))?.kind).toBe('device')
  expect(() => interactOf({ browser: false, device: true }, terminal(true))).toThrow(UsageError)
})

test(verifies('consent.device', 'a terminal shows a picture of where to go, and never of the code'), () => {
  const shown = (isTTY: boolean, user_code: string): string => {
    let text = ''
    const code = { verification_uri: 'https://auth.example/device', user_code, expires_in: 590, scope: 'events.write' }
    const about = { issuer: 'https://auth.example', resource: 'https://calendar.example' }
    showCode({ ...code, ...about }, { isTTY, write: more => (text += more) })
    return text
  }
  const [one, other, plain] = [shown(true, 'BCDF-GHJK'), shown(true, 'LMNP-QRST'), shown(false, 'BCDF-GHJK')]
  for (const text of [one, plain]) {
    expect(text).toContain('on any device, open https://auth.example/device')
    expect(text).toContain('type in BCDF-GHJK within 10 minutes')
  }
  const picture = (text: string): string =>
    text
      .split('\n')
      .filter(line => /[█▀▄]/.test(line))
      .join('\n')
  // 25 modules and the border, two rows a line.
  expect(picture(one).split('\n').length).toBeGreaterThan(12)
  expect(picture(one)).toBe(picture(other))
  expect(picture(plain)).toBe('')
})
