import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkpointSigner, verifyAudit, verifyProof } from '@countersign/audit'
import { openOperator } from '@countersign/console'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { allowedCode, browserOf, consentWorld, redeemCode } from '@countersign/testing/auth/consent'
import { exchange, exchangeWorld } from '@countersign/testing/auth/exchange'
import { formAt, passkeyWorld } from '@countersign/testing/auth/passkey-world'
import { ask, delegate, granted, resourceToken, send, world } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { folderOfTest, sqliteFiles } from '@countersign/testing/folders'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { room, type Tables } from '../tables/tables.js'

const newFile = sqliteFiles()
const issuer = 'https://auth.example'

/** What the log of a closed server holds, the oldest first. */
async function logOf(database: string) {
  const operator = await openOperator({ issuer, database })
  const { events } = await operator.audit.list({ limit: 1000 })
  await operator.close()
  return [...events].reverse()
}

test(verifies('LOG-03', 'LOG-02', 'each decision about codes is one event, and none holds a secret'), async () => {
  const database = newFile()
  const made = await consentWorld({ deviceFlow: 'any', database, audit: { key: await generateSigningKey() } })
  const phone = await delegate(made, 'phone')
  const one = await browserOf(made, 'ada')
  const form = await allowedCode(made, phone, { one })
  const tokens = await bodyOf(await redeemCode(made, phone, form))
  await redeemCode(made, phone, form)
  const resource_token = await resourceToken(made, phone)
  const device = await bodyOf(await send(made, phone, { request_type: 'device_auth', resource_token }))
  const device_code = String(device['device_code'])
  // Waits: no decision yet.
  await send(made, phone, { request_type: 'device_code', device_code })
  const typed = { csrf: await one.csrf('/device'), user_code: String(device['user_code']) }
  const page = await one.post('/device', typed)
  await one.post('/device', { ...hiddenFields(await page.text()), decision: 'deny' })
  // Hears of the user's no, which is recorded already.
  await send(made, phone, { request_type: 'device_code', device_code })
  made.clock.now += 61
  await redeemCode(made, phone, form)
  await one.post('/logout', { csrf: await one.csrf('/logout') })
  await made.auth.close()
  const events = await logOf(database)
  // Notices are delivered when they are.
  expect(events.map(({ type }) => type).filter(type => type !== 'notice')).toEqual([
    'started',
    'signed_in',
    'consented',
    'granted',
    'repeated',
    'declined',
    'alarm',
    'refused',
    'signed_out',
  ])
  const text = JSON.stringify(events)
  for (const secret of [form.code, form.request_token, device_code, ...Object.values(tokens), ...one.cookies.values()])
    if (typeof secret === 'string' && secret.length > 7) expect(text).not.toContain(secret)
})

test(verifies('LOG-03', 'an exchange, and one that no rule allows, are one event each'), async () => {
  const database = newFile()
  const made = await exchangeWorld({ database, audit: { key: await generateSigningKey() } })
  expect((await exchange(made)).status).toBe(200)
  expect((await exchange(made, { scope: 'rooms.paint' })).status).toBe(403)
  await made.auth.close()
  const [, first, second] = await logOf(database)
  const middle = { agent: 'https://calendar.example', resource: 'https://rooms.example' }
  const from = { issuer: 'https://one.example', chain: [{ agent: 'https://agent.example' }] }
  expect(first).toMatchObject({
    type: 'granted',
    ...middle,
    detail: { by: 'exchange', decision: 'rule', exchange: from },
  })
  expect(first?.detail?.['jti']).toMatch(/^[0-9a-f-]{36}$/)
  expect(second).toMatchObject({
    type: 'refused',
    ...middle,
    detail: { reason: 'exchange_not_allowed', exchange: from },
  })
})

test(
  verifies(
    'account.deleted',
    'LOG-10',
    'an account that is deleted leaves nothing personal in the log, and all proofs stand',
  ),
  async () => {
    const database = newFile()
    const key = await generateSigningKey()
    const at = await passkeyWorld({ database, audit: { key } })
    const [ada, bob] = [await at.account('Ada'), await at.account('Bob')]
    const { action, options, fields } = await formAt(ada.one, '/account/verify?return_to=/account')
    await ada.one.post(action, { ...fields, credential: ada.passkey.signed(options) })
    const csrf = await ada.one.csrf('/account/data')
    expect((await ada.one.post('/account/delete', { csrf, sure: '1' })).status).toBe(200)
    await at.made.auth.close()
    const operator = await openOperator({ issuer, database })
    const { events } = await operator.audit.list()
    expect(events.map(({ type }) => type).reverse()).toEqual([
      'started',
      'invited',
      'account_created',
      'invited',
      'account_created',
      'account_deleted',
    ])
    expect((await operator.audit.list({ user: ada.sub })).events).toEqual([])
    expect((await operator.audit.list({ user: bob.sub })).events).toHaveLength(1)
    const folder = join(folderOfTest(), 'export')
    await operator.audit.export(folder, { personal: 'with' })
    const { publicKey } = checkpointSigner({ origin: 'auth.example', key })
    expect(await verifyAudit({ folder, publicKeys: [publicKey] })).toMatchObject({ ok: true, events: 6 })
    const text = readFileSync(join(folder, 'events.jsonl'), 'utf8')
    expect([text.includes(ada.sub), text.includes(bob.sub), text.includes('Ada')]).toEqual([false, true, false])
    const deleted = events.find(({ type }) => type === 'account_deleted')
    const proof = JSON.stringify(await operator.audit.prove(deleted?.id ?? ''))
    expect(verifyProof({ proof, publicKey }).event.type).toBe('account_deleted')
    expect(readdirSync(folder).length).toBeGreaterThan(2)
    await operator.close()
  },
)

test(
  verifies('F-15', 'LOG-03', 'what cannot be recorded does not happen, and a denial is answered as a fault'),
  async () => {
    const database = newFile()
    const made = await world({ database, audit: { key: await generateSigningKey() } })
    const phone = await delegate(made, 'phone')
    const { refresh_token } = await granted(await ask(made, phone))
    const other = await openStore<Tables>({ url: database, room: 'audit_test', migrations: [] })
    const grants = async (): Promise<object[]> => other.db.selectFrom('auth_server_grants').selectAll().execute()
    const before = await grants()
    const rename = (from: string, to: string) => other.write(tx => tx.schema.alterTable(from).renameTo(to).execute())
    const waiting = `${room}_audit_waiting`
    made.clock.now += 1
    await rename(waiting, 'away')
    made.events.length = 0
    const statuses = [
      await ask(made, phone),
      await send(made, phone, { request_type: 'refresh', refresh_token }),
      await send(made, phone, { token: refresh_token }, { target: '/agent/revoke' }),
      await send(made, phone, { request_type: 'refresh', refresh_token: 'unknown' }),
    ].map(({ status }) => status)
    expect(statuses).toEqual([500, 500, 500, 500])
    expect(await grants()).toEqual(before)
    expect(made.events.filter(({ type }) => type !== 'alarm').map(({ type }) => type)).toEqual([
      'refused',
      'refused',
      'refused',
      'refused',
      'refused',
    ])
    await rename('away', waiting)
    // The accepted twins.
    expect((await send(made, phone, { request_type: 'refresh', refresh_token })).status).toBe(200)
    expect(await refusalOf(await send(made, phone, { request_type: 'refresh', refresh_token: 'unknown' }))).toEqual(
      plain(400, 'invalid_grant', 'grant_invalid'),
    )
    await other.close()
    await made.auth.close()
    expect((await logOf(database)).map(({ type }) => type)).toEqual(['started', 'granted', 'refreshed', 'refused'])
  },
)
