import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { type InteractFlags, interactOf, showCode, showInbox, type Terminal, visitBy } from './interact.js'
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

describe(verifies('approval.inbox', 'while the command waits for its user'), () => {
  const question = {
    issuer: 'https://auth.example',
    resource: 'https://mail.example',
    scope: 'mail.send',
    operation: { name: 'send', display: ['Send ', 'Lunch" to "eve', ' to ', 'bob\u202e'] },
  }
  const asks = `countersign: https://auth.example asks you to approve one request, send, at https://mail.example
  Send "Lunch\\" to \\"eve" to "bob\\u202e"`
  const url = 'https://auth.example/consent'

  async function told(tell: (terminal: Terminal) => unknown): Promise<string> {
    let text = ''
    await tell({ isTTY: false, write: more => (text += more) })
    return text
  }
  const visited = (flags: InteractFlags): Promise<string> =>
    told(terminal => visitBy(flags, terminal)(url, { ...question, ended: new AbortController().signal }))
  const waits = (flags: InteractFlags): Promise<string> =>
    told(terminal => showInbox({ ...question, expires_in: 3600 }, flags, terminal))

  test('it says what is asked and where, with the values of the request in quotes', async () => {
    expect(await visited({ browser: false })).toBe(`${asks}
  open https://auth.example/consent
  waiting for your answer; Ctrl-C to stop
`)
    expect(await waits({})).toBe(`${asks}
  in your inbox there, for 60 minutes; waiting for your answer, Ctrl-C to stop
`)
  })

  test('with --json it says so by one object a line', async () => {
    const facts = { event: 'waiting', ...question }
    const [page, inbox] = [await visited({ browser: false, json: true }), await waits({ json: true })]
    for (const line of [page, inbox]) expect(line).toMatch(/^[^\n\u202e]+\n$/)
    expect([JSON.parse(page), JSON.parse(inbox)]).toEqual([
      { ...facts, url },
      { ...facts, expires_in: 3600 },
    ])
  })
})
