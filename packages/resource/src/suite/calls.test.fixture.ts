import { generateSigningKey, memoryReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import type { Wire } from '@countersign/testing/wire'
import { asHolder } from '@countersign/testing/world/signer'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { describe, expect, test } from 'vitest'
import { memoryCounter } from '../index.js'
import { type ConditionCase, delegate, denied } from './conditions.test.fixture.js'
import type { Expected, Stage, Visited } from './stage.test.fixture.js'

// Conditions of type `calls`. One table: each row runs behind every adapter.

const usedUp: Expected = { status: 429, error: 'rate_limited', reason: 'calls_used_up', challenge: 'none' }
const unprocessed: Expected = { status: 503, error: 'temporarily_unavailable', challenge: 'httpsig' }

const of = (max: number, per = 'minute') => ({ type: 'calls', max, per })

interface Call {
  readonly constraints?: unknown
  readonly claims?: Record<string, unknown>
  readonly target?: string
}

async function call({ world, holder }: Stage, { constraints = [of(3)], claims = {}, target = '/events' }: Call = {}) {
  return world.request({ as: await holder({ constraints, ...claims }), target })
}

/** A site at the begin of a minute, an hour and a day of Unix time, later than all before. */
async function atBegin(stage: Stage, run: (site: Visited) => Promise<void>) {
  const { clock } = stage.world
  const before = clock.now
  clock.now = (Math.floor(before / 86_400) + 1) * 86_400
  try {
    await run(await stage.site())
  } finally {
    clock.now = before
  }
}

async function passMany(site: Visited, count: number, request: () => Promise<Wire>): Promise<void> {
  for (let one = 0; one < count; one++) await site.passes(await request())
}

const windows: readonly ConditionCase[] = [
  {
    ids: ['DEL-32', 'policy.calls'],
    type: 'calls',
    title: 'the call after the last is refused until the window of Unix time ends',
    run: stage =>
      atBegin(stage, async site => {
        const { clock } = stage.world
        clock.now += 20
        await passMany(site, 3, () => call(stage))
        clock.now += 12
        const answer = await site.refused(await call(stage), usedUp)
        expect(answer.headers.get('retry-after')).toBe('28')
        clock.now += 28
        await site.passes(await call(stage))
      }),
  },
  {
    ids: ['DEL-33'],
    type: 'calls',
    title: 'no new token, grant, scope, key or spelling begins a new count',
    run: stage =>
      atBegin(stage, async site => {
        const { world } = stage
        await passMany(site, 3, () => call(stage, { claims: { grant: 'g1' } }))
        const again: readonly Call[] = [
          {},
          { claims: { grant: 'g2' } },
          { claims: { scope: 'events.read events.write' } },
          { target: '/edit', claims: { scope: 'events.write' } },
          { constraints: [of(4), of(3)] },
          { constraints: [{ per: 'minute', type: 'calls', max: 3.0 }] },
        ]
        for (const one of again) await site.refused(await call(stage, one), usedUp)
        const key = await generateSigningKey('ES256')
        const token = await world.authToken({ sub: 'alice', constraints: [of(3)], cnf: { jwk: key.publicJwk } })
        await site.refused(await world.request({ as: asHolder(key, token), target: '/events' }), usedUp)
        await site.passes(await call(stage, { constraints: [of(4)] }))
      }),
  },
  {
    ids: ['DEL-37'],
    type: 'calls',
    title: 'users, delegates and chains are counted apart, and delegates at level identified',
    run: stage =>
      atBegin(stage, async site => {
        const through = (agent: string) => ({ act: { iss: 'https://auth.example', agent } })
        const pairs = [
          [{ sub: 'bob' }, { sub: 'carol' }],
          [{ agent_delegate: 'tablet' }, { agent_delegate: 'watch' }],
          [through('https://a.example'), through('https://b.example')],
        ] as const
        for (const [one, other] of pairs) {
          await passMany(site, 3, () => call(stage, { claims: one }))
          await site.refused(await call(stage, { claims: one }), usedUp)
          await site.passes(await call(stage, { claims: other }))
        }
        const { world } = stage
        const identified = async (sub: string) =>
          world.request({
            as: asHolder(world.delegateKey, await world.agentToken({ sub, delegation: [of(1)] })),
            target: '/agenda',
          })
        await site.passes(await identified('phone'))
        await site.refused(await identified('phone'), usedUp)
        await site.passes(await identified('laptop'))
      }),
  },
  {
    ids: ['DEL-40'],
    type: 'calls',
    title: 'none at all, and two windows together, are kept',
    run: stage =>
      atBegin(stage, async site => {
        const { clock } = stage.world
        const none = await site.refused(await call(stage, { constraints: [of(0, 'hour')] }), usedUp)
        expect(none.headers.get('retry-after')).toBe('3600')
        const both = { constraints: [of(5, 'hour'), of(3)] }
        await passMany(site, 3, () => call(stage, both))
        await site.refused(await call(stage, both), usedUp)
        clock.now += 60
        await passMany(site, 2, () => call(stage, both))
        const answer = await site.refused(await call(stage, both), usedUp)
        expect(answer.headers.get('retry-after')).toBe('3540')
      }),
  },
  {
    ids: ['DEL-39'],
    type: 'calls',
    title: '`grant` needs an `until`, a user, and a counter that outlives restarts',
    run: async stage => {
      const until = { type: 'until', time: Math.floor(stage.world.clock.now) + 1000 }
      const once = { constraints: [of(1, 'grant'), until], claims: { grant: 'g1' } }
      const impossible = denied('calls_uncountable')
      await (await stage.site()).refused(await call(stage, once), impossible)
      const site = await stage.site({ counter: { ...memoryCounter(), isLasting: true } })
      const malformed = denied('condition_malformed')
      await site.refused(await call(stage, { ...once, constraints: [of(1, 'grant')] }), malformed)
      const as = await delegate(stage, once.constraints)
      await site.refused(await stage.world.request({ as, target: '/agenda' }), malformed)
      await site.refused(await call(stage, { ...once, claims: { grant: 'g1', sub: undefined } }), impossible)
      await site.refused(await call(stage, { constraints: once.constraints }), impossible)
      await site.passes(await call(stage, once))
      await site.refused(await call(stage, once), denied('calls_used_up'))
      await site.refused(await call(stage, { ...once, claims: { grant: 'g1', jti: 'j' } }), denied('calls_used_up'))
      await site.passes(await call(stage, { ...once, claims: { grant: 'g2' } }))
      // What an agent server may add to have the count end sooner, and begin anew.
      const sooner = { type: 'until', time: until.time - 900 }
      const hurried = { ...once, constraints: [...once.constraints, sooner], claims: { grant: 'g3' } }
      await site.passes(await call(stage, hurried))
      const { clock } = stage.world
      clock.now += 200
      await site.refused(await call(stage, { ...once, claims: { grant: 'g3' } }), denied('calls_used_up'))
      clock.now -= 200
    },
  },
]

const costs: readonly ConditionCase[] = [
  {
    ids: ['DEL-35', 'policy.order'],
    httpOnly: true,
    type: 'calls',
    title: 'a refused request costs no call',
    run: stage =>
      atBegin(stage, async site => {
        const { world, holder } = stage
        const constraints = [of(3), { type: 'approval', resource: 'https://calendar.example', of: ['purge'] }]
        const as = await holder({ scope: 'events.read events.write', constraints })
        const post = (target: string) => world.request({ as, method: 'POST', target, body: '{}' })
        await site.refused(await call(stage, { target: '/edit' }), { status: 403, error: 'insufficient_scope' })
        await site.refused(await post('/sync'), denied('operation_unnamed'))
        await site.refused(await post('/purge?5'), { status: 401, reason: 'approval_needed' })
        const passing = await world.request({ as, target: '/edit' })
        await site.passes(passing)
        await site.refused(passing, { status: 401, error: 'replay_detected' })
        await site.passes(await world.request({ as, target: '/personal' }))
        const limited = await world.request({ as, target: '/personal' })
        await site.refused(limited, { ...usedUp, reason: 'rate_exceeded' })
        await site.passes(await world.request({ as, target: '/edit' }))
        await site.refused(await world.request({ as, target: '/edit' }), usedUp)
      }),
  },
  {
    ids: ['DEL-36'],
    type: 'calls',
    title: 'a captured safe request that is sent again costs its owner no call',
    run: stage =>
      atBegin(stage, async site => {
        const captured = await call(stage)
        await site.passes(captured)
        for (let again = 0; again < 20; again++)
          await site.refused(captured, { status: 401, error: 'replay_detected', challenge: 'none' })
        await passMany(site, 2, () => call(stage))
        await site.refused(await call(stage), usedUp)
      }),
  },
  {
    ids: ['DEL-38'],
    type: 'calls',
    title: 'without its counter, or where that is full, a resource lets no such call pass, and others do',
    run: async stage => {
      const rejects = async () => Promise.reject(new Error('away'))
      const away = await stage.site({ counter: { ...memoryCounter(), takeCall: rejects } })
      await away.refused(await call(stage), { ...unprocessed, reason: 'store_unavailable' })
      await away.passes(await call(stage, { constraints: [] }))
      const full = await stage.site({ counter: memoryCounter({ callCapacity: 10 }) })
      await full.passes(await call(stage, { claims: { sub: 'u0' } }))
      // A tenth is the share of one site.
      const refused = await full.refused(await call(stage, { claims: { sub: 'u1' } }), {
        ...unprocessed,
        reason: 'capacity_exceeded',
      })
      expect(refused.headers.get('retry-after')).toBe('5')
      await full.passes(await call(stage, { claims: { sub: 'u0' } }))
      const { take } = memoryCounter()
      const older = await stage.site({ counter: { take } })
      await older.refused(await call(stage), denied('calls_uncountable'))
    },
  },
  {
    ids: ['NON-23'],
    httpOnly: true,
    type: 'calls',
    title: 'a request that was not processed costs neither a call nor its approval',
    run: stage =>
      atBegin(stage, async site => {
        const { world, holder } = stage
        const body = '{"subject":"Lunch","to":"b"}'
        const first = await world.request({
          as: await holder({ scope: 'events.write' }),
          method: 'POST',
          target: '/approved',
          body,
        })
        const challenge = await site.refused(first, { status: 401, reason: 'approval_needed' })
        const [, token = ''] = /resource_token="[^.]+\.([^.]+)\./.exec(challenge.headers.get('agent-auth') ?? '') ?? []
        const { operation } = JSON.parse(Buffer.from(token, 'base64url').toString())
        const claims = { scope: 'events.write', constraints: [of(2)], operation_digest: operation.digest }
        const as = await holder({ ...claims, iat: Math.floor(world.clock.now) + 1 })
        const post = (created?: number) =>
          world.request({
            as,
            method: 'POST',
            target: '/approved',
            body,
            ...(created === undefined ? {} : { created }),
          })
        const early = await stage.site({ replay: memoryReplaySet({ now: () => world.clock.now }) })
        await early.refused(await post(Math.floor(world.clock.now) - 1), { ...unprocessed, reason: 'starting' })
        world.clock.now += 2
        await early.passes(await post())
        await early.refused(await post(), { status: 401, reason: 'approval_used' })
        const ordinary = { target: '/edit', claims: { scope: 'events.write' }, constraints: [of(2)] }
        await early.passes(await call(stage, ordinary))
        await early.refused(await call(stage, ordinary), usedUp)
        const counter = memoryCounter()
        const down = { ...counter, takeCall: async () => Promise.reject(new Error('away')) }
        const store = startedReplaySet(() => world.clock.now)
        const away = await stage.site({ counter: down, replay: store })
        await away.refused(await post(), { ...unprocessed, reason: 'store_unavailable' })
        const back = await stage.site({ counter, replay: store })
        await back.passes(await post())
      }),
  },
]

/** The cases that every adapter runs. */
export const callCases: readonly ConditionCase[] = [...windows, ...costs]

/** Conditions that count. */
export function calls(stage: Stage): void {
  describe('calls', () => {
    for (const { ids, title, run } of callCases) {
      const [first = '', ...more] = [...ids, title]
      test(verifies(first, more[0] ?? '', ...more.slice(1)), () => run(stage))
    }
  })
}
