import { verifies } from '@countersign/requirements'
import {
  allowedCode,
  askUser,
  browserOf,
  callback,
  consentWorld,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import {
  agentServer,
  delegate,
  granted,
  otherAgent,
  type Signer,
  send,
  type World,
} from '@countersign/testing/auth/world'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import type { Policy } from './policy/policy.js'

const refused = plain(400, 'invalid_grant', 'grant_invalid')

const refreshes = async (made: World, signer: Signer, refresh_token: string): Promise<number> =>
  (await send(made, signer, { request_type: 'refresh', refresh_token })).status

test.each(['code', 'redirect_uri', 'request_token', 'request_type'])(
  verifies('TOK-02', 'token-endpoint.once', '%s twice is refused, and the code stays good'),
  async name => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const form = { request_type: 'code', ...(await allowedCode(made, phone)) }
    const once = new URLSearchParams(form)
    for (const more of ['x', once.get(name) ?? '', '']) {
      const twice = `${once}&${new URLSearchParams([[name, more]])}`
      expect(await refusalOf(await send(made, phone, twice))).toMatchObject(plain(400, 'invalid_request'))
    }
    await granted(await send(made, phone, once.toString()))
  },
)

test(
  verifies(
    'code.mismatch',
    'consent.code',
    'error.invalid-grant',
    'TOK-14',
    'TOK-17',
    'TOK-20',
    'TOK-35',
    'TOK-02',
    'a code is refused for another caller, redirect_uri or request token, and stays good',
  ),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const form = await allowedCode(made, phone)
    const { request_token: another } = await allowedCode(made, phone)
    const attempts: ReadonlyArray<readonly [Signer, Record<string, string>]> = [
      [await delegate(made, 'laptop'), form],
      [agentServer(made), form],
      [await otherAgent(made), form],
      [phone, { ...form, redirect_uri: 'https://app.example/other?app=1' }],
      [phone, { ...form, redirect_uri: `${callback}/` }],
      [phone, { ...form, request_token: another }],
      [phone, { ...form, request_token: form.code }],
      [phone, { ...form, code: form.request_token }],
      [phone, { ...form, code: form.code.slice(0, -1) }],
      [phone, { ...form, code: `${form.code}A` }],
      [phone, { ...form, code: 'A'.repeat(43) }],
    ]
    const bodies = new Set<string>()
    for (const [signer, attempt] of attempts) {
      const response = await redeemCode(made, signer, attempt)
      bodies.add(await response.clone().text())
      expect(await refusalOf(response)).toEqual(refused)
    }
    expect(bodies.size).toBe(1)
    for (const missing of ['code', 'redirect_uri', 'request_token']) {
      expect(await refusalOf(await redeemCode(made, phone, { ...form, [missing]: '' }))).toEqual(
        plain(400, 'invalid_request', 'parameter_missing'),
      )
    }
    await granted(await redeemCode(made, phone, form))
  },
)

test(
  verifies('TOK-41', 'a code of one browser session is worth nothing with the request token of another'),
  async () => {
    const made = await consentWorld()
    const web = agentServer(made)
    const grace = await allowedCode(made, web, { one: await browserOf(made, 'grace') })
    const ada = await allowedCode(made, web, { one: await browserOf(made, 'ada') })
    const injected = { code: grace.code, request_token: ada.request_token, redirect_uri: callback }
    expect(await refusalOf(await redeemCode(made, web, injected))).toEqual(refused)
    await granted(await redeemCode(made, web, ada))
    await granted(await redeemCode(made, web, grace))
  },
)

test(verifies('TOK-14', 'consent.code', 'a code lives 60 seconds'), async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const late = await allowedCode(made, phone)
  made.clock.now += 60
  expect(await refusalOf(await redeemCode(made, phone, late))).toEqual(refused)
  const inTime = await allowedCode(made, phone)
  made.clock.now += 59
  await granted(await redeemCode(made, phone, inTime))
})

test(verifies('code.repeat', 'for 60 seconds the same caller and key get the same answer again'), async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const form = await allowedCode(made, phone)
  const first = await bodyOf(await redeemCode(made, phone, form))
  made.clock.now += 59
  expect(await bodyOf(await redeemCode(made, phone, form))).toEqual(first)
  const otherKey = await delegate(made, 'phone')
  expect(await refusalOf(await redeemCode(made, otherKey, form))).toEqual(refused)
  expect(await refusalOf(await redeemCode(made, phone, { ...form, redirect_uri: `${callback}#` }))).toEqual(refused)
  expect(await refreshes(made, phone, String(first['refresh_token']))).toBe(200)
  expect(made.events.filter(event => event.type === 'granted')).toHaveLength(1)
  expect(made.events.filter(event => event.type === 'repeated')).toHaveLength(1)
})

test(
  verifies('code.reuse', 'TOK-15', 'LOG-03', 'a later use ends the grant, if it is by the same caller'),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const form = await allowedCode(made, phone)
    const { refresh_token } = await granted(await redeemCode(made, phone, form))
    const other = await granted(await redeemCode(made, phone, await allowedCode(made, phone)))
    made.clock.now += 60
    for (const signer of [await delegate(made, 'laptop'), agentServer(made), await otherAgent(made)]) {
      expect(await refusalOf(await redeemCode(made, signer, form))).toEqual(refused)
    }
    expect(await refusalOf(await redeemCode(made, phone, { ...form, redirect_uri: 'x' }))).toEqual(refused)
    expect(await refreshes(made, phone, refresh_token)).toBe(200)
    expect(made.events.filter(event => event.type === 'alarm')).toEqual([])

    expect(await refusalOf(await redeemCode(made, phone, form))).toEqual(refused)
    expect(await refreshes(made, phone, refresh_token)).toBe(400)
    expect(await refreshes(made, phone, other.refresh_token)).toBe(200)
    expect(made.events.filter(event => event.type === 'alarm')).toEqual([
      {
        type: 'alarm',
        reason: 'code-reused',
        agent: 'https://agent.example',
        delegate: 'phone',
        user: expect.stringMatching(/^[\w-]{22}$/),
        resource: 'https://calendar.example',
        scope: ['events.read'],
        grant: expect.any(String),
      },
    ])
  },
)

test(verifies('TOK-16', 'code.repeat', 'of many redemptions at once, with several keys, one is granted'), async () => {
  const made = await consentWorld()
  const keys = await Promise.all(Array.from({ length: 10 }, () => delegate(made, 'phone')))
  const form = await allowedCode(made, keys[0] ?? agentServer(made))
  const responses = await Promise.all(keys.flatMap(key => Array.from({ length: 5 }, () => redeemCode(made, key, form))))
  const bodies = await Promise.all(responses.filter(response => response.status === 200).map(bodyOf))
  expect(bodies).toHaveLength(5)
  expect(new Set(bodies.map(body => body['refresh_token'])).size).toBe(1)
  expect(new Set(responses.map(response => response.status))).toEqual(new Set([200, 400]))
  expect(made.events.filter(event => event.type === 'granted')).toHaveLength(1)
})

test(verifies('revoke.ends', 'a revocation ends the repeat of the code, and the remembered consent'), async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const one = await browserOf(made, 'ada')
  const form = await allowedCode(made, phone, { one })
  const { refresh_token } = await granted(await redeemCode(made, phone, form))
  const shown = async () => (await open(one, linkOf(await requestTokenOf(await askUser(made, phone))))).status
  expect(await shown()).toBe(303)
  expect((await send(made, phone, { token: refresh_token }, { target: '/agent/revoke' })).status).toBe(200)
  expect(await refusalOf(await redeemCode(made, phone, form))).toEqual(refused)
  expect(await refreshes(made, phone, refresh_token)).toBe(400)
  expect(await shown()).toBe(200)
})

test(
  verifies('refresh.re-evaluates', 'TOK-29', 'policy is asked again at redemption and at refresh, with the user'),
  async () => {
    const seen: Array<string | undefined> = []
    let decision: 'consent' | 'deny' = 'consent'
    const policy: Policy = ({ user }) => {
      seen.push(user)
      return decision
    }
    const made = await consentWorld({ policy })
    const phone = await delegate(made, 'phone')
    const form = await allowedCode(made, phone)
    decision = 'deny'
    expect(await refusalOf(await redeemCode(made, phone, form))).toEqual(plain(403, 'access_denied', 'policy_refused'))
    decision = 'consent'
    const { refresh_token } = await granted(await redeemCode(made, phone, form))
    decision = 'deny'
    expect(await refreshes(made, phone, refresh_token)).toBe(403)
    decision = 'consent'
    expect(await refreshes(made, phone, refresh_token)).toBe(200)
    const sub = expect.stringMatching(/^[\w-]{22}$/)
    // When it is asked for; for the page and for the answer to it; twice for the code, twice for the refresh token.
    expect(seen).toEqual([undefined, sub, sub, sub, sub, sub, sub])
  },
)

test('a direct grant is refused a refresh where policy now wants a user', async () => {
  let decision: 'direct' | 'consent' = 'direct'
  const made = await consentWorld({ policy: () => decision })
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await askUser(made, phone))
  decision = 'consent'
  expect(await refreshes(made, phone, refresh_token)).toBe(403)
  decision = 'direct'
  expect(await refreshes(made, phone, refresh_token)).toBe(200)
})
