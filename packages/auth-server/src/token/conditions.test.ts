import type { Conditions } from '@countersign/conditions'
import { verifies } from '@countersign/requirements'
import {
  ask,
  delegate,
  granted,
  newYear,
  resourceToken,
  type Signer,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { describe, expect, test } from 'vitest'
import { directGrants } from '../policy/policies.js'
import type { Policy } from '../policy/policy.js'

const calendar = 'https://calendar.example'
const line = {
  agent: 'https://agent.example',
  delegates: 'any',
  resource: calendar,
  scopes: ['events.read', 'events.write'],
} as const
const all = ['resources', 'scopes', 'purposes', 'until', 'hours', 'calls', 'chain', 'data', 'arguments', 'approval']

/** A calendar that enforces conditions, and an operator who demands some. */
async function strict(operator: Conditions = [], members: Record<string, unknown> = {}): Promise<World> {
  const made = await world({ policy: directGrants([{ ...line, conditions: operator }]) })
  publishResource(made, calendar, [made.resourceKey], {
    constraints_supported: all,
    purposes: { support: 'Answer guests', billing: 'Send bills', marketing: 'Advertise' },
    operations: { send: 'Send an invitation' },
    ...members,
  })
  return made
}

const phone = (made: World, delegation: unknown): Promise<Signer> => delegate(made, 'phone', { claims: { delegation } })

async function asked(
  made: World,
  signer: Signer,
  form: Record<string, string> = {},
  scope = 'events.read',
): Promise<Response> {
  const resource_token = await resourceToken(made, signer, { claims: { scope } })
  return send(made, signer, { request_type: 'auth', resource_token, ...form })
}

async function claims(response: Response): Promise<Record<string, unknown>> {
  return part((await bodyOf(response))['auth_token'], 1)
}

const refusal = async (response: Promise<Response>) => refusalOf(await response)
const issued = (made: World): number => made.events.filter(({ type }) => type === 'granted').length

describe('a delegation', () => {
  test(
    verifies('DEL-02', 'DEL-03', 'DEL-01', 'that is no list of known conditions is refused, and [] holds'),
    async () => {
      const made = await strict()
      const wrong = [
        null,
        {},
        'x',
        [null],
        [[]],
        [{}],
        [{ type: null }],
        [{ type: 'until', time: newYear + 9 }, { type: 'moon' }],
      ]
      for (const delegation of wrong)
        expect(await refusal(asked(made, await phone(made, delegation))), JSON.stringify(delegation)).toEqual(
          plain(403, 'policy_denied', 'condition_malformed'),
        )
      expect(issued(made)).toBe(0)
      expect(await claims(await asked(made, await phone(made, [])))).not.toHaveProperty('constraints')
    },
  )

  test(
    verifies('DEL-14', 'policy.scopes', 'with scopes gives nothing for a scope beside them, not even the rest'),
    async () => {
      const made = await strict()
      const signer = await phone(made, [{ type: 'scopes', any: ['events.read'] }])
      const denied = plain(403, 'access_denied', 'condition_scope')
      expect(await refusal(asked(made, signer, {}, 'events.read events.write'))).toEqual(denied)
      expect(issued(made)).toBe(0)
      expect(await claims(await asked(made, signer))).toMatchObject({
        scope: 'events.read',
        constraints: [{ type: 'scopes', any: ['events.read'] }],
      })
    },
  )

  test(verifies('DEL-51', 'policy.delegates', 'is accepted at the audience of its token alone'), async () => {
    const made = await strict()
    const token = (aud: readonly string[]) =>
      delegate(made, 'phone', { claims: { aud, delegation: [{ type: 'until', time: newYear + 60 }] } })
    expect(await refusal(asked(made, await token(['https://other.example'])))).toMatchObject({ status: 401 })
    expect(await claims(await asked(made, await token(['https://auth.example'])))).toMatchObject({ exp: newYear + 60 })
  })

  test(
    verifies('DEL-53', 'of ten services that nothing is passed on to names the resource alone in its token'),
    async () => {
      const made = await strict()
      const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(number => `https://s${number}.example`)
      const resources = { type: 'resources', any: [...nine, calendar] }
      const { constraints } = await claims(await asked(made, await phone(made, [{ type: 'chain', max: 0 }, resources])))
      expect(constraints).toEqual([
        { type: 'chain', max: 0 },
        { type: 'resources', any: [calendar] },
      ])
      // Where it may be passed on, they are needed.
      const passed = await claims(await asked(made, await phone(made, [{ type: 'chain', max: 1 }, resources])))
      expect(passed['constraints']).toEqual([{ type: 'chain', max: 1 }, resources])
    },
  )

  test(verifies('DEL-39', 'policy.calls', 'has no calls per grant, and neither has a direct grant'), async () => {
    const made = await strict()
    const grantCalls = [
      { type: 'calls', max: 1, per: 'grant' } as const,
      { type: 'until', time: newYear + 60 } as const,
    ]
    expect(await refusal(asked(made, await phone(made, grantCalls)))).toEqual(
      plain(403, 'policy_denied', 'condition_malformed'),
    )
    const perDay = [{ type: 'calls', max: 1, per: 'day' } as const]
    expect((await asked(made, await phone(made, perDay))).status).toBe(200)
    expect(() => directGrants([{ ...line, conditions: grantCalls }])).toThrow('calls per grant need a user')
    expect(directGrants([{ ...line, conditions: perDay }])).toBeTypeOf('function')
    // A function policy is judged when it answers: nothing is granted.
    const loose: Policy = () => ({ decision: 'direct', conditions: grantCalls })
    const other = await world({ policy: loose })
    expect((await ask(other, await delegate(other, 'phone'))).status).toBe(500)
  })
})

describe('a token', () => {
  test(
    verifies(
      'DEL-23',
      'policy.until',
      'never outlives until, a refreshed one neither, and after it the refresh token is kept',
    ),
    async () => {
      const until = { type: 'until', time: newYear + 100 } as const
      const made = await strict([until])
      const signer = await delegate(made, 'phone')
      const first = await granted(await ask(made, signer))
      expect(part(first.auth_token, 1)).toMatchObject({ exp: newYear + 100, constraints: [until] })
      const refresh = () => send(made, signer, { request_type: 'refresh', refresh_token: first.refresh_token })
      made.clock.now += 99
      expect(await claims(await refresh())).toMatchObject({ exp: newYear + 100 })
      made.clock.now += 2
      expect(await refusal(refresh())).toEqual(plain(403, 'access_denied', 'condition_ended'))
      made.clock.now -= 2
      expect((await refresh()).status).toBe(200)
    },
  )

  test(
    verifies('DEL-28', 'ends with the window of its hours, in the hour that comes twice with the first'),
    async () => {
      const hours = { type: 'hours', zone: 'Europe/Paris', days: [7], from: '02:00', to: '02:30' } as const
      const clock = { now: Date.UTC(2026, 9, 25, 0, 10) / 1000 }
      const made = await world({
        policy: directGrants([{ ...line, conditions: [hours] }]),
        clock,
        authTokenLifetime: 3600,
      })
      publishResource(made, calendar, [made.resourceKey], { constraints_supported: all })
      const signer = await delegate(made, 'phone')
      const { exp } = await claims(await ask(made, signer))
      expect(exp).toBe(Date.UTC(2026, 9, 25, 0, 30) / 1000)
      clock.now = Date.UTC(2026, 9, 25, 0, 45) / 1000
      expect(await refusal(ask(made, await delegate(made, 'phone')))).toEqual(
        plain(403, 'access_denied', 'condition_outside_hours'),
      )
    },
  )

  test(
    verifies(
      'DEL-46',
      'policy.narrow',
      'has all conditions of operator and delegate; one is dropped only for its equal',
    ),
    async () => {
      const made = await strict([
        { type: 'calls', max: 5, per: 'hour' },
        { type: 'calls', max: 5, per: 'minute' },
      ])
      const own = [
        { type: 'calls', max: 5, per: 'minute' },
        { type: 'calls', max: 9, per: 'day' },
      ]
      const { constraints } = await claims(await asked(made, await phone(made, own)))
      expect(constraints).toEqual([
        { type: 'calls', max: 5, per: 'hour' },
        { type: 'calls', max: 5, per: 'minute' },
        { type: 'calls', max: 9, per: 'day' },
      ])
    },
  )

  test(
    verifies('DEL-33', 'policy.calls', 'names for its count the same caller, whatever grant, scope, key or spelling'),
    async () => {
      let operator: Conditions = JSON.parse('[{"type":"calls","max":3,"per":"day"}]')
      const made = await world({ policy: () => ({ decision: 'direct', conditions: operator }) })
      publishResource(made, calendar, [made.resourceKey], { constraints_supported: all })
      const signer = await delegate(made, 'phone')
      const first = await granted(await ask(made, signer))
      const refreshed = await claims(
        await send(made, signer, { request_type: 'refresh', refresh_token: first.refresh_token }),
      )
      const next = await claims(await asked(made, signer))
      const wider = await claims(await asked(made, signer, {}, 'events.read events.write'))
      const rotated = await claims(await asked(made, await delegate(made, 'phone')))
      operator = JSON.parse('[{"per":"day","max":3.0,"type":"calls"}]')
      const rewritten = await claims(await asked(made, signer))
      const tokens = [part(first.auth_token, 1), refreshed, next, wider, rotated, rewritten]
      // What a resource counts by (§9.2).
      const counted = tokens.map(({ iss, sub, agent, agent_delegate, act }) => [iss, sub, agent, agent_delegate, act])
      expect(counted).toEqual(
        tokens.map(() => ['https://auth.example', undefined, 'https://agent.example', 'phone', undefined]),
      )
      expect(refreshed['grant']).toBe(tokens[0]?.['grant'])
      expect(new Set(tokens.map(({ grant }) => grant)).size).toBe(5)
      expect(JSON.stringify(rotated['cnf'])).not.toBe(JSON.stringify(next['cnf']))
      for (const { constraints } of tokens) expect(constraints).toEqual([{ type: 'calls', max: 3, per: 'day' }])
    },
  )

  test(verifies('DEL-50', 'has at a refresh the conditions of today’s agent token and operator'), async () => {
    let operator: Conditions = []
    const made = await world({ policy: () => ({ decision: 'direct', conditions: operator }) })
    publishResource(made, calendar, [made.resourceKey], { constraints_supported: all })
    const before = await phone(made, [{ type: 'calls', max: 9, per: 'day' }])
    const { refresh_token } = await granted(await asked(made, before, {}, 'events.read events.write'))
    const refresh = (signer: Signer) => send(made, signer, { request_type: 'refresh', refresh_token })
    const narrowed = await phone(made, [{ type: 'calls', max: 2, per: 'day' }])
    expect(await claims(await refresh(narrowed))).toMatchObject({
      constraints: [{ type: 'calls', max: 2, per: 'day' }],
    })
    expect(await claims(await refresh(before))).toMatchObject({ constraints: [{ type: 'calls', max: 9, per: 'day' }] })
    operator = [{ type: 'chain', max: 0 }]
    expect(await claims(await refresh(before))).toMatchObject({
      constraints: [
        { type: 'chain', max: 0 },
        { type: 'calls', max: 9, per: 'day' },
      ],
    })
    const outside = await phone(made, [{ type: 'scopes', any: ['events.read'] }])
    expect(await refusal(refresh(outside))).toEqual(plain(403, 'access_denied', 'condition_scope'))
    expect((await refresh(before)).status).toBe(200)
    const events = made.events.filter(({ type }) => type === 'refreshed')
    expect(events[0]).toMatchObject({ conditions: ['calls'] })
    expect(JSON.stringify(events)).not.toContain('"max"')
  })

  test(
    verifies('policy.shape', 'policy.narrow', 'has at most 32 conditions, of operator and delegate together'),
    async () => {
      // None of them implies another.
      const many = (from: number) =>
        Array.from({ length: 20 }, (_, at) => ({ type: 'scopes', any: ['events.read', `x${from + at}`] }) as const)
      const made = await strict(many(100))
      expect(await refusal(asked(made, await phone(made, many(200))))).toEqual(
        plain(403, 'access_denied', 'conditions_too_long'),
      )
      expect((await asked(made, await phone(made, many(200).slice(0, 12)))).status).toBe(200)
    },
  )

  test(verifies('policy.supported', 'goes only to a resource that enforces all its kinds'), async () => {
    const made = await strict([{ type: 'calls', max: 1, per: 'day' }], { constraints_supported: ['until'] })
    const response = await ask(made, await delegate(made, 'phone'))
    expect(await response.clone().text()).toContain('calls')
    expect(await refusalOf(response)).toEqual(plain(403, 'access_denied', 'conditions_unsupported'))
    const twin = await strict([{ type: 'until', time: newYear + 9 }], { constraints_supported: ['until'] })
    expect((await ask(twin, await delegate(twin, 'phone'))).status).toBe(200)
  })

  test(
    verifies(
      'DEL-48',
      'policy.words',
      'with a word that the resource does not publish is refused, and the word is named',
    ),
    async () => {
      const lists: ReadonlyArray<readonly [Conditions[number], string]> = [
        [{ type: 'approval', resource: calendar, of: ['sent'] }, 'sent'],
        [{ type: 'arguments', resource: calendar, of: 'sent', where: [{ at: '/to' }] }, 'sent'],
        [{ type: 'purposes', any: ['support', 'suport'] }, 'suport'],
      ]
      for (const [condition, word] of lists) {
        const made = await strict([condition])
        const response = await asked(made, await delegate(made, 'phone'), { purposes: 'support' })
        expect(await response.clone().text()).toContain(word)
        expect(await refusalOf(response), word).toEqual(plain(403, 'access_denied', 'condition_word_unknown'))
      }
      const twins: Conditions = [
        { type: 'approval', resource: calendar, of: ['send'] },
        { type: 'approval', resource: calendar, of: '*' },
        { type: 'arguments', resource: calendar, of: 'send', where: [{ at: '/to' }] },
        // The words of another resource are not this one's.
        { type: 'approval', resource: 'https://mail.example', of: ['sent'] },
        { type: 'purposes', any: ['support', 'billing'] },
      ]
      const made = await strict(twins)
      expect(await claims(await asked(made, await delegate(made, 'phone'), { purposes: 'support' }))).toMatchObject({
        // `*` implies the first.
        constraints: twins.slice(1),
      })
    },
  )
})

describe('purposes', () => {
  test(verifies('DEL-16', 'policy.purposes', 'that are listed stand in the token, all of them'), async () => {
    const made = await strict([{ type: 'purposes', any: ['support', 'billing'] }])
    const signer = await delegate(made, 'phone')
    expect(await claims(await asked(made, signer, { purposes: 'support billing' }))).toMatchObject({
      purposes: 'support billing',
    })
    const denied = plain(403, 'access_denied', 'condition_purpose')
    expect(await refusal(asked(made, signer, { purposes: 'support marketing' }))).toEqual(denied)
    expect(await refusal(asked(made, signer))).toEqual(denied)
    const { refresh_token } = await granted(await asked(made, signer, { purposes: 'support' }))
    expect(await claims(await send(made, signer, { request_type: 'refresh', refresh_token }))).toMatchObject({
      purposes: 'support',
    })
  })

  test(verifies('DEL-17', 'that the resource does not publish, or that are no list, are refused'), async () => {
    const made = await strict()
    const signer = await delegate(made, 'phone')
    const wrong = [
      ['suport', 'purpose_unknown'],
      ['support constructor', 'purpose_unknown'],
      ['support support', 'purposes_malformed'],
      ['support\tbilling', 'purposes_malformed'],
      ['support  billing', 'purposes_malformed'],
    ] as const
    for (const [purposes, reason] of wrong)
      expect(await refusal(asked(made, signer, { purposes })), purposes).toEqual(plain(400, 'invalid_request', reason))
    const resource_token = await resourceToken(made, signer)
    const twice = `request_type=auth&resource_token=${resource_token}&purposes=support&purposes=billing`
    expect(await refusal(send(made, signer, twice))).toMatchObject({ status: 400, error: 'invalid_request' })
    expect(issued(made)).toBe(0)
    expect((await asked(made, signer, { purposes: 'support' })).status).toBe(200)
  })
})
