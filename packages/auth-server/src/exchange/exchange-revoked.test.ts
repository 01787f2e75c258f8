import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { afterAll, expect, test } from 'vitest'
import { postgresForTests } from '../../../store/src/postgres.test.fixture.js'
import { browserOf } from '../consent/consent.test.fixture.js'
import { migrations, type Tables } from '../tables.js'
import { bodyOf, plain, refusalOf, send } from '../world.test.fixture.js'
import { exchange, rowsIn, signerOf } from './exchange.test.fixture.js'
import { agreed, callAs, ownWorld } from './own-world.test.fixture.js'
import { sqlite } from './refused-exchange.test.fixture.js'
import { claimsOf, redeem } from './two-auth-servers.test.fixture.js'

const postgres = await postgresForTests(5)
afterAll(() => postgres.drop())
const databases = [
  { name: 'SQLite', away: '', url: sqlite },
  { name: 'PostgreSQL', away: postgres.away, url: () => postgres.newUrl() },
]

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
      const agent = signerOf('https://agent.example', made.agentKey)
      expect((await send(made, agent, { token: refresh_token }, { target: '/agent/revoke' })).status).toBe(200)
      expect(await refusalOf(await exchange(made, { upstream: token }))).toEqual(plain(400, 'invalid_auth_token'))
      expect(await refusalOf(await redeem(made, back, request_token))).toEqual(plain(400, 'invalid_auth_token'))
      // A grant of another user or resource does not stand in for it.
      const { token: other } = await callAs(made, await browserOf(made, 'grace'))
      expect((await exchange(made, { upstream: other })).status).toBe(200)
      expect(await refusalOf(await exchange(made, { upstream: token }))).toEqual(plain(400, 'invalid_auth_token'))
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
    const agent = signerOf('https://agent.example', made.agentKey)
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
  const agent = signerOf('https://agent.example', made.agentKey)
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
    const agent = signerOf('https://agent.example', made.agentKey)
    expect(await refusalOf(await send(made, agent, form))).toEqual(plain(400, 'invalid_grant'))
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
    const agent = signerOf('https://agent.example', made.agentKey)
    const refreshed = await bodyOf(
      await send(made, agent, { request_type: 'refresh', refresh_token: one.refresh_token }),
    )
    const ofOne = [one.token, String(refreshed['auth_token'])]
    for (const upstream of ofOne) expect((await exchange(made, { upstream })).status).toBe(200)
    expect((await send(made, agent, { token: one.refresh_token }, { target: '/agent/revoke' })).status).toBe(200)
    for (const upstream of ofOne)
      expect(await refusalOf(await exchange(made, { upstream }))).toEqual(plain(400, 'invalid_auth_token'))
    expect((await exchange(made, { upstream: twin.token })).status).toBe(200)
  },
)

test(verifies('token.txn', 'an exchange after a refresh keeps the audit id'), async () => {
  const made = await ownWorld()
  const ada = await browserOf(made, 'ada')
  const { token, refresh_token } = await callAs(made, ada)
  const { txn } = claimsOf({ auth_token: token })
  expect(txn).toEqual(expect.any(String))
  const agent = signerOf('https://agent.example', made.agentKey)
  const { auth_token } = await bodyOf(await send(made, agent, { request_type: 'refresh', refresh_token }))
  const answer = await bodyOf(await exchange(made, { upstream: String(auth_token) }))
  expect(claimsOf(answer)).toMatchObject({ txn })
  expect(made.events.slice(-2)).toMatchObject([
    { type: 'refreshed', txn },
    { type: 'granted', by: 'exchange', txn },
  ])
})

test(verifies('revoke.ends', 'a token exchanged at its own issuer still names its grant'), async () => {
  const made = await ownWorld()
  const ada = await browserOf(made, 'ada')
  const { token, refresh_token } = await callAs(made, ada)
  const agent = signerOf('https://agent.example', made.agentKey)
  const { auth_token } = await bodyOf(await send(made, agent, { request_type: 'refresh', refresh_token }))
  const [first = '', ...others] = [
    token,
    auth_token,
    (await bodyOf(await exchange(made, { upstream: token })))['auth_token'],
  ].map(each => String(claimsOf({ auth_token: each })['jti']))
  const [grant = '', rest] = first.split('.')
  expect([grant.length, rest?.length]).toEqual([36, 36])
  for (const jti of others) expect(jti.startsWith(`${grant}.`)).toBe(true)
  expect(new Set([first, ...others]).size).toBe(3)
  expect(made.events).toContainEqual(expect.objectContaining({ type: 'granted', by: 'code', grant, jti: first }))
})
