import { createDiscovery } from '@countersign/discovery'
import { expect, test } from 'vitest'
import { auth, home } from '../participants.test.fixture.js'
import { callback, worldOfUsers } from '../users.test.fixture.js'
import { browserSignIn } from './browser-sign-in.js'

test('a deadline out of range is refused; one in range is kept', async () => {
  const { own } = await worldOfUsers()
  const { network, clock } = own
  const signIn = (deadline: number) =>
    browserSignIn({
      id: home,
      key: { kid: 'k1', key: own.agentKey },
      redirectUri: callback,
      deadline,
      discovery: createDiscovery({ fetcher: network.fetcher, now: clock.now }),
      fetch: network.fetch,
      now: clock.now,
      development: false,
    })
  for (const deadline of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2_147_484, 600.1])
    expect(() => signIn(deadline), String(deadline)).toThrow(RangeError)
  expect(new URL((await signIn(600).begin(auth)).url).origin).toBe(auth)
})
