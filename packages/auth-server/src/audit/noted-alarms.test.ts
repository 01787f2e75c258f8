import { expect, test } from 'vitest'
import type { AuthServerEvent } from '../event/event.js'
import { noteAlarms } from './noted-alarms.js'

const refused = (n: number): AuthServerEvent => ({
  type: 'admin_refused',
  code: 'access_denied',
  reason: 'signed_out',
  status: 401,
  peer: `192.0.2.${n % 250}`,
})

test('the last 50 alarms are kept, and refusals that strangers cause push none of them out', () => {
  let now = 0
  const passed: AuthServerEvent[] = []
  const alarms = noteAlarms(
    event => passed.push(event),
    () => ++now,
  )
  for (let n = 0; n < 60; n++) alarms.onEvent({ type: 'alarm', reason: 'epoch-lost' })
  for (let n = 0; n < 1000; n++) alarms.onEvent(refused(n))
  const listed = alarms.list()
  expect(passed).toHaveLength(1060)
  expect(listed.filter(({ reason }) => reason === 'epoch-lost').map(({ at }) => at)).toEqual(
    Array.from({ length: 50 }, (_, n) => 60 - n),
  )
  expect(listed.filter(({ reason }) => reason === 'admin-signed_out')).toHaveLength(10)
  expect(listed[0]).toEqual({ at: 1060, reason: 'admin-signed_out', peer: '192.0.2.249' })
})
