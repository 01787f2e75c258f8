import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { agentTokenDraft, signToken } from '../signing/token.js'
import { type Condition, constrained, denied } from './constrained.js'
import { conditionTypes } from './needs.js'
import { draftFor, type ResourceStage, routeOf, tokenMember } from './stage.js'
import { conditionCase, group, holding, hours, list } from './tried-condition.js'

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
    hold: stage => [list('until in ten minutes', { type: 'until', time: stage.now() + 600 })],
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
    id: 'policy.own-words',
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
  }),
  {
    id: 'policy.supported',
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
  {
    id: 'DEL-51',
    group,
    needs: ['identified', 'conditions'],
    clauses: ['policy.delegates'],
    async run(trial, stage) {
      const route = routeOf(stage, 'identified')
      const delegate = (claims: Readonly<Record<string, unknown>>) => () => {
        const key = makeKey()
        const draft = agentTokenDraft(stage.agent, { sub: 'delegate-2', key, now: stage.now() })
        const token = signToken({ ...draft, claims: { ...draft.claims, ...claims } })
        return signDraft(draftFor(stage, route, { key, keyMember: tokenMember(token) }))
      }
      const aud = [stage.id]
      await trial.control('a delegate without a delegation', delegate({}))
      await trial.accepted('an empty delegation', delegate({ aud, delegation: [] }))
      await trial.accepted('a delegation that holds', delegate({ aud, delegation: [holding] }))
      const ended = { type: 'until', time: stage.now() - 60 }
      await trial.refused('a delegation that has ended', delegate({ aud, delegation: [ended] }), denied)
      await trial.refused('a delegation that nobody knows', delegate({ aud, delegation: [{ type: 'moon' }] }), denied)
      await trial.refused(
        'calls of a grant',
        delegate({ aud, delegation: [{ type: 'calls', max: 5, per: 'grant' }] }),
        denied,
      )
      await trial.refused(
        'its aud is another',
        delegate({ aud: ['https://other.example'], delegation: [holding] }),
        refusals.agentToken,
      )
    },
  },
]
