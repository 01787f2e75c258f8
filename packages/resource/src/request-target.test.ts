import { verifies } from '@countersign/requirements'
import { send } from '@countersign/testing/wire'
import { describe, expect, test } from 'vitest'
import { cases, expectRefusal, header, plus, target } from './altered.test.fixture.js'
import { calendarScene } from './calendar.test.fixture.js'

const { world, calendar, as } = await calendarScene()

const get = (o: { target?: string } = {}) => world.request({ as, target: o.target ?? '/feed' })

describe('the target as received', () => {
  test.each(
    cases([
      ['COV-24 sig.target.form', 'absolute form', target('http://evil.example/feed')],
      ['COV-24', 'two Host lines', plus('host', 'evil.example')],
      ['COV-34', 'a fragment', target('/feed#b')],
      ['COV-35', 'a backslash', target('/feed\\x')],
      ['COV-35 sig.target.escapes', 'a bad escape', target('/a/%zz')],
      ['COV-35', 'dot segments', target('/x/../feed')],
      ['COV-35', 'encoded dot segments', target('/x/%2e%2E/feed')],
      ['COV-37', 'a folded line', header('host', value => `${value}\r\n folded`)],
    ]),
  )('%s', async (_, change) => {
    await expectRefusal(calendar, await get(), change, { status: 400 })
  })

  test(
    verifies('COV-30', 'RAT-12', 'a variant of a path is another path, or the same route under its own signature'),
    async () => {
      const before = calendar.ran()
      expect((await send(calendar.port, await get({ target: '/feed/' }))).status).toBe(404)
      expect((await send(calendar.port, target('//feed')(await get()))).status).not.toBe(200)
      expect(calendar.ran()).toBe(before)
      expect((await send(calendar.port, await get({ target: '/%66eed' }))).status).toBe(200)
    },
  )
})
