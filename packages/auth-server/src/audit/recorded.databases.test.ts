import type { PlacedEvent } from '@countersign/audit'
import { operatorOf } from '@countersign/console'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  ask,
  delegate,
  granted,
  otherAgent,
  resourceToken,
  send,
  type WorldOptions,
  world,
} from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { sqliteFiles } from '@countersign/testing/folders'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createAuthServer } from '../auth-server.js'

const databases = await databasesForTests(8)
const newFile = sqliteFiles()
const [agent, resource] = ['https://agent.example', 'https://calendar.example']
const scope = ['events.read']

/** A world whose server keeps a log, and what reads it. */
async function audited(options: WorldOptions = {}) {
  const key = await generateSigningKey()
  const made = await world({ audit: { key }, database: newFile(), ...options })
  const operator = operatorOf(await made.reopen())
  const read = async (count: number): Promise<PlacedEvent[]> => {
    const events = async () => (await operator.audit.list({ limit: 1000 })).events.filter(({ type }) => !own.has(type))
    // They get their places within a second.
    await vi.waitFor(async () => expect((await events()).length).toBeGreaterThanOrEqual(count), { timeout: 20_000 })
    return [...(await events())].reverse()
  }
  return { made, operator, read }
}

/** Events of the server itself. */
const own = new Set(['started', 'notice'])

/** The members of an event but its name, place and time. */
const factsOf = ({ id: _, index: _i, time: _t, v: _v, ...facts }: PlacedEvent): object => facts

describe.each(databases)('in $name $away', ({ away, url }) => {
  test.skipIf(away)(
    verifies('LOG-03', 'a grant, its refresh, its end and a denial are one event each, with all who took part'),
    async () => {
      const { made, read } = await audited({ database: url() })
      const phone = await delegate(made, 'phone')
      const resource_token = await resourceToken(made, phone, { claims: { txn: 'journey-1' } })
      const { refresh_token } = await granted(await send(made, phone, { request_type: 'auth', resource_token }))
      await send(made, phone, { request_type: 'refresh', refresh_token })
      await send(made, phone, { token: refresh_token }, { target: '/agent/revoke' })
      expect((await send(made, phone, { request_type: 'refresh', refresh_token })).status).toBe(400)
      expect((await ask(made, await otherAgent(made))).status).toBe(403)
      const events = await read(5)
      const about = { agent, delegate: 'phone', resource, txn: 'journey-1', grant: expect.any(String) }
      const jti = expect.any(String)
      expect(events.map(factsOf)).toEqual([
        { type: 'granted', ...about, detail: { by: 'policy', scope, jti } },
        { type: 'refreshed', ...about, detail: { scope, jti } },
        { type: 'revoked', ...about, detail: { scope, found: true } },
        {
          type: 'refused',
          agent,
          delegate: 'phone',
          detail: { code: 'invalid_grant', reason: 'grant_invalid', status: 400 },
        },
        {
          type: 'refused',
          agent: 'https://other.example',
          resource,
          detail: { code: 'access_denied', reason: 'policy_refused', status: 403, scope },
        },
      ])
    },
  )
})

test(
  verifies('LOG-05', 'a caller who is refused without end gets a share of the log, and grants are still recorded'),
  async () => {
    const { made, operator, read } = await audited()
    const other = await otherAgent(made)
    for (let n = 0; n < 100; n++)
      expect((await send(made, other, { request_type: 'refresh', refresh_token: `t${n}` })).status).toBe(400)
    await granted(await ask(made, await delegate(made, 'phone')))
    const events = await read(61)
    expect(events.filter(({ type }) => type === 'refused')).toHaveLength(60)
    expect(events.filter(({ type }) => type === 'granted')).toHaveLength(1)
    // What was too much is one event, at the latest when the server closes.
    made.clock.now += 601
    await send(made, other, { request_type: 'refresh', refresh_token: 'later' })
    await made.auth.close()
    await vi.waitFor(
      async () => expect((await operator.audit.list({ type: 'refusals_counted' })).events).toHaveLength(1),
      { timeout: 20_000 },
    )
    const [counted] = (await operator.audit.list({ type: 'refusals_counted' })).events
    expect(counted).toMatchObject({ agent: 'https://other.example', detail: { refusals: 40 } })
  },
)

test(verifies('LOG-04', 'a caller who is not verified never makes the log grow'), async () => {
  const { made, operator, read } = await audited()
  const thief = { ...(await delegate(made, 'phone')), key: await generateSigningKey() }
  expect((await ask(made, thief)).status).toBe(401)
  const response = await made.auth.handle({ method: 'POST', target: '/agent/token', headers: [], peer: '192.0.2.7' })
  expect(response.status).toBe(401)
  // The accepted twin is recorded.
  await granted(await ask(made, await delegate(made, 'phone')))
  expect((await read(1)).map(({ type }) => type)).toEqual(['granted'])
  expect((await operator.audit.list({ type: 'refused' })).events).toEqual([])
})

test('a database that has a log does not open without the option, unless that says so', async () => {
  const key = await generateSigningKey()
  const keys = [{ kid: 'a1', key: await generateSigningKey() }]
  const options = { issuer: 'https://auth.example', keys, database: newFile() }
  await (await createAuthServer({ ...options, audit: { key } })).close()
  await expect(createAuthServer(options)).rejects.toThrow('the database has an audit log')
  await (await createAuthServer({ ...options, audit: 'off' })).close()
  const other = await createAuthServer({ ...options, audit: { key } })
  onTestFinished(() => other.close())
  expect((await operatorOf(other).audit.list({ type: 'started' })).events).toHaveLength(1)
})
