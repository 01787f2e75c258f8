import { createDiscovery } from '@countersign/discovery'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { auth, home } from '../participants.test.fixture.js'
import { callback, worldOfUsers } from '../users.test.fixture.js'
import { type BrowserSignInOptions, browserSignIn } from './browser-sign-in.js'

/** What begins a sign-in that fails in a way of its own. */
async function begun(change: (own: Awaited<ReturnType<typeof worldOfUsers>>['own']) => Partial<BrowserSignInOptions>) {
  const { own } = await worldOfUsers()
  const { network, clock } = own
  const signIn = browserSignIn({
    id: home,
    key: { kid: 'k1', key: own.agentKey },
    redirectUri: callback,
    discovery: createDiscovery({ fetcher: network.fetcher, now: clock.now }),
    fetch: network.fetch,
    now: clock.now,
    development: false,
    ...change(own),
  })
  return signIn.begin(auth).then(
    ({ url }) => new URL(url).origin,
    (error: unknown) => error,
  )
}

test(verifies('error.server-error', 'a key that cannot be had is a fault of this server, and no refusal'), async () => {
  expect(await begun(() => ({}))).toBe(auth)
  const fault = await begun(() => ({ key: () => Promise.reject(new Error('the key store is away')) }))
  expect(fault).toMatchObject({ code: 'server_error', reason: 'internal_error' })
})

test(verifies('error.unavailable', 'an auth server that cannot be reached is asked again later'), async () => {
  const away = await begun(() => ({ fetch: () => Promise.reject(new TypeError('fetch failed')) }))
  expect(away).toMatchObject({ code: 'temporarily_unavailable', reason: 'dependency_unavailable' })
})
