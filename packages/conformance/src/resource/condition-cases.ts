import type { Case } from '../case/case.js'
import { jsonBody } from '../wire/message.js'
import { type Condition, type Constrained, constrained, denied } from './constrained.js'
import { conditionTypes } from './needs.js'
import { findSpecial, type ResourceStage, routeOf } from './stage.js'
import { conditionCase, group, hours, list, type Tried } from './tried-condition.js'

/** Names above and beside that of the resource. */
function namesAround(id: string): { readonly own: string; readonly others: readonly string[] } {
  const { protocol, host } = new URL(id)
  const others = [
    `${id}/`,
    `${protocol}//${host.toUpperCase()}`,
    `https://*.${host}`,
    '*',
    'https://*',
    'https://other.example',
  ]
  return { own: id, others: others.filter(name => name !== id) }
}

/** The time of day in UTC, some minutes from now. */
function clockAt(now: number, minutes: number): string {
  return new Date((now + minutes * 60) * 1000).toISOString().slice(11, 16)
}

/** What came through one service, and through two. */
const through = (...agents: readonly string[]): Readonly<Record<string, unknown>> => {
  const [first, ...rest] = agents
  if (first === undefined) return {}
  const nested = through(...rest)['act']
  return { act: { iss: 'https://auth.example', agent: first, ...(nested === undefined ? {} : { act: nested }) } }
}

const first = 'https://first.example'
const depths = [1, 2, 3, 4, 5]

/** The services of a chain beside the agent that calls: every `act.agent` but the innermost. */
const servicesOf = (depth: number): readonly string[] =>
  Array.from({ length: depth - 1 }, (_, at) => `https://service-${at + 1}.example`)

/** A token that came through so many services, under a condition. */
function chained(depth: number, max: number, listed?: readonly string[]): Constrained {
  const condition = { type: 'chain', max, ...(listed === undefined ? {} : { through: listed }) }
  return { constraints: [condition], claims: through(...servicesOf(depth), first) }
}

/** What each type of condition demands, in auth tokens and in delegations. @see protocol §9.2 */
export const conditionCases: readonly Case<ResourceStage>[] = [
  conditionCase({
    id: 'DEL-10',
    needs: ['condition-resources'],
    hold: stage => [
      list('resources with the resource', { type: 'resources', any: [stage.id] }),
      list('and with others', { type: 'resources', any: ['https://other.example', stage.id] }),
    ],
  }),
  conditionCase({
    id: 'DEL-11',
    needs: ['condition-resources'],
    fail: stage =>
      namesAround(stage.id).others.map(name => list(`resources is ${name}`, { type: 'resources', any: [name] })),
  }),
  conditionCase({
    id: 'policy.scopes',
    needs: ['condition-scopes'],
    hold: stage => [
      list('the scopes of the route are listed', {
        type: 'scopes',
        any: routeOf(stage, 'authorized').scope.split(' '),
      }),
    ],
    fail: () => [list('they are not', { type: 'scopes', any: ['other'] })],
  }),
  conditionCase({
    id: 'DEL-16',
    needs: ['condition-purposes', 'purposes'],
    clauses: ['policy.words'],
    hold: stage => {
      const [one = '', other = ''] = Object.keys(Object(stage.metadata?.['purposes']))
      const constraints = [{ type: 'purposes', any: [one, other] }]
      return [
        ['the token has a listed purpose', { constraints, claims: { purposes: one } }],
        ['it has both', { constraints, claims: { purposes: `${one} ${other}` } }],
      ]
    },
    fail: stage => {
      const [one = '', other = ''] = Object.keys(Object(stage.metadata?.['purposes']))
      const constraints = [{ type: 'purposes', any: [one] }]
      return [
        ['the token has no purposes', { constraints }],
        ['one of its purposes is not listed', { constraints, claims: { purposes: `${one} ${other}` } }],
      ]
    },
  }),
  conditionCase({
    id: 'DEL-22',
    needs: ['condition-until'],
    clauses: ['policy.until'],
    hold: stage => [
      list('until in ten minutes', { type: 'until', time: stage.now() + 600 }),
      // It is judged at each request: that the token lives longer is no fault of it.
      list('until in one minute, and the token lives longer', { type: 'until', time: stage.now() + 60 }),
    ],
    fail: stage => [
      list('until now', { type: 'until', time: stage.now() }),
      list('until a minute ago', { type: 'until', time: stage.now() - 60 }),
      list('until is 2030 as text', { type: 'until', time: '2030' }),
    ],
  }),
  conditionCase({
    id: 'DEL-25',
    needs: ['condition-hours'],
    clauses: ['policy.hours'],
    hold: stage => [
      list('a window around now', hours({ from: clockAt(stage.now(), -30), to: clockAt(stage.now(), 30) })),
      list('a window of 24 hours', hours({ from: '09:00', to: '09:00' })),
    ],
    fail: stage => [
      list('a window that has ended', hours({ from: clockAt(stage.now(), -60), to: clockAt(stage.now(), -30) })),
      list('a window to come', hours({ from: clockAt(stage.now(), 30), to: clockAt(stage.now(), 60) })),
      list('other days', hours({ days: [((new Date(stage.now() * 1000).getUTCDay() + 2) % 7) + 1] })),
    ],
  }),
  conditionCase({
    id: 'DEL-30',
    words: 'is the IANA name of a time zone that the receiver knows',
    needs: ['condition-hours'],
    hold: () => [list('UTC', hours({ zone: 'UTC' })), list('Europe/Paris', hours({ zone: 'Europe/Paris' }))],
    fail: () =>
      ['europe/paris', '+01:00', 'Paris', 'Europe/Paris ', '../../etc/passwd', 'Factory', 'x'.repeat(300), ''].map(
        zone => list(`the zone is ${JSON.stringify(zone.slice(0, 20))}`, hours({ zone })),
      ),
  }),
  conditionCase({
    id: 'DEL-41',
    needs: ['condition-chain'],
    clauses: ['policy.chain'],
    hold: stage => [
      list('its own call', { type: 'chain', max: 0 }),
      [
        'a call through a listed service',
        {
          constraints: [{ type: 'chain', max: 1, through: [stage.agent.id] }],
          claims: through('https://first.example'),
        },
      ],
    ],
    fail: stage => [
      [
        'a call through one service, where none may be',
        { constraints: [{ type: 'chain', max: 0 }], claims: through('https://first.example') },
      ],
      [
        'a call through a service that is not listed',
        {
          constraints: [{ type: 'chain', max: 5, through: ['https://other.example'] }],
          claims: through('https://first.example'),
        },
      ],
      [
        'a call through two services, where one may be',
        {
          constraints: [{ type: 'chain', max: 1, through: [stage.agent.id, 'https://second.example'] }],
          claims: through('https://second.example', 'https://first.example'),
        },
      ],
    ],
  }),
  conditionCase({
    id: 'policy.chain',
    needs: ['condition-chain'],
    hold: stage => [
      // A token that its agent got directly has no service.
      list('a direct call, where services are listed', { type: 'chain', max: 0, through: ['https://other.example'] }),
      list('a direct call, where five services may be', { type: 'chain', max: 5 }),
      ...depths.map((depth): Tried => [`${depth} services, where ${depth} may be`, chained(depth, depth)]),
      ...depths.map(
        (depth): Tried => [
          `${depth} services, all of them listed`,
          chained(depth, 5, [stage.agent.id, ...servicesOf(depth)]),
        ],
      ),
      ['five services, and no condition', { claims: through(...servicesOf(5), first) }],
    ],
    fail: stage => [
      ...depths.map((depth): Tried => [`${depth} services, where ${depth - 1} may be`, chained(depth, depth - 1)]),
      ['the agent itself is not listed', chained(2, 5, servicesOf(2))],
      ...depths
        .slice(1)
        .map(
          (depth): Tried => [
            `of ${depth} services the last but the first agent is not listed`,
            chained(depth, 5, [stage.agent.id, ...servicesOf(depth).slice(0, -1), first]),
          ],
        ),
    ],
  }),
  conditionCase({
    id: 'policy.own-words',
    words: 'At every other resource the condition holds',
    needs: ['condition-data', 'condition-arguments', 'condition-approval'],
    hold: () => {
      const resource = 'https://other.example'
      return [
        list('data of another resource', { type: 'data', resource, fields: ['/x'] }),
        list('arguments of another resource', { type: 'arguments', resource, of: 'x', where: [{ at: '/x' }] }),
        list('approval of another resource', { type: 'approval', resource, of: '*' }),
      ]
    },
    fail: () => [list('data of no resource', { type: 'data', fields: ['/x'] })],
    more: async (trial, stage) => {
      const resource = 'https://other.example'
      const operation = findSpecial(stage, 'operation', { level: 'authorized', method: 'POST' })
      const of = operation?.special.operation
      if (operation !== undefined)
        for (const condition of [
          { type: 'arguments', resource, of, where: [{ at: '/no-such-place', in: [1] }] },
          { type: 'approval', resource, of: [of] },
        ])
          await trial.accepted(`${condition.type} of another resource, for an operation of the same name`, () =>
            constrained(stage, operation, { constraints: [condition] }),
          )
      const shown = findSpecial(stage, 'answer', { level: 'authorized', method: 'GET' })
      if (shown === undefined) return
      const constraints = [{ type: 'data', resource, fields: ['/no-such-place'] }]
      const response = await trial.accepted('data of another resource', () =>
        constrained(stage, shown, { constraints }),
      )
      trial.holds(
        'its answer is whole',
        response !== undefined && Object.keys(jsonBody(response) ?? {}).length > 0,
        response?.body.toString('utf8').slice(0, 200),
      )
    },
  }),
  {
    id: 'policy.supported',
    words: 'must list exactly the types that every route of it enforces',
    group,
    needs: ['authorized', 'conditions'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      await trial.control('an auth token without conditions', () => constrained(stage, route, {}))
      const listed = stage.metadata?.['constraints_supported'] as readonly string[]
      const strange = listed.filter(type => !(conditionTypes as readonly string[]).includes(type))
      trial.holds('constraints_supported has types of §9.2', strange.length === 0, strange.join(' '))
      const unmet: Readonly<Record<string, Condition>> = {
        resources: { type: 'resources', any: ['https://other.example'] },
        scopes: { type: 'scopes', any: ['other'] },
        purposes: { type: 'purposes', any: ['other'] },
        until: { type: 'until', time: stage.now() - 60 },
        calls: { type: 'calls', max: 0, per: 'day' },
      }
      for (const other of stage.configuration.routes.filter(
        ({ level, scope }) => level === 'authorized' && scope !== 'email',
      ))
        for (const [type, condition] of Object.entries(unmet).filter(([name]) => listed.includes(name)))
          await trial.refused(
            `${type} does not hold at ${other.method} ${other.target}`,
            () => constrained(stage, other, { constraints: [condition] }),
            type === 'calls' ? { status: [403, 429], challenge: 'none' } : denied,
          )
    },
  },
]
