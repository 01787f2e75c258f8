import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import {
  agentServer,
  ask,
  delegate,
  granted,
  otherAgent,
  plain,
  refusalOf,
  type Signer,
  send,
  type World,
  world,
} from '../world.test.fixture.js'

const revoke = (made: World, signer: Signer, form: Record<string, string>) =>
  send(made, signer, form, { target: '/agent/revoke' })

const refreshStatus = async (made: World, signer: Signer, refresh_token: string) =>
  (await send(made, signer, { request_type: 'refresh', refresh_token })).status

test(verifies('revoke.ends', 'TOK-29', 'a revocation ends the owner’s grant, and no other'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const [ended, kept] = [await granted(await ask(made, phone)), await granted(await ask(made, phone))]
  const response = await revoke(made, phone, { token: ended.refresh_token })
  expect(response.status).toBe(200)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await response.json()).toEqual({})
  expect(await refreshStatus(made, phone, ended.refresh_token)).toBe(400)
  expect(await refreshStatus(made, phone, kept.refresh_token)).toBe(200)
})

test(verifies('revoke.silent', 'a revocation by another caller gets the same 200, and changes nothing'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await ask(made, phone))
  const others = [await delegate(made, 'laptop'), agentServer(made), await otherAgent(made)]
  for (const signer of others) {
    const response = await revoke(made, signer, { token: refresh_token })
    expect([response.status, await response.json()]).toEqual([200, {}])
  }
  for (const token of ['A'.repeat(43), 'x', refresh_token.slice(1)]) {
    expect((await revoke(made, phone, { token })).status).toBe(200)
  }
  expect(await refreshStatus(made, phone, refresh_token)).toBe(200)
  expect(made.events.filter(event => event.type === 'revoked')).toEqual([
    { type: 'revoked', agent: 'https://agent.example', delegate: 'laptop', found: false },
    { type: 'revoked', agent: 'https://agent.example', found: false },
    { type: 'revoked', agent: 'https://other.example', found: false },
    { type: 'revoked', agent: 'https://agent.example', delegate: 'phone', found: false },
    { type: 'revoked', agent: 'https://agent.example', delegate: 'phone', found: false },
    { type: 'revoked', agent: 'https://agent.example', delegate: 'phone', found: false },
  ])
  await revoke(made, phone, { token: refresh_token })
  expect(made.events.at(-1)).toMatchObject({ type: 'revoked', found: true })
})

test(verifies('token-endpoint.once', 'a revocation without a token, or with two, is refused'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await ask(made, phone))
  expect(await refusalOf(await revoke(made, phone, { token: '' }))).toEqual(plain(400, 'invalid_request'))
  const twice = await send(made, phone, `token=${refresh_token}&token=${refresh_token}`, { target: '/agent/revoke' })
  expect(await refusalOf(twice)).toEqual(plain(400, 'invalid_request'))
  const inUrl = await send(made, phone, {}, { target: `/agent/revoke?token=${refresh_token}` })
  expect(await refusalOf(inUrl)).toEqual(plain(400, 'invalid_request'))
  expect(await refreshStatus(made, phone, refresh_token)).toBe(200)
})

test(
  verifies('revoke.ends', 'of refreshes and a revocation at once, none is answered after the grant ended'),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const { refresh_token } = await granted(await ask(made, phone))
    const order: string[] = []
    const refreshes = Array.from({ length: 20 }, async () =>
      order.push(`refresh ${await refreshStatus(made, phone, refresh_token)}`),
    )
    const revocation = revoke(made, phone, { token: refresh_token }).then(() => order.push('revoked'))
    await Promise.all([...refreshes, revocation])
    expect(order.every(step => ['revoked', 'refresh 200', 'refresh 400'].includes(step))).toBe(true)
    const later = await Promise.all(Array.from({ length: 5 }, () => refreshStatus(made, phone, refresh_token)))
    expect(later).toEqual([400, 400, 400, 400, 400])
  },
)
