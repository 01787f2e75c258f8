import { gzipSync } from 'node:zlib'
import type { Case } from '../case/case.js'
import type { Route } from '../config/route.js'
import type { Draft } from '../signing/draft.js'
import { headerValue, jsonBody, type WireRequest } from '../wire/message.js'
import { type Constrained, constrained, denied } from './constrained.js'
import { shows, through } from './shown-answer.js'
import { isJson } from './shown-json.js'
import { type ResourceStage, specialRoute } from './stage.js'
import { withQuery } from './variations.js'

const group = 'content'
const dataNeeds = ['answer', 'condition-data']
const argumentNeeds = ['operation', 'condition-arguments']

/** The members of an answer that is always the same. */
export function membersOf(route: Route): {
  readonly names: readonly string[]
  readonly value: Readonly<Record<string, unknown>>
} {
  const value = JSON.parse(route.special.answer ?? '{}') as Readonly<Record<string, unknown>>
  return { names: Object.keys(value), value }
}

/** The pointer of a member of the whole. */
export const pointer = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** A request whose answer shows some fields only. */
const showing =
  (stage: ResourceStage, fields: readonly unknown[], more: Partial<Constrained> = {}) =>
  () =>
    constrained(stage, specialRoute(stage, 'answer', { level: 'authorized', method: 'GET' }), {
      constraints: [{ type: 'data', resource: stage.id, fields }],
      ...more,
    })

/** A request with a body, whose arguments must meet rules. */
export function arguing(
  stage: ResourceStage,
  where: unknown,
  o: { readonly body?: string; readonly draft?: Constrained['draft']; readonly of?: string } = {},
): () => WireRequest {
  const route = specialRoute(stage, 'operation', { level: 'authorized', method: 'POST' })
  const { operation } = route.special
  const draft = (one: Draft): Draft => {
    const changed = { ...one, body: Buffer.from(o.body ?? route.body) }
    return o.draft?.(changed) ?? changed
  }
  const constraints = [{ type: 'arguments', resource: stage.id, of: o.of ?? operation, where }]
  return () => constrained(stage, route, { constraints, draft })
}

const withHeader =
  (name: string, value: string) =>
  (draft: Draft): Draft => ({
    ...draft,
    headers: [...draft.headers, [name, value]],
  })

/** Conditions on what a request says and what its answer shows. */
export const contentCases: readonly Case<ResourceStage>[] = [
  {
    id: 'DEL-54',
    group,
    needs: dataNeeds,
    clauses: ['policy.data'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'answer', { level: 'authorized', method: 'GET' })
      const { names, value } = membersOf(route)
      const [first = '', ...hidden] = names
      const whole = await trial.control('a request without conditions', () => constrained(stage, route, {}))
      trial.holds('the answer is the one that is declared', isJson(whole.body.toString('utf8'), value))
      const title = `only ${pointer(first)} is shown`
      const response = await trial.accepted(title, showing(stage, [pointer(first)]))
      shows(trial, title, { response, whole, wanted: { [first]: value[first] } })
      const all = await trial.accepted('all members are shown', showing(stage, names.map(pointer)))
      shows(trial, 'all members are shown', { response: all, whole, wanted: value })
      const none = await trial.accepted('a member that is not there is shown', showing(stage, ['/nothing-of-this']))
      shows(trial, 'a member that is not there is shown', { response: none, whole, wanted: {} })
      trial.holds('there is something to hide', hidden.length > 0, names.join(' '))
    },
  },
  {
    id: 'DEL-55',
    group,
    needs: dataNeeds,
    async run(trial, stage) {
      const route = specialRoute(stage, 'answer', { level: 'authorized', method: 'GET' })
      const { names, value } = membersOf(route)
      const found = names.find(name => Array.isArray(value[name]) && (value[name] as unknown[]).length > 1)
      const elements = found === undefined ? [] : (value[found] as unknown[])
      const whole = await trial.control('a request without conditions', () => constrained(stage, route, {}))
      trial.holds('the answer has a list with two elements', elements.length > 1)
      const at = pointer(found ?? '')
      const first = await trial.accepted('the first element is shown', showing(stage, [`${at}/0`]))
      shows(trial, 'the first element is shown', {
        response: first,
        whole,
        wanted: { [found ?? '']: elements.map((one, place) => (place === 0 ? one : null)) },
      })
      for (const segment of ['-', '01']) {
        const title = `${at}/${segment} names nothing`
        const response = await trial.accepted(title, showing(stage, [`${at}/${segment}`]))
        shows(trial, title, { response, whole, wanted: { [found ?? '']: elements.map(() => null) } })
      }
      const every = await trial.accepted('every element is shown', showing(stage, [`${at}/*`]))
      shows(trial, 'every element is shown', { response: every, whole, wanted: { [found ?? '']: elements } })
      await trial.refused('a pointer without a slash', showing(stage, [found]), denied)
      await trial.refused('no pointer at all', showing(stage, []), denied)
    },
  },
  {
    id: 'policy.data.scalar',
    words: 'as a member it goes, as an element it becomes `null`',
    group,
    needs: dataNeeds,
    async run(trial, stage) {
      const route = specialRoute(stage, 'answer', { level: 'authorized', method: 'GET' })
      const { names, value } = membersOf(route)
      const whole = await trial.control('a request without conditions', () => constrained(stage, route, {}))
      // Each leads through a member, or through the elements of one, and names nothing behind it.
      for (const name of names)
        for (const beyond of [['nothing-of-this'], ['*', 'nothing-of-this']]) {
          const field = `${pointer(name)}/${beyond.join('/')}`
          const title = `only ${field} is shown`
          const wanted = through(value, [name, ...beyond])
          const response = await trial.accepted(title, showing(stage, [field]))
          shows(trial, title, { response, whole, wanted })
        }
    },
  },
  {
    id: 'DEL-60',
    words: 'must be taken off a safe request',
    group,
    needs: dataNeeds,
    clauses: ['policy.data.whole'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'answer', { level: 'authorized', method: 'GET' })
      const { names, value } = membersOf(route)
      const [first = ''] = names
      const fields = [pointer(first)]
      const whole = await trial.control('a request without conditions', () => constrained(stage, route, {}))
      await trial.control('a request whose answer shows one member', showing(stage, fields))
      for (const [name, text] of [
        ['range', 'bytes=0-9'],
        ['if-none-match', '*'],
        ['if-modified-since', 'Fri, 01 Jan 2100 00:00:00 GMT'],
        ['accept-encoding', 'gzip, deflate, br'],
      ] as const) {
        const title = `it has ${name}`
        const response = await trial.accepted(title, showing(stage, fields, { draft: withHeader(name, text) }))
        trial.holds(`${title}: the status is 200`, response?.status === 200, String(response?.status))
        shows(trial, title, { response, whole, wanted: { [first]: value[first] } })
      }
    },
  },
  {
    id: 'policy.data.before',
    words: 'must be refused before its handler runs',
    group,
    needs: ['operation', 'condition-data'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'operation', { level: 'authorized', method: 'POST' })
      const under = (constraints: readonly object[], name: string, value: string) => () =>
        constrained(stage, route, { constraints, draft: withHeader(name, value) })
      const data = [{ type: 'data', resource: stage.id, fields: ['/a'] }]
      await trial.control('a request that changes something', () => constrained(stage, route, {}))
      for (const [name, value] of [
        ['range', 'bytes=0-9'],
        ['if-unmodified-since', 'Fri, 01 Jan 2100 00:00:00 GMT'],
      ] as const) {
        await trial.accepted(`it has ${name}`, under([], name, value))
        const title = `it has ${name} under data`
        const response = await trial.refused(title, under(data, name, value), denied)
        // An agent must not send again what was carried out, and may mend what was not.
        const reason = response && jsonBody(response)?.['reason']
        trial.holds(`${title}: the reason is that nothing was done`, reason === 'condition_data', String(reason))
      }
    },
  },
  {
    id: 'DEL-59',
    words: 'Of headers only',
    group,
    needs: dataNeeds,
    clauses: ['policy.data.whole'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'answer', { level: 'authorized', method: 'GET' })
      const [first = ''] = membersOf(route).names
      await trial.control('a request without conditions', () => constrained(stage, route, {}))
      const response = await trial.accepted('an answer that shows one member', showing(stage, [pointer(first)]))
      for (const name of [
        'etag',
        'content-digest',
        'link',
        'location',
        'set-cookie',
        'last-modified',
        'content-disposition',
      ])
        trial.holds(`the answer has no ${name}`, response !== undefined && headerValue(response, name) === undefined)
    },
  },
  {
    id: 'DEL-69',
    words: 'Every leaf must lie at or beneath',
    group,
    needs: argumentNeeds,
    clauses: ['policy.arguments'],
    async run(trial, stage) {
      const body = '{"a":1,"b":{"c":[]},"d":"x"}'
      const all = [{ at: '/a' }, { at: '/b' }, { at: '/d' }]
      await trial.control('each argument lies beneath a place', arguing(stage, all, { body }))
      await trial.accepted('the whole lies beneath one', arguing(stage, [{ at: '' }], { body }))
      await trial.refused('one does not', arguing(stage, all.slice(1), { body }), denied)
      await trial.refused('an empty one does not', arguing(stage, [{ at: '/a' }, { at: '/d' }], { body }), denied)
      await trial.refused(
        'a place holds nothing, where it must hold 1',
        arguing(stage, [{ at: '/e', in: [1] }, ...all], { body }),
        denied,
      )
    },
  },
  {
    id: 'policy.operation-spelling',
    words: 'equals one that such a condition of this resource names but for case',
    group,
    needs: argumentNeeds,
    async run(trial, stage) {
      const { operation = '' } = specialRoute(stage, 'operation', { level: 'authorized', method: 'POST' }).special
      const any = [{ at: '' }]
      await trial.control('the condition is for this operation', arguing(stage, any))
      await trial.accepted('it is for another', arguing(stage, any, { of: `${operation}-too` }))
      const others = [operation.toUpperCase(), `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`]
      for (const of of others.filter(name => name !== operation))
        await trial.refused(`it is for ${of}`, arguing(stage, any, { of }), denied)
    },
  },
  {
    id: 'DEL-71',
    words: ['must have no query, and a body that is JSON', 'No object of the arguments may have two members'],
    group,
    needs: argumentNeeds,
    clauses: ['DEL-76', 'policy.folded', 'policy.json'],
    async run(trial, stage) {
      const any = [{ at: '' }]
      await trial.control('a body of plain JSON', arguing(stage, any))
      await trial.refused('a member comes twice', arguing(stage, any, { body: '{"a":1,"a":2}' }), {
        status: [400, 403],
      })
      const apart = '{"a":1,"b":[{"A":2}]}'
      await trial.accepted('two members in two objects differ in case only', arguing(stage, any, { body: apart }))
      for (const body of ['{"a":1,"A":2}', '{"b":[{"ab":1,"a\u200bb":2}]}', '{"a":1,"\uff41":2}'])
        await trial.refused(
          `two members are equal when folded: ${JSON.stringify(body)}`,
          arguing(stage, any, { body }),
          {
            status: [400, 403],
          },
        )
      await trial.refused('it is no JSON', arguing(stage, any, { body: '{"a":' }), { status: [400, 403] })
      const queried = (draft: Draft): Draft => ({ ...draft, target: withQuery(draft.target, 'a=1') })
      await trial.refused('there is a query', arguing(stage, any, { draft: queried }), denied)
      const coded = (draft: Draft): Draft => {
        return { ...withHeader('content-encoding', 'gzip')(draft), body: gzipSync(draft.body) }
      }
      await trial.refused('it has a content coding', arguing(stage, any, { draft: coded }), {
        status: [400, 403, 415],
      })
    },
  },
  {
    id: 'DEL-72',
    words: 'each value that it names must meet the matcher',
    group,
    needs: argumentNeeds,
    clauses: ['DEL-73', 'DEL-74'],
    async run(trial, stage) {
      const body = '{"n":5,"s":"abc"}'
      const rules = (n: object, s: object = {}) => [
        { at: '/n', ...n },
        { at: '/s', ...s },
      ]
      await trial.control('a number in its bounds', arguing(stage, rules({ min: 5 }), { body }))
      await trial.accepted('a text with its beginning', arguing(stage, rules({}, { prefix: 'ab' }), { body }))
      await trial.accepted('a number at its upper bound', arguing(stage, rules({ max: 5 }), { body }))
      await trial.accepted('one of some values', arguing(stage, rules({ in: [4, 5] }, { in: ['abc'] }), { body }))
      await trial.accepted('a text of three characters', arguing(stage, rules({}, { maxLength: 3 }), { body }))
      for (const [title, where] of [
        ['a number under its bound', rules({ min: 6 })],
        ['a number over its bound', rules({ max: 4 })],
        ['a text where a number must be', rules({}, { min: 1 })],
        ['a number as text among the values', rules({ in: ['5'] })],
        ['a text with another beginning', rules({}, { prefix: 'B' })],
        ['a text of more characters', rules({}, { maxLength: 2 })],
        ['two matchers in one rule', rules({ min: 1, in: [5] })],
      ] as const)
        await trial.refused(title, arguing(stage, where, { body }), denied)
    },
  },
]
