import { verifies } from '@countersign/requirements'
import {
  agentServer,
  ask,
  delegate,
  granted,
  otherAgent,
  type Signer,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

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

test(verifies('REV-28', 'whose token it was, and which resources are told, is not in the answer'), async () => {
  const told: string[] = []
  const made = await world({
    fetch: async () => {
      told.push('calendar')
      return new Response(null, { status: 204 })
    },
  })
  publishResource(made, 'https://calendar.example', [made.resourceKey], {
    revocation_endpoint: 'https://calendar.example/revoked',
  })
  const [phone, laptop] = [await delegate(made, 'phone'), await delegate(made, 'laptop')]
  const seen: unknown[] = []
  const times: Record<string, number[]> = { own: [], unknown: [], others: [] }
  for (let round = 0; round < 30; round++) {
    const [own, others] = [await granted(await ask(made, phone)), await granted(await ask(made, laptop))]
    for (const [what, token] of Object.entries({
      own: own.refresh_token,
      unknown: 'A'.repeat(43),
      others: others.refresh_token,
    })) {
      const began = performance.now()
      const answer = await revoke(made, phone, { token })
      times[what]?.push(performance.now() - began)
      const { 'content-length': _, ...headers } = Object.fromEntries(answer.headers)
      seen.push([answer.status, headers, await answer.text()])
    }
    made.clock.now += 1
  }
  for (const each of seen) expect(each).toEqual(seen[0])
  await expect.poll(() => told.length, { timeout: 5000 }).toBeGreaterThan(0)
  // It does not wait for a resource: a write alone is between an own token and another.
  const median = (all: readonly number[] = []): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0
  expect(Math.abs(median(times['own']) - median(times['others']))).toBeLessThan(50)
  await made.auth.close()
})

test(verifies('token-endpoint.once', 'a revocation without a token, or with two, is refused'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await ask(made, phone))
  expect(await refusalOf(await revoke(made, phone, { token: '' }))).toEqual(
    plain(400, 'invalid_request', 'parameter_missing'),
  )
  const twice = await send(made, phone, `token=${refresh_token}&token=${refresh_token}`, { target: '/agent/revoke' })
  expect(await refusalOf(twice)).toMatchObject(plain(400, 'invalid_request'))
  const inUrl = await send(made, phone, {}, { target: `/agent/revoke?token=${refresh_token}` })
  expect(await refusalOf(inUrl)).toEqual(plain(400, 'invalid_request', 'parameters_in_url'))
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
