import { verifies } from '@countersign/requirements'
import { send, type Wire } from '@countersign/testing/wire'
import { describe, expect, test } from 'vitest'
import { header, plus } from './altered.test.fixture.js'
import { calendarScene } from './calendar.test.fixture.js'
import { signByHand } from './world.test.fixture.js'

const { world, calendar, as, now } = await calendarScene()

describe('nonce', () => {
  const bare = '("@method" "@authority" "@path" "signature-key")'
  const by = (parameters: string) =>
    signByHand({ as, input: `${bare};created=${now}${parameters}`, target: '/feed', method: 'POST' })
  const status = async (wire: Wire) => {
    const { status, error } = await send(calendar.port, wire)
    return [status, error]
  }
  const replayed = [401, 'replay_detected']

  test(
    verifies('NON-02', 'sig.nonce.optional', 'none is needed, and without one a request still passes only once'),
    async () => {
      const wire = await by('')
      expect([await status(wire), await status(wire)]).toEqual([[200, undefined], replayed])
    },
  )

  test(
    verifies('NON-03', 'NON-04', 'sig.parameters.kept', 'a parameter in the request is covered by the signature'),
    async () => {
      const wire = await by(';nonce="AAAAAAAAAAAAAAAAAAAAAA"')
      const change = (from: string, to: string) => header('signature-input', value => value.replace(from, to))(wire)
      expect(await status(change('AAAA"', 'AAAB"'))).toEqual([401, 'invalid_signature'])
      expect(await status(change(';nonce="AAAAAAAAAAAAAAAAAAAAAA"', ''))).toEqual([401, 'invalid_signature'])
      expect(await status(wire)).toEqual([200, undefined])
      for (const odd of [';nonce=1', ';nonce', ';nonce=:AAAA:'])
        expect(await status(await by(odd)), odd).toEqual([401, 'invalid_signature'])
      expect(await status(await by(';x-unknown="kept";keyid="t"'))).toEqual([200, undefined])
    },
  )

  test(verifies('NON-05', 'a Nonce header makes no replay fresh'), async () => {
    const wire = await by(';nonce="BBBBBBBBBBBBBBBBBBBBBB"')
    expect(await status(wire)).toEqual([200, undefined])
    expect(await status(plus('Nonce', crypto.randomUUID())(wire))).toEqual(replayed)
  })
})

describe('time', () => {
  const at = (created: number | string, more = '') =>
    signByHand({
      as,
      input: `("@method" "@authority" "@path" "signature-key");created=${created}${more}`,
      target: '/feed',
    })
  const status = async (wire: Wire) => {
    const answer = await send(calendar.port, wire)
    return [answer.status, answer.error]
  }
  const accepted = [200, undefined]
  const refused = [401, 'invalid_signature']

  test(
    verifies('sig.created.required', 'TIM-02', 'TIM-03', 'TIM-06', 'sig.created.window', 'created within 60 seconds'),
    async () => {
      for (const created of [now - 60, now, now + 60])
        expect(await status(await at(created)), String(created)).toEqual(accepted)
      for (const created of [now - 61, now + 61, now - 3600, now + 3600, -1, 0, now * 1000, '99999999999999999'])
        expect(await status(await at(created)), String(created)).toEqual(refused)
    },
  )

  test(verifies('TIM-01', 'TIM-04', 'created is there, and an integer'), async () => {
    const missing = await signByHand({ as, input: '("@method" "@authority" "@path" "signature-key")', target: '/feed' })
    expect(await status(missing)).toEqual(refused)
    for (const created of [`"${now}"`, 'abc', ':MTIz:', `@${now}`, '?1', `${now}.5`])
      expect(await status(await at(created)), created).toEqual(refused)
    expect(await status(await at(now))).toEqual(accepted)
  })

  test(
    verifies('TIM-08', 'TIM-09', 'sig.expires', 'TIM-10', 'expires narrows and never widens; Date says nothing'),
    async () => {
      expect(await status(await at(now, `;expires=${now + 10}`))).toEqual(accepted)
      expect(await status(plus('date', 'Thu, 01 Jan 1970 00:00:00 GMT')(await at(now)))).toEqual(accepted)
      for (const expires of [now - 1, `"${now + 10}"`])
        expect(await status(await at(now, `;expires=${expires}`)), String(expires)).toEqual(refused)
      expect(await status(await at(now - 10, `;expires=${now - 11}`))).toEqual(refused)
      expect(await status(await at(now - 600, `;expires=${now + 3600}`))).toEqual(refused)
    },
  )

  test(
    verifies('TIM-11', 'sig.created.tolerance', 'a tolerance that switches the check off is refused at start'),
    () => {
      for (const tolerance of [0, -1, 86_400, Number.NaN])
        expect(() => world.calendar({ tolerance })).toThrow(RangeError)
      expect(() => world.calendar({ tolerance: 300 })).not.toThrow()
    },
  )
})
