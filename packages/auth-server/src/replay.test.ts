import { memoryReplaySet, type ReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  agentServer,
  ask,
  delegate,
  newYear,
  post,
  resourceToken,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'

/** A set that says how many requests it was asked to remember. */
function counted(): { replay: ReplaySet; remembered: () => number } {
  let remembered = 0
  const inner = memoryReplaySet({ now: () => newYear })
  const check: ReplaySet['check'] = async entry => {
    remembered++
    return inner.check(entry)
  }
  return { replay: { check }, remembered: () => remembered }
}

const forms: ReadonlyArray<readonly [string, string, number]> = [
  ['a form that is none', 'request_type', 400],
  ['an unknown request_type', 'request_type=backchannel&scope=x', 400],
  ['a parameter twice', 'request_type=auth&request_type=auth&resource_token=TOKEN', 400],
  ['a resource token that is none', 'request_type=auth&resource_token=x', 400],
]

test(
  verifies(
    'DOS-19',
    'sig.replay.after-checks',
    'requests refused for form, tokens or policy do not enter the replay set',
  ),
  async () => {
    const { replay, remembered } = counted()
    const made = await world({ replay, policy: () => 'deny' })
    const phone = await delegate(made, 'phone')
    const token = await resourceToken(made, phone)
    for (const [name, form, status] of forms) {
      const refused = await send(made, phone, form.replace('TOKEN', token))
      expect(refused.status, name).toBe(status)
    }
    expect((await ask(made, phone)).status).toBe(403)
    expect((await send(made, phone, 'token_hint=x', { target: '/agent/revoke' })).status).toBe(400)
    expect(remembered()).toBe(0)
    const twin = await send(made, phone, 'token=unknown', { target: '/agent/revoke' })
    expect([twin.status, remembered()]).toEqual([200, 1])
  },
)

test(verifies('sig.replay.token-endpoints', 'each answered request is refused a second time'), async () => {
  const { replay, remembered } = counted()
  const made = await world({ replay })
  const phone = await delegate(made, 'phone')
  const twice = async (form: Record<string, string>, target = '/agent/token') => {
    const message = await post(made, phone, form, { target })
    const before = remembered()
    const first = await made.auth.handle(message)
    const body: Record<string, unknown> = Object(await first.json())
    const second = await made.auth.handle(message)
    const { error } = Object(await second.json())
    expect([first.status, second.status, error, remembered() - before]).toEqual([200, 401, 'replay_detected', 2])
    return body
  }
  const { refresh_token } = await twice({ request_type: 'auth', resource_token: await resourceToken(made, phone) })
  await twice({ request_type: 'refresh', refresh_token: String(refresh_token) })
  await twice({ token: String(refresh_token) }, '/agent/revoke')
})

test(
  verifies(
    'DOS-17',
    'ten subdomains fill the share of their site at the token endpoint, and other agents are answered',
  ),
  async () => {
    const made: World = await world({ replay: memoryReplaySet({ now: () => newYear, capacity: 100 }) })
    const evil = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const id = `https://a${i}.evil.example`
        const { key } = agentServer(made)
        made.web.set(`${id}/.well-known/aauth-agent`, { issuer: id, agent: id, jwks_uri: `${id}/jwks` })
        made.web.set(`${id}/jwks`, made.web.get('https://agent.example/.well-known/jwks.json'))
        return { key, signatureKey: { scheme: 'jwks_uri', id, kid: 'k1', dwk: 'aauth-agent' } as const }
      }),
    )
    const statuses: number[] = []
    for (let i = 0; i < 40; i++) {
      const signer = evil[i % 10]
      if (signer === undefined) throw new Error('there are ten')
      statuses.push((await send(made, signer, { token: `guess ${i}` }, { target: '/agent/revoke' })).status)
    }
    expect(statuses).toEqual([...Array(10).fill(200), ...Array(30).fill(503)])
    expect((await ask(made, await delegate(made, 'phone'))).status).toBe(200)
  },
)
