import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import type { Answer } from '@countersign/testing/wire'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { plus } from '../altered.test.fixture.js'
import { askForToken, type Stage, unsigned } from './stage.test.fixture.js'

/** The group RAT: what is counted as whose, and what a refused caller is told to try. */
export function limits(stage: Stage): void {
  describe('limits', () => {
    countsByLevel(stage)
    countsByAddress(stage)
    countsByName(stage)
    countsBySite(stage)
    tellsWhatIsLeft(stage)
    advises(stage)
  })
}

function countsByLevel({ world, site }: Stage): void {
  test(verifies('RAT-03', 'error.rate-limited', 'a limit of each level, and which has more room'), async () => {
    const { passes, refused } = await site()
    const mine = { as: asKey(await generateSigningKey()), target: '/limited' }
    await passes(unsigned('/limited'))
    const over = { status: 429, error: 'rate_limited', reason: 'rate_exceeded' }
    const answer = await refused(unsigned('/limited'), { ...over, challenge: 'httpsig' })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    for (let again = 0; again < 2; again++) await passes(await world.request(mine))
    const again = await refused(await world.request(mine), { ...over, challenge: 'httpsig; identity=?1' })
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(0)
    await passes(await world.request({ as: asAgent(world.agent), target: '/limited' }))
  })

  test(verifies('RAT-01', 'rate.pseudonymous', 'fresh keys are counted together'), async () => {
    const { passes, refused } = await site()
    const fresh = async () => world.request({ as: asKey(await generateSigningKey()), target: '/limited' })
    for (let again = 0; again < 2; again++) await passes(await fresh())
    for (let again = 0; again < 2; again++)
      await refused(await fresh(), { status: 429, error: 'rate_limited', challenge: 'httpsig; identity=?1' })
    await passes(await world.request({ as: asAgent(world.agent), target: '/limited' }))
  })

  test(verifies('RAT-12', 'spellings and methods that lead to one route share its limit'), async () => {
    const { plan, status, passes } = await site()
    await passes(unsigned('/limited'))
    const spellings = [
      '/%6Cimited',
      '/LIMITED',
      '/limited/',
      '/limited?a',
      '//limited',
      '/./limited',
      '/limited;a',
      '/limited',
    ]
    for (const spelling of spellings) expect(await status(unsigned(spelling)), spelling).not.toBe(200)
    for (const method of ['POST', 'HEAD', 'OPTIONS', 'DELETE'])
      expect(await status(unsigned('/limited', { method })), method).toBe(429)
    expect(plan.ran).toBe(1)
  })
}

function countsByAddress({ adapter, site }: Stage): void {
  const from = (...values: string[]) =>
    values.reduce((wire, value) => plus('x-forwarded-for', value)(wire), unsigned('/limited'))
  const over = { status: 429, error: 'rate_limited', challenge: 'httpsig' }

  test(verifies('RAT-02', 'rate.anonymous', 'whatever a caller says of where it is'), async () => {
    const { passes, refused } = await site()
    await passes(unsigned('/limited'))
    const said = ['x-forwarded-for', 'true-client-ip', 'x-real-ip', 'x-client-ip', 'cf-connecting-ip', 'x-forwarded']
    for (const name of said) await refused(plus(name, '198.51.100.7')(unsigned('/limited')), over)
    await refused(plus('forwarded', 'for=198.51.100.7')(unsigned('/limited')), over)
    await refused(from('198.51.100.7', '198.51.100.8, 198.51.100.9'), over)
  })

  // If nothing shows the address of the connection, it is unknown whether it is a proxy's.
  if (adapter.wire && adapter.hidesAddresses !== true)
    test(
      verifies('RAT-02', 'rate.anonymous', 'behind a proxy only the address that the proxy wrote counts, by /64'),
      async () => {
        const { passes, refused } = await site({ trustedProxies: 1 })
        await passes(from('2001:db8::1'))
        await refused(from('2001:db8:0:0:9::2'), over)
        await refused(from('198.51.100.7, 2001:db8::3'), over)
        await refused(from('198.51.100.7', '2001:db8::4'), over)
        await passes(from('2001:db8:0:1::1'))
        await passes(from('2001:db8::5, 198.51.100.7'))
      },
    )
}

/** Pairs of names that would be one, were they glued together. */
function countsByName({ world, site, holder }: Stage): void {
  test(verifies('RAT-08', 'rate.authorized', 'no character in the name of a user makes two callers one'), async () => {
    const { passes, refused } = await site()
    const call = async (claims: object) => world.request({ as: await holder({ ...claims }), target: '/personal' })
    const odd = ['a', 'a:b', 'a","https://agent.example', 'a\\', 'a/b', 'ä', 'x'.repeat(512), 'a:https://agent.example']
    for (const sub of odd) await passes(await call({ sub }))
    for (const sub of odd) await refused(await call({ sub }), { status: 429, error: 'rate_limited', challenge: 'none' })
    await passes(await call({ sub: 'a', agent: world.otherAgent.id }))
    for (const sub of ['a\nb', 'a\u0000b', 'a\u2028b', 'x'.repeat(513)])
      await refused(await call({ sub }), { status: 401, error: 'invalid_auth_token' })
  })

  test(verifies('RAT-08', 'rate.identified', 'nor any in the name of a delegate'), async () => {
    const { passes, refused } = await site()
    const call = async (sub: string, by = world.agent) =>
      world.request({ as: asHolder(world.delegateKey, await world.agentToken({ sub }, by)), target: '/delegates' })
    const odd = ['a', 'a:b', 'a","b', 'null', '["a"]', 'x'.repeat(512)]
    for (const sub of odd) await passes(await call(sub))
    for (const sub of odd) await refused(await call(sub), { status: 429, error: 'rate_limited' })
    await passes(await call('a', world.otherAgent))
    // Glued with a colon, the two would be one; and so would an agent itself and a delegate of that name.
    await passes(await call('8443:a'))
    await passes(await call('a', world.neighbour))
    await passes(await world.request({ as: asAgent(world.agent), target: '/delegates' }))
    for (const sub of ['a\nb', 'a\u0000b', 'x'.repeat(513)])
      await refused(await call(sub), { status: 401, error: 'invalid_agent_token' })
  })
}

function countsBySite({ world, site }: Stage): void {
  test(verifies('RAT-07', 'RAT-04', 'agents under one registrable domain are counted together'), async () => {
    const { passes, refused } = await site()
    // A domain that is new to the world.
    const domain = `x${crypto.randomUUID().slice(0, 8)}`
    const from = async (id: string) => world.request({ as: asAgent(await world.agentAt(id)), target: '/sites' })
    await passes(await from(`https://a1.${domain}.example`))
    for (const id of [
      `https://a2.${domain}.example`,
      `https://a3.deep.${domain}.example:8443`,
      `https://${domain}.example`,
    ])
      await refused(await from(id), { status: 429, error: 'rate_limited', challenge: 'none', what: id })
    await passes(await from(`https://a1.${domain}y.example`))
  })
}

function tellsWhatIsLeft({ world, site, get }: Stage): void {
  test(verifies('RAT-03', 'answers and refusals say how much is left, in place of what a handler set'), async () => {
    const { passes, refused } = await site()
    const told = ({ headers }: Answer) => [headers.get('ratelimit'), headers.get('ratelimit-policy')]
    const left = (count: number) => expect.stringMatching(new RegExp(`^"anonymous";r=${count};t=(3600|35\\d\\d)$`))
    expect(told(await passes(unsigned('/limited')))).toEqual([left(0), '"anonymous";q=1;w=3600'])
    const over = { status: 429, error: 'rate_limited' }
    expect(told(await refused(unsigned('/limited'), over))).toEqual([left(0), '"anonymous";q=1;w=3600'])
    const mine = await world.request({ as: asKey(await generateSigningKey()), target: '/limited' })
    expect(told(await passes(mine))).toEqual([
      expect.stringMatching(/^"network";r=1;t=\d+, "pseudonymous";r=1;t=\d+$/),
      '"network";q=2;w=3600, "pseudonymous";q=2;w=3600',
    ])
    expect(told(await passes(await get('/feed')))).toEqual([undefined, undefined])
  })
}

function advises({ world, site, get, holder }: Stage): void {
  const blocked = { status: 403, error: 'policy_denied', reason: 'caller_denied', challenge: 'none' }
  const over = { status: 429, error: 'rate_limited', reason: 'rate_exceeded', challenge: 'none' }

  test(verifies('RAT-04', 'challenge.none-when-final', 'nothing, where nothing would help'), async () => {
    const { passes, refused } = await site()
    const mine = { as: await holder(), target: '/personal' }
    await passes(await world.request(mine))
    await refused(await world.request(mine), over)
    const others = await site({ agents: [world.otherAgent.id] })
    for (const target of ['/agenda', '/events'])
      await others.refused(await world.request({ as: asAgent(world.agent), target }), blocked)
    await others.passes(await world.request({ as: asAgent(world.otherAgent), target: '/agenda' }))
  })

  test(verifies('RAT-09', 'only a verified caller gets a resource token, and one agent only so many'), async () => {
    const { passes, refused } = await site({ resourceTokenLimit: '2/hour' })
    const from = async (sub: string, by = world.agent) =>
      world.request({ as: asHolder(world.delegateKey, await world.agentToken({ sub }, by)), target: '/events' })
    for (let again = 0; again < 5; again++) {
      await refused(unsigned('/events'), { status: 401, challenge: 'httpsig; identity=?1' })
      await refused(await get('/events'), { status: 401, challenge: 'httpsig; identity=?1' })
    }
    const asked = { status: 401, error: 'insufficient_level', reason: 'level_insufficient', challenge: askForToken }
    for (const sub of ['phone', 'laptop']) await refused(await from(sub), asked)
    for (const sub of ['phone', 'tablet']) await refused(await from(sub), over)
    await refused(await from('phone', world.otherAgent), asked)
    await passes(await world.request({ as: await holder(), target: '/events' }))
  })
}
