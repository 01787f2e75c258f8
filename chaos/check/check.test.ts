import { describe, expect, test } from 'vitest'
import type { Record as Entry } from '../history.js'
import { sabotages } from '../sabotage.js'
import { check, invariants } from './check.js'
import type { Evidence, FinalReads } from './evidence.js'
import { recoveries } from './recovery.js'

// Each invariant sees what breaks it, beside a twin in which it holds: a checker that cannot fail shows nothing.

const auth = 'http://localhost:1'
const promises = {
  deadline: 15_000,
  revocation: 65_000,
  givenBack: 660_000,
  recovery: 60_000,
  metered: 2,
  limited: 2,
  instances: 2,
}
/** A whole minute. */
const noon = 1_800_000_000_000
const span = (begin: number, end = begin + 10) => ({ begin: noon + begin, end: noon + end })

const attempt = (tag: string, way: 'direct' | 'consent' = 'direct'): Entry => ({
  type: 'attempt',
  at: noon,
  client: 'c1',
  tag,
  way,
})
const granted = (tag: string, o: { at?: number; kid?: string; refresh?: string } = {}): Entry => ({
  type: 'granted',
  tag,
  way: 'direct',
  issuer: auth,
  kid: o.kid ?? 'a1',
  grant: `g-${tag}`,
  token: `t-${tag}`,
  refresh: o.refresh ?? `r-${tag}`,
  ...span(o.at ?? 0),
})
const decision = (tag: string, said: 'allow' | 'deny'): Entry => ({
  type: 'decision',
  tag,
  decision: said,
  outcome: 'ok',
  ...span(0),
})
const refresh = (tag: string, at: number, outcome: 'ok' | 'refused' | 'unavailable', final = false): Entry => ({
  type: 'refresh',
  refresh: `r-${tag}`,
  outcome,
  final,
  ...span(at),
})
const ended = (tag: string, at: number, o: { outcome?: 'ok' | 'unknown'; by?: 'agent' | 'user' } = {}): Entry => ({
  type: 'revocation',
  by: o.by ?? 'agent',
  refreshes: [`r-${tag}`],
  grants: [`g-${tag}`],
  outcome: o.outcome ?? 'ok',
  ...span(at),
})
const call = (
  nonce: string,
  at: number,
  o: { outcome?: 'ok' | 'refused' | 'unknown'; tag?: string; route?: string } = {},
): Entry => ({
  type: 'call',
  client: 'c1',
  nonce,
  route: o.route ?? '/events',
  outcome: o.outcome ?? 'ok',
  ...span(at),
  ...(o.tag === undefined ? {} : { tag: o.tag, grant: `g-${o.tag}` }),
})
const effect = (nonce: string, at: number, o: { route?: string; instance?: string } = {}): Entry => ({
  type: 'effect',
  at: noon + at,
  nonce,
  route: o.route ?? '/events',
  instance: o.instance ?? 'gateway-1',
  caller: 'phone',
})
const fault = (name: string, begin: number, end?: number, round = 1): Entry[] => [
  { type: 'fault', at: noon + begin, round, fault: name, phase: 'apply' },
  { type: 'bite', round, fault: name, measured: 1, atLeast: 1, unit: 'servers gone' },
  ...(end === undefined ? [] : [{ type: 'fault', at: noon + end, round, fault: name, phase: 'heal' } as const]),
]
const request = (
  at: number,
  o: { status?: number; failure?: string; retryAfter?: boolean; takes?: number },
): Entry => ({
  type: 'request',
  client: 'c1',
  flow: 'direct',
  to: 'auth',
  what: 'auth',
  retryAfter: o.retryAfter ?? false,
  status: o.status,
  failure: o.failure,
  ...span(at, at + (o.takes ?? 10)),
})
const step = (flow: string, at: number, works: boolean): Entry => ({
  type: 'step',
  client: 'c1',
  flow,
  works,
  ...span(at),
})

const calls = (route: string, times: readonly number[], instance = 'gateway-1'): Entry[] =>
  times.flatMap((at, index) => [
    call(`n${instance}${index}`, at, { route }),
    effect(`n${instance}${index}`, at, { route, instance }),
  ])

interface Reads {
  readonly rows?: ReadonlyArray<{ refresh: string; tag: string | null; grant: string }>
  readonly events?: FinalReads['audit']['events']
  readonly verified?: boolean
}

const row = (tag: string, refresh = `r-${tag}`) => ({ refresh, tag, grant: `g-${tag}` })
const event = (type: string, tag: string) => ({ type, grant: `g-${tag}`, token: undefined })

function evidence(records: readonly Entry[], { rows = [], events, verified = true }: Reads = {}): Evidence {
  const told = records.flatMap(record => (record.type === 'granted' ? [{ ...event('granted', record.tag) }] : []))
  const over = records.flatMap(record =>
    record.type === 'revocation' ? record.grants.map(grant => ({ ...event('revoked', ''), grant })) : [],
  )
  const audit = { verified, report: 'removed: event 3', events: events ?? [...told, ...over] }
  return {
    records,
    promises,
    silent: new Set(['stop-auth']),
    audited: auth,
    reads: { grants: rows, keys: new Set([`${auth} a1`]), audit },
  }
}

/** The names of the invariants that do not hold. */
const broken = (records: readonly Entry[], reads: Reads = {}): string[] => [
  ...new Set(check(evidence(records, reads)).map(({ invariant }) => invariant)),
]

interface Case {
  readonly breaks: readonly [readonly Entry[], Reads?]
  readonly holds: readonly [readonly Entry[], Reads?]
}

const one = [attempt('1'), granted('1')]

const cases: Readonly<{ [name: string]: Case | readonly Case[] }> = {
  'acknowledged-kept': [
    { breaks: [one], holds: [one, { rows: [row('1')] }] },
    {
      breaks: [[...one, refresh('1', 900, 'unavailable', true)], { rows: [row('1')] }],
      holds: [[...one, refresh('1', 900, 'ok', true)], { rows: [row('1')] }],
    },
    // What was perhaps ended need not be there.
    { breaks: [one], holds: [[...one, ended('1', 50, { outcome: 'unknown' })]] },
  ],
  'refresh-never-refused': {
    breaks: [[...one, refresh('1', 50, 'refused')], { rows: [row('1')] }],
    holds: [[...one, refresh('1', 50, 'unavailable')], { rows: [row('1')] }],
  },
  'granted-once': [
    {
      breaks: [[...one, granted('1', { refresh: 'other' })], { rows: [row('1'), row('1', 'other')] }],
      holds: [[...one, granted('1')], { rows: [row('1')] }],
    },
    {
      breaks: [one, { rows: [row('1'), row('1', 'nobody has this')] }],
      holds: [one, { rows: [row('1')] }],
    },
  ],
  'denied-nothing': [
    {
      breaks: [[attempt('1'), decision('1', 'deny'), granted('1')], { rows: [row('1')] }],
      holds: [[attempt('1'), decision('1', 'allow'), granted('1')], { rows: [row('1')] }],
    },
    {
      breaks: [[decision('1', 'deny'), call('n', 50, { tag: '1', outcome: 'unknown' }), effect('n', 50)]],
      holds: [[decision('1', 'deny'), call('n', 50, { tag: '1', outcome: 'refused' })]],
    },
  ],
  'granted-by-attempt': { breaks: [[], { rows: [row('1')] }], holds: [one, { rows: [row('1')] }] },
  'granted-after-yes': {
    breaks: [[attempt('1', 'consent'), granted('1')], { rows: [row('1')] }],
    holds: [[attempt('1', 'consent'), decision('1', 'allow'), granted('1')], { rows: [row('1')] }],
  },
  'ended-stays-ended': [
    {
      breaks: [[...one, ended('1', 50), refresh('1', 90, 'ok')]],
      holds: [[...one, ended('1', 50), refresh('1', 55, 'ok')]],
    },
    { breaks: [[...one, ended('1', 50)], { rows: [row('1')] }], holds: [[...one, ended('1', 50)]] },
  ],
  'ended-refused-by-resource': [
    {
      breaks: [[...one, ended('1', 0, { by: 'user' }), call('n', 80_000, { tag: '1' }), effect('n', 80_000)]],
      holds: [[...one, ended('1', 0, { by: 'user' }), call('n', 30_000, { tag: '1' }), effect('n', 30_000)]],
    },
    {
      breaks: [
        [
          ...one,
          ended('1', 0, { by: 'user' }),
          ...fault('kill-auth', -20_000, -10_000),
          call('n', 80_000, { tag: '1' }),
          effect('n', 80_000),
        ],
      ],
      holds: [
        [
          ...one,
          ended('1', 0, { by: 'user' }),
          ...fault('kill-auth', 10_000, 60_000),
          call('n', 80_000, { tag: '1' }),
          effect('n', 80_000),
        ],
      ],
    },
    {
      // What an agent gives back waits behind what users and operators end.
      breaks: [[...one, ended('1', 0), call('n', 700_000, { tag: '1' }), effect('n', 700_000)]],
      holds: [[...one, ended('1', 0), call('n', 300_000, { tag: '1' }), effect('n', 300_000)]],
    },
  ],
  'one-effect': {
    breaks: [[call('n', 0), effect('n', 1), effect('n', 2, { instance: 'gateway-2' })]],
    holds: [[call('n', 0), call('n', 0, { outcome: 'refused' }), effect('n', 1)]],
  },
  'refused-no-effect': {
    breaks: [[call('n', 0, { outcome: 'refused' }), effect('n', 1)]],
    holds: [[call('n', 0, { outcome: 'unknown' }), effect('n', 1)]],
  },
  'answered-happened': [
    { breaks: [[call('n', 0)]], holds: [[call('n', 0), effect('n', 1)]] },
    { breaks: [[effect('n', 1)]], holds: [[call('n', 0), effect('n', 1)]] },
  ],
  'calls-counted': [
    { breaks: [calls('/metered', [10_000, 11_000, 12_000])], holds: [calls('/metered', [10_000, 11_000, 70_000])] },
    {
      breaks: [[...calls('/metered', [10_000, 11_000, 12_000]), { type: 'loss', at: noon + 100_000, of: 'counters' }]],
      holds: [[...calls('/metered', [10_000, 11_000, 12_000]), { type: 'loss', at: noon + 11_500, of: 'counters' }]],
    },
    {
      breaks: [[...calls('/metered', [10_000, 11_000, 12_000]), ...fault('redis-full', 9000, 11_000)]],
      holds: [[...calls('/metered', [10_000, 11_000, 12_000]), ...fault('redis-evicting', 9000, 11_000)]],
    },
    {
      // An instance whose clock is ahead counts in a later minute.
      breaks: [[...calls('/metered', [10_000, 11_000]), ...calls('/metered', [12_000], 'gateway-2')]],
      holds: [
        [
          ...calls('/metered', [10_000, 11_000]),
          ...calls('/metered', [12_000], 'gateway-2'),
          { type: 'clock', at: noon - 10_000, instance: 'gateway-2', offset: 300_000 },
        ],
      ],
    },
  ],
  'limit-holds': [
    { breaks: [calls('/limited', [10_000, 11_000, 12_000])], holds: [calls('/limited', [10_000, 11_000, 80_000])] },
    {
      breaks: [[...calls('/limited', [10_000, 11_000, 12_000]), ...fault('kill-auth', 9000, 11_000)]],
      holds: [[...calls('/limited', [10_000, 11_000, 12_000]), ...fault('redis-cut', 9000, 11_000)]],
    },
    {
      breaks: [[...calls('/limited', [10_000, 11_000, 12_000]), ...fault('kill-auth', 9000, 11_000)]],
      holds: [[...calls('/limited', [10_000, 11_000, 12_000]), ...fault('cluster-stop', 9000, 11_000)]],
    },
    // A window begins with its first call, right after the window before.
    {
      breaks: [calls('/limited', [0, 62_000, 66_000, 70_000, 122_100, 122_200])],
      holds: [calls('/limited', [0, 62_000, 66_000, 122_100, 122_200])],
    },
  ],
  'keys-published': {
    breaks: [[attempt('1'), granted('1', { kid: 'stray' })], { rows: [row('1')] }],
    holds: [one, { rows: [row('1')] }],
  },
  'audit-verifies': { breaks: [[], { verified: false }], holds: [[]] },
  'audit-complete': [
    {
      breaks: [one, { rows: [row('1')], events: [] }],
      holds: [one, { rows: [row('1')], events: [event('granted', '1')] }],
    },
    {
      breaks: [[ended('1', 50)], { events: [event('granted', '1')] }],
      holds: [[ended('1', 50)], { events: [event('revoked', '1')] }],
    },
  ],
  'audit-taken-back': {
    breaks: [[ended('1', 50, { by: 'user' })], { events: [event('revoked', '1')] }],
    holds: [[ended('1', 50, { by: 'user' })], { events: [event('taken_back', '1')] }],
  },
  'no-500': [
    {
      breaks: [fault('kill-auth', -5, 100).concat(request(50, { status: 500 }))],
      holds: [[request(50, { status: 401 })]],
    },
    {
      breaks: [fault('kill-auth', -5, 100).concat(request(50, { status: 503 }))],
      holds: [fault('kill-auth', -5, 100).concat(request(50, { status: 503, retryAfter: true }))],
    },
  ],
  'no-hang': {
    breaks: [fault('kill-auth', -5, 100).concat(request(50, { failure: 'timeout', takes: 15_001 }))],
    holds: [fault('stop-auth', -5, 100).concat(request(50, { failure: 'timeout', takes: 15_001 }))],
  },
  calm: {
    breaks: [fault('kill-auth', 100, 200).concat(request(50, { failure: 'ECONNRESET' }))],
    holds: [fault('kill-auth', 100, 200).concat(request(95, { failure: 'ECONNRESET' }))],
  },
  recovers: [
    {
      breaks: [[...fault('kill-auth', 0, 100), step('direct', 200, true), step('direct', 300, false)]],
      holds: [[...fault('kill-auth', 0, 100), step('direct', 200, false), step('direct', 300, true)]],
    },
    {
      breaks: [[...fault('kill-auth', 0, 100), step('direct', 60_100, true)]],
      holds: [[...fault('kill-auth', 0, 100), step('direct', 60_000, true)]],
    },
  ],
  'faults-bite': {
    breaks: [[{ ...fault('kill-auth', 0)[0] } as Entry]],
    holds: [fault('kill-auth', 0)],
  },
}

test('every invariant has a sabotage that breaks it in a run', () => {
  expect(new Set(sabotages.flatMap(({ fails }) => fails))).toEqual(new Set(invariants.map(({ name }) => name)))
})

test('every invariant has a case that breaks it', () => {
  expect(new Set(Object.keys(cases))).toEqual(new Set(invariants.map(({ name }) => name)))
})

describe.each(Object.entries(cases))('%s', (name, given) => {
  test.each([given].flat())('fails where it is broken, and holds in the twin ($#)', ({ breaks, holds }) => {
    expect(broken(...breaks)).toContain(name)
    expect(broken(...holds)).not.toContain(name)
  })
})

test('a fault that measures nothing, or too little, does not count as one', () => {
  const [apply] = fault('kill-auth', 0)
  const bite = (measured: number): Entry => ({
    type: 'bite',
    round: 1,
    fault: 'kill-auth',
    measured,
    atLeast: 1,
    unit: 'x',
  })
  expect(broken([apply as Entry, bite(0)])).toEqual(['faults-bite'])
  expect(broken([apply as Entry, bite(1)])).toEqual([])
})

test('recovery runs from the end of the last fault to the first step after which no step of that flow fails', () => {
  const records = [
    ...fault('a', 0, 100),
    ...fault('b', 10, 200).map(each => ({ ...each })),
    step('direct', 150, true),
    step('direct', 210, false),
    step('direct', 300, true),
    step('device', 250, true),
    ...fault('c', 5000, 6000, 2),
    step('direct', 6100, true),
  ]
  expect(recoveries(records)).toEqual([
    { round: 1, faults: ['a', 'b'], milliseconds: 110, missing: [] },
    { round: 2, faults: ['c'], milliseconds: 110, missing: ['device'] },
  ])
})
