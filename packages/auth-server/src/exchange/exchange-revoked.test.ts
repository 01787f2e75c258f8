import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { browserOf } from '@countersign/testing/auth/consent'
import { exchange, rowsIn } from '@countersign/testing/auth/exchange'
import { agreed, callAs, ownWorld } from '@countersign/testing/auth/own-world'
import { claimsOf, redeem } from '@countersign/testing/auth/two-auth-servers'
import { agentServer, send } from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'

const databases = await databasesForTests(5)

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'revoke.ends',
      'EXC-20',
      `on ${name}: a revoked grant and a forgotten consent stop exchanges at once${away}`,
    ),
    async () => {
      const made = await ownWorld({ database: url() })
      const ada = await browserOf(made, 'ada')
      const { token, refresh_token } = await callAs(made, ada)
      const { back, request_token } = await agreed(made, ada, token)
      const store = await openStore<Tables>({ url: made.database, room: 'auth_server', migrations })
      await store.write(tx => tx.deleteFrom('auth_server_consents').where('chain', '!=', '').execute())
      await store.close()
      const asked = await bodyOf(await exchange(made, { upstream: token, scope: 'rooms.book' }))
      expect(asked).toHaveProperty('request_token')
      expect((await exchange(made, { upstream: token })).status).toBe(200)
      const agent = agentServer(made)
      expect((await send(made, agent, { token: refresh_token }, { target: '/agent/revoke' })).status).toBe(200)
      expect(await refusalOf(await exchange(made, { upstream: token }))).toEqual(
        plain(400, 'invalid_auth_token', 'grant_ended'),
      )
      expect(await refusalOf(await redeem(made, back, request_token))).toEqual(
        plain(400, 'invalid_auth_token', 'grant_ended'),
      )
      // A grant of another user or resource does not stand in for it.
      const { token: other } = await callAs(made, await browserOf(made, 'grace'))
      expect((await exchange(made, { upstream: other })).status).toBe(200)
      expect(await refusalOf(await exchange(made, { upstream: token }))).toEqual(
        plain(400, 'invalid_auth_token', 'grant_ended'),
      )
      await made.auth.close()
    },
  )
}

test(
  verifies(
    'revoke.ends',
    'consent.remembered',
    'a user who grants the agent again is asked again about its exchanges, and others are not',
  ),
  async () => {
    const made = await ownWorld()
    const [ada, grace] = [await browserOf(made, 'ada'), await browserOf(made, 'grace')]
    const calls = [await callAs(made, ada), await callAs(made, grace)]
    for (const [n, one] of [ada, grace].entries()) {
      const { back, request_token } = await agreed(made, one, calls[n]?.token ?? '')
      expect((await redeem(made, back, request_token)).status).toBe(200)
    }
    const agent = agentServer(made)
    const token = calls[0]?.refresh_token ?? ''
    expect((await send(made, agent, { token }, { target: '/agent/revoke' })).status).toBe(200)
    const book = async (upstream: string) => bodyOf(await exchange(made, { upstream, scope: 'rooms.book' }))
    expect(await book((await callAs(made, ada)).token)).toHaveProperty('request_token')
    expect(await book(calls[1]?.token ?? '')).toHaveProperty('auth_token')
  },
)

test(verifies('revoke.ends', 'a grant and the exchanges based on it end together or not at all'), async () => {
  const made = await ownWorld()
  const ada = await browserOf(made, 'ada')
  const { token: upstream, refresh_token } = await callAs(made, ada)
  const { back, request_token } = await agreed(made, ada, upstream)
  expect((await redeem(made, back, request_token)).status).toBe(200)
  const store = await openStore<Tables>({ url: made.database, room: 'auth_server', migrations })
  const statement = (sql: string) =>
    store.write(tx => tx.executeQuery({ ...tx.selectFrom('auth_server_grants').select('id').compile(), sql }))
  await statement(`create trigger held before delete on auth_server_consents
    when old.chain <> '' begin select raise(abort, 'held'); end`)
  const agent = agentServer(made)
  const revoke = async () => (await send(made, agent, { token: refresh_token }, { target: '/agent/revoke' })).status
  expect(await revoke()).toBe(500)
  expect(await rowsIn(made.database)).toMatchObject({ grants: 1, consents: 2 })
  // A caller that gets an error repeats its revocation, which would find nothing to end if the grant were gone already.
  await statement('drop trigger held')
  expect(await revoke()).toBe(200)
  expect(await rowsIn(made.database)).toMatchObject({ grants: 0, consents: 0 })
  await store.close()
})

test(
  verifies('code.reuse', 'revoke.ends', 'exchanges based on a grant end with it when its code was stolen'),
  async () => {
    const made = await ownWorld()
    const ada = await browserOf(made, 'ada')
    const { token, form } = await callAs(made, ada)
    const { back, request_token } = await agreed(made, ada, token)
    expect((await redeem(made, back, request_token)).status).toBe(200)
    const book = async (upstream: string) => bodyOf(await exchange(made, { upstream, scope: 'rooms.book' }))
    expect(await book((await callAs(made, ada)).token)).toHaveProperty('auth_token')
    made.clock.now += 61
    const agent = agentServer(made)
    expect(await refusalOf(await send(made, agent, form))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'alarm', reason: 'code-reused' }))
    expect(await book((await callAs(made, ada)).token)).toHaveProperty('request_token')
  },
)

test.each([
  { which: 'of another action', txns: ['journey-1', 'journey-2'] },
  // A step-up keeps the audit id, and one resource token may be asked about twice.
  { which: 'of the same action', txns: ['journey-1', 'journey-1'] },
  { which: 'of actions without a name', txns: [undefined, undefined] },
])(
  verifies('revoke.ends', 'another grant of the same user, agent and resource, $which, does not revive a revoked one'),
  async ({ txns }) => {
    const made = await ownWorld()
    const ada = await browserOf(made, 'ada')
    const [one, twin] = [await callAs(made, ada, { txn: txns[0] }), await callAs(made, ada, { txn: txns[1] })]
    const agent = agentServer(made)
    const refreshed = await bodyOf(
      await send(made, agent, { request_type: 'refresh', refresh_token: one.refresh_token }),
    )
    const ofOne = [one.token, String(refreshed['auth_token'])]
    for (const upstream of ofOne) expect((await exchange(made, { upstream })).status).toBe(200)
    expect((await send(made, agent, { token: one.refresh_token }, { target: '/agent/revoke' })).status).toBe(200)
    for (const upstream of ofOne)
      expect(await refusalOf(await exchange(made, { upstream }))).toEqual(
        plain(400, 'invalid_auth_token', 'grant_ended'),
      )
    expect((await exchange(made, { upstream: twin.token })).status).toBe(200)
  },
)

test(verifies('token.txn', 'an exchange after a refresh keeps the audit id'), async () => {
  const made = await ownWorld()
  const ada = await browserOf(made, 'ada')
  const { token, refresh_token } = await callAs(made, ada)
  const { txn } = claimsOf({ auth_token: token })
  expect(txn).toEqual(expect.any(String))
  const agent = agentServer(made)
  const { auth_token } = await bodyOf(await send(made, agent, { request_type: 'refresh', refresh_token }))
  const answer = await bodyOf(await exchange(made, { upstream: String(auth_token) }))
  expect(claimsOf(answer)).toMatchObject({ txn })
  expect(made.events.slice(-2)).toMatchObject([
    { type: 'refreshed', txn },
    { type: 'granted', by: 'exchange', txn },
  ])
})

test(
  verifies(
    'revocation.claim.one',
    'REV-23',
    'all tokens of one grant name it alike, and an exchange is a grant of its own',
  ),
  async () => {
    const made = await ownWorld()
    const ada = await browserOf(made, 'ada')
    const { token, refresh_token } = await callAs(made, ada)
    const agent = agentServer(made)
    const { auth_token: refreshed } = await bodyOf(await send(made, agent, { request_type: 'refresh', refresh_token }))
    const exchanged = async () => (await bodyOf(await exchange(made, { upstream: token })))['auth_token']
    const tokens = [token, refreshed, await exchanged(), await exchanged()].map(each => claimsOf({ auth_token: each }))
    const [first, second, third, fourth] = tokens.map(({ grant }) => String(grant))
    expect(first).toMatch(/^[A-Za-z0-9_-]{36}$/)
    expect([second, fourth]).toEqual([first, third])
    expect(third).not.toBe(first)
    const jtis = tokens.map(({ jti }) => String(jti))
    expect(new Set(jtis).size).toBe(4)
    for (const jti of jtis) expect(jti).not.toContain(first)
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'granted', by: 'code', grant: first }))
  },
)
