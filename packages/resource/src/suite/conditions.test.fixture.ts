import { verifies } from '@countersign/requirements'
import type { Wire } from '@countersign/testing/wire'
import { asHolder, type Signer } from '@countersign/testing/world/signer'
import { describe, test } from 'vitest'
import type { Expected, Stage, Visited } from './stage.test.fixture.js'

// Conditions that need neither a body nor a counter. One table: each row runs behind every adapter.

/** One case of the catalogue, and the kind of condition it is about. */
export interface ConditionCase {
  readonly ids: readonly string[]
  readonly type: string
  readonly title: string
  /** It is about what a call of a tool has no like of, or has in other words: servers of tools run a row of their own. */
  readonly httpOnly?: true
  run(stage: Stage): Promise<void>
}

export const denied = (reason: string): Expected => ({ status: 403, error: 'policy_denied', reason, challenge: 'none' })

const malformed = denied('condition_malformed')

/** Conditions that must refuse a request, or let it pass. */
interface Judged {
  readonly constraints: unknown
  readonly target?: string
  /** The clock of the world for this request, Unix seconds. */
  readonly at?: number
  readonly refused?: Expected
  readonly claims?: Record<string, unknown>
}

/** One request per row, under an auth token with these constraints. */
async function judge(stage: Stage, site: Visited, rows: readonly Judged[]): Promise<void> {
  const { world, holder } = stage
  const before = world.clock.now
  for (const { constraints, target = '/events', at, refused, claims = {} } of rows) {
    world.clock.now = at ?? before
    const as = await holder({ scope: 'events.read events.write', constraints, ...claims })
    const wire = await world.request({ as, target })
    const what = JSON.stringify([constraints, target, at])
    if (refused === undefined) await site.passes(wire)
    else await site.refused(wire, { ...refused, what })
  }
  world.clock.now = before
}

const seconds = (iso: string): number => Date.parse(iso) / 1000

/** A delegate whose agent token says what it may be used for. */
export async function delegate({ world }: Stage, delegation: unknown): Promise<Signer> {
  return asHolder(world.delegateKey, await world.agentToken({ delegation }))
}

const shape: readonly ConditionCase[] = [
  {
    ids: ['DEL-01', 'policy.all-hold'],
    type: 'shape',
    title: 'no list and an empty list hold',
    async run(stage) {
      const site = await stage.site()
      const { world, holder } = stage
      await site.passes(await world.request({ as: await holder(), target: '/events' }))
      await judge(stage, site, [{ constraints: [] }])
      await site.passes(await world.request({ as: await delegate(stage, []), target: '/agenda' }))
    },
  },
  {
    ids: ['DEL-02', 'DEL-03', 'DEL-04', 'DEL-08', 'DEL-09', 'policy.shape', 'policy.unknown', 'policy.answer'],
    type: 'shape',
    title: 'a list that is not understood in full is refused, whatever is around it',
    async run(stage) {
      const site = await stage.site()
      const holds = { type: 'until', time: 4_000_000_000 }
      const lists: unknown[] = [
        null,
        {},
        'x',
        [null],
        [[]],
        [{}],
        [{ type: null }],
        [holds, { type: 'moon' }],
        [{ type: 'calls', max: 5, pre: 'day' }],
        [{ ...holds, zone: 'UTC' }],
        [{ type: 'chain', max: 1, thru: [] }],
        [{ type: 'scopes', any: [] }],
        [{ type: 'data', resource: 'https://calendar.example', fields: [] }],
        [{ type: 'until', time: '1' }],
        [{ type: 'chain', max: 6 }],
        [{ type: 'calls', max: -1, per: 'day' }],
        [{ type: 'hours', zone: 'UTC', days: [0], from: '09:00', to: '18:00' }],
      ]
      await judge(
        stage,
        site,
        lists.map(constraints => ({ constraints, refused: malformed })),
      )
      for (const list of lists)
        await site.refused(await stage.world.request({ as: await delegate(stage, list), target: '/agenda' }), malformed)
      await judge(stage, site, [{ constraints: [holds] }])
    },
  },
]

const facts: readonly ConditionCase[] = [
  {
    ids: ['DEL-10', 'DEL-11', 'policy.resources'],
    type: 'resources',
    title: 'the resource passes by its identifier and by names below a host, and by no name that only looks like it',
    async run(stage) {
      const of = (...any: string[]) => [{ type: 'resources', any }]
      const others = Array.from({ length: 10 }, (_, at) => `https://r${at}.example`)
      const refused = denied('condition_resource')
      await judge(stage, await stage.site(), [
        { constraints: of('https://calendar.example') },
        { constraints: of('https://*.example') },
        { constraints: of('https://calendar.example', 'https://*.example', ...others) },
        { constraints: of('https://*.calendar.example'), refused },
        { constraints: of('https://calendar.example:8443'), refused },
        { constraints: of('https://*.example:8443'), refused },
        { constraints: of('https://example'), refused },
        { constraints: of('https://*alendar.example'), refused: malformed },
        { constraints: of('https://calendar.example/'), refused: malformed },
        { constraints: of('https://CALENDAR.example'), refused: malformed },
        { constraints: of('*'), refused: malformed },
        { constraints: of('https://*'), refused: malformed },
      ])
    },
  },
  {
    ids: ['DEL-15', 'policy.scopes'],
    type: 'scopes',
    title: 'two conditions of one kind must both hold; they are not merged',
    async run(stage) {
      const both = (first: string, second: string) => [
        { type: 'scopes', any: [first, 'events.write'] },
        { type: 'scopes', any: [second, 'events.write'] },
      ]
      const refused = denied('condition_scope')
      await judge(stage, await stage.site(), [
        { constraints: both('events.read', 'events.share'), refused },
        { constraints: both('events.share', 'events.read'), refused },
        { constraints: both('events.read', 'events.read') },
        { constraints: both('events.read', 'events.share'), target: '/edit' },
        { constraints: both('events.share', 'events.read'), target: '/edit' },
      ])
    },
  },
  {
    ids: ['DEL-16', 'policy.purposes'],
    type: 'purposes',
    title: 'a token for a listed purpose passes, one without or for one more does not, by condition and by route',
    async run(stage) {
      const any = [{ type: 'purposes', any: ['support', 'billing'] }]
      const refused = denied('condition_purpose')
      const site = await stage.site()
      await judge(stage, site, [
        { constraints: any, claims: { purposes: 'support' } },
        { constraints: any, claims: { purposes: 'support billing' } },
        { constraints: any, claims: { purposes: 'support marketing' }, refused },
        { constraints: any, refused },
        { constraints: [], target: '/support', claims: { purposes: 'support' } },
        { constraints: [], target: '/support', claims: { purposes: 'support billing' }, refused },
        { constraints: [], target: '/support', refused },
      ])
      // Never at level identified: an agent token has no purposes.
      await site.refused(await stage.world.request({ as: await delegate(stage, any), target: '/agenda' }), refused)
    },
  },
  {
    ids: ['DEL-22', 'policy.until'],
    type: 'until',
    title: 'the time itself is already too late',
    async run(stage) {
      const time = Math.ceil(stage.world.clock.now)
      const of = (until: unknown) => [{ type: 'until', time: until }]
      const refused = denied('condition_ended')
      await judge(stage, await stage.site(), [
        { constraints: of(time - 1), at: time, refused },
        { constraints: of(time), at: time, refused },
        { constraints: of(time + 1), at: time },
        { constraints: of('2030'), refused: malformed },
      ])
    },
  },
  {
    ids: ['DEL-24', 'DEL-25', 'DEL-30', 'policy.hours'],
    type: 'hours',
    title: 'first and last second of the window pass; a second before, its end and other days do not',
    async run(stage) {
      const hours = { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' }
      const refused = denied('condition_outside_hours')
      // 15 March 2027 is a Monday; Paris is an hour ahead of UTC.
      await judge(stage, await stage.site(), [
        { constraints: [hours], at: seconds('2027-03-15T08:00:00Z') },
        { constraints: [hours], at: seconds('2027-03-15T16:59:59Z') },
        { constraints: [hours], at: seconds('2027-03-15T07:59:59Z'), refused },
        { constraints: [hours], at: seconds('2027-03-15T17:00:00Z'), refused },
        { constraints: [hours], at: seconds('2027-03-20T11:00:00Z'), refused },
        { constraints: [{ ...hours, zone: 'europe/paris' }], at: seconds('2027-03-15T08:00:00Z'), refused: malformed },
        { constraints: [{ ...hours, zone: '+01:00' }], at: seconds('2027-03-15T08:00:00Z'), refused: malformed },
      ])
    },
  },
  {
    ids: ['DEL-26', 'DEL-27', 'DEL-28', 'DEL-29'],
    type: 'hours',
    title: 'a window over midnight, one in the hour that summer time skips or repeats, and one of 24 hours',
    async run(stage) {
      const refused = denied('condition_outside_hours')
      const rows = (hours: object, passing: readonly string[], others: readonly string[]): Judged[] => {
        const constraints = [{ type: 'hours', zone: 'Europe/Paris', ...hours }]
        return [
          ...passing.map(at => ({ constraints, at: seconds(at) })),
          ...others.map(at => ({ constraints, at: seconds(at), refused })),
        ]
      }
      // 19 March 2027 is a Friday, 28 March and 31 October are the Sundays on which the clocks change.
      const all = [
        ...rows(
          { days: [5], from: '22:00', to: '06:00' },
          ['2027-03-19T21:00:00Z', '2027-03-20T04:59:59Z'],
          ['2027-03-19T04:00:00Z', '2027-03-20T05:00:00Z', '2027-03-20T21:00:00Z', '2027-03-18T22:00:00Z'],
        ),
        ...rows({ days: [7], from: '02:00', to: '02:30' }, [], ['2027-03-28T00:59:59Z', '2027-03-28T01:00:00Z']),
        ...rows(
          { days: [7], from: '01:30', to: '03:30' },
          ['2027-03-28T00:30:00Z', '2027-03-28T01:29:59Z'],
          ['2027-03-28T00:29:59Z', '2027-03-28T01:30:00Z'],
        ),
        ...rows(
          { days: [7], from: '02:00', to: '02:30' },
          ['2027-10-31T00:10:00Z', '2027-10-31T01:10:00Z'],
          ['2027-10-31T00:45:00Z', '2027-10-31T01:30:00Z'],
        ),
        ...rows(
          { days: [1], from: '09:00', to: '09:00' },
          ['2027-03-15T08:00:00Z', '2027-03-16T07:59:59Z'],
          ['2027-03-15T07:59:59Z', '2027-03-16T08:00:00Z'],
        ),
      ]
      // In the order of time: a set against replays does not go back.
      await judge(
        stage,
        await stage.site(),
        all.sort((one, other) => (one.at ?? 0) - (other.at ?? 0)),
      )
    },
  },
  {
    ids: ['DEL-41', 'policy.chain'],
    type: 'chain',
    title: 'a call through the listed service and a call of its own pass; one service more, or another, does not',
    async run(stage) {
      const through = (...services: string[]) => [{ type: 'chain', max: 1, through: services }]
      const act = { iss: 'https://auth.example', agent: 'https://first.example' }
      const refused = denied('condition_chain')
      await judge(stage, await stage.site(), [
        { constraints: through('https://agent.example'), claims: { act } },
        { constraints: through('https://agent.example') },
        { constraints: through('https://other.example'), claims: { act }, refused },
        { constraints: [{ type: 'chain', max: 0 }], claims: { act }, refused },
        { constraints: through('https://agent.example'), claims: { act: { ...act, act } }, refused },
      ])
    },
  },
]

const delegates: readonly ConditionCase[] = [
  {
    ids: ['policy.delegates', 'policy.order'],
    type: 'delegation',
    title:
      'a delegate gets no resource token for what its policy does not let it ask for, and its deny list comes first',
    async run(stage) {
      const { world } = stage
      const site = await stage.site({ deny: { delegates: [{ agent: 'https://agent.example', delegate: 'lost' }] } })
      const ask = async (delegation: unknown, sub = 'phone'): Promise<Wire> =>
        world.request({
          as: asHolder(world.delegateKey, await world.agentToken({ delegation, sub })),
          target: '/events',
        })
      const level = { status: 401, error: 'insufficient_level' }
      await site.refused(await ask([{ type: 'scopes', any: ['events.read'] }]), level)
      // These are for the auth server, and for the request with the token.
      await site.refused(await ask([{ type: 'purposes', any: ['support'] }]), level)
      await site.refused(
        await ask([
          { type: 'chain', max: 0 },
          { type: 'calls', max: 0, per: 'day' },
        ]),
        level,
      )
      await site.refused(await ask([{ type: 'scopes', any: ['events.write'] }]), denied('condition_scope'))
      await site.refused(await ask([{ type: 'until', time: 1 }]), denied('condition_ended'))
      await site.refused(await ask([{ type: 'resources', any: ['https://a.example'] }]), denied('condition_resource'))
      await site.refused(await ask([{ type: 'until', time: 1 }], 'lost'), denied('caller_denied'))
    },
  },
  {
    ids: ['DEL-78', 'policy.delegates'],
    type: 'delegation',
    title: 'at level identified a delegation is judged in full: it passes where all of it holds, and only there',
    async run(stage) {
      const site = await stage.site()
      const call = async (...delegation: object[]): Promise<Wire> =>
        stage.world.request({ as: await delegate(stage, delegation), target: '/agenda' })
      const open = { type: 'until', time: 4_000_000_000 }
      await site.passes(await call(open))
      await site.passes(await call(open, { type: 'chain', max: 0 }))
      await site.refused(await call(open, { type: 'until', time: 1 }), denied('condition_ended'))
      await site.refused(await call(open, { type: 'purposes', any: ['support'] }), denied('condition_purpose'))
      await site.refused(
        await call(open, { type: 'resources', any: ['https://a.example'] }),
        denied('condition_resource'),
      )
    },
  },
]

/** The cases that every adapter runs. */
export const conditionCases: readonly ConditionCase[] = [...shape, ...facts, ...delegates]

/** Delegation policies, as far as facts tell. */
export function conditions(stage: Stage): void {
  describe('conditions', () => {
    for (const { ids, title, run } of conditionCases) {
      const [first = '', ...more] = [...ids, title]
      test(verifies(first, more[0] ?? '', ...more.slice(1)), () => run(stage))
    }
  })
}
