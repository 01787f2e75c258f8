import type { Case } from '../case/case.js'
import type { Trial } from '../case/trial.js'
import type { Route } from '../config/route.js'
import { headerLines, jsonBody, type WireResponse } from '../wire/message.js'
import { constrained, denied } from './constrained.js'
import { membersOf, pointer } from './content-cases.js'
import { shows } from './shown-answer.js'
import { type ResourceStage, specialRoute } from './stage.js'

const group = 'content'
const about = { level: 'authorized', method: 'GET' } as const

/** A condition that lets some fields of this resource through. */
const data = (stage: ResourceStage, ...fields: readonly string[]) => ({ type: 'data', resource: stage.id, fields })

const under =
  (stage: ResourceStage, route: Route, ...constraints: readonly object[]) =>
  () =>
    constrained(stage, route, { constraints })

/** A list of conditions, and the value that its answer must be. */
interface Projected {
  readonly title: string
  readonly constraints: readonly object[]
  readonly wanted: unknown
}

/** What an answer under several conditions shows. */
function projections(stage: ResourceStage, route: Route): readonly Projected[] {
  const { names, value } = membersOf(route)
  const [first = '', second = ''] = names
  const elements = (name: string): readonly unknown[] => value[name] as readonly unknown[]
  const found = names.find(name => Array.isArray(value[name]) && elements(name).length > 1) ?? ''
  const [one, two] = [data(stage, pointer(first)), data(stage, pointer(second))]
  const both = data(stage, pointer(first), pointer(second))
  const elsewhere = { type: 'data', resource: 'https://other.example', fields: ['/x'] }
  const scalar = names.find(name => typeof value[name] !== 'object' || value[name] === null) ?? ''
  return [
    { title: 'the second list shows less', constraints: [both, two], wanted: { [second]: value[second] } },
    { title: 'the first list shows less', constraints: [one, both], wanted: { [first]: value[first] } },
    { title: 'the lists have nothing in common', constraints: [one, two], wanted: {} },
    { title: 'the third list shows less', constraints: [both, both, one], wanted: { [first]: value[first] } },
    {
      title: 'a list of another resource stands first',
      constraints: [elsewhere, one],
      wanted: { [first]: value[first] },
    },
    {
      title: 'a list of another resource stands last',
      constraints: [one, elsewhere],
      wanted: { [first]: value[first] },
    },
    {
      title: 'one list shows an array, and the next one element of it',
      constraints: [data(stage, pointer(found)), data(stage, `${pointer(found)}/1`)],
      wanted: { [found]: elements(found).map((element, at) => (at === 1 ? element : null)) },
    },
    {
      title: 'one list shows an element of an array, and the next another one',
      constraints: [data(stage, `${pointer(found)}/0`), data(stage, `${pointer(found)}/1`)],
      wanted: { [found]: elements(found).map(() => null) },
    },
    { title: 'a pointer names the whole', constraints: [data(stage, '')], wanted: value },
    { title: 'a pointer names every member', constraints: [data(stage, '/*')], wanted: value },
    {
      title: 'a pointer leads on from a scalar',
      constraints: [data(stage, `${pointer(scalar)}/x`, pointer(first))],
      wanted: undefined,
    },
  ]
}

/** Of an answer under `data`, nothing but its fields goes out. @see protocol §9.2 */
export const projectionCases: readonly Case<ResourceStage>[] = [
  {
    id: 'policy.data',
    words: 'Each list is applied in turn, to what the one before has left',
    group,
    needs: ['answer', 'condition-data'],
    clauses: ['policy.all-hold', 'policy.json'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'answer', about)
      const whole = await trial.control('a request without conditions', () => constrained(stage, route, {}))
      for (const { title, constraints, wanted } of projections(stage, route)) {
        const response = await trial.accepted(title, under(stage, route, ...constraints))
        if (wanted !== undefined) shows(trial, title, { response, wanted, whole })
      }
    },
  },
  {
    id: 'DEL-61',
    words: 'Of an answer that is not 2xx, only the status goes out',
    group,
    needs: ['error', 'condition-data'],
    clauses: ['policy.data', 'policy.data.whole'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'error', about)
      const all = { constraints: [data(stage, '')] }
      const { response: told } = await trial.sent('a request without conditions', () => constrained(stage, route, {}))
      const words = told?.body.toString('utf8') ?? ''
      const isError = told !== undefined && told.status >= 404 && told.status < 600 && words.length > 0
      trial.holds('its handler answers with an error, and words about it', isError, String(told?.status))
      for (const [title, constraints] of [
        ['no field of it may be shown', { constraints: [data(stage, '/nothing-of-this')] }],
        ['all fields may be shown', all],
      ] as const) {
        const { response } = await trial.sent(title, () => constrained(stage, route, constraints))
        trial.holds(`${title}: the status goes out`, response?.status === told?.status, String(response?.status))
        const text = response?.body.toString('utf8') ?? ''
        trial.holds(`${title}: nothing else does`, !jsonTexts(told).some(one => text.includes(one)), text.slice(0, 200))
        tellsNothingBeside(trial, title, { route, told, response })
      }
    },
  },
  {
    id: 'DEL-58',
    words: 'Anything else must be withheld whole',
    group,
    needs: ['text', 'condition-data'],
    clauses: ['policy.data', 'policy.json', 'policy.data.before'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'text', about)
      const told = await trial.control('a request without conditions', () => constrained(stage, route, {}))
      const title = 'a text is no JSON, whatever may be shown'
      const response = await trial.refused(title, under(stage, route, data(stage, '')), denied)
      const body = response === undefined ? undefined : jsonBody(response)
      // The handler has run: an agent must not send the request again.
      trial.holds(
        `${title}: the reason is answer_withheld`,
        body?.['reason'] === 'answer_withheld',
        String(body?.['reason']),
      )
      const text = response?.body.toString('utf8') ?? ''
      trial.holds(`${title}: nothing of it goes out`, !text.includes(told.body.toString('utf8')), text.slice(0, 200))
    },
  },
  {
    id: 'DEL-57',
    words: ['What stays must stay byte for byte', 'There must be no trailers'],
    group,
    needs: ['answer', 'condition-data'],
    clauses: ['policy.json', 'policy.data.whole', 'DEL-59'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'answer', about)
      const told = await trial.control('a request without conditions', () => constrained(stage, route, {}))
      const { names, value } = membersOf(route)
      const title = 'all members are shown, in another order of pointers'
      const fields = names.map(pointer).toReversed()
      const response = await trial.accepted(title, under(stage, route, data(stage, ...fields)))
      shows(trial, title, { response, wanted: value, whole: told })
      for (const name of route.special.answerHeaders ?? [])
        trial.holds(`without conditions, the answer has ${name}`, headerLines(told, name).length > 0)
      tellsNothingBeside(trial, title, { route, told, response })
    },
  },
]

/** The texts of a body, which show where they stand in another one. */
function jsonTexts(response: WireResponse | undefined): readonly string[] {
  const body = response === undefined ? undefined : jsonBody(response)
  const texts = Object.values(body ?? {}).filter(one => typeof one === 'string' && one.length > 3)
  return texts.length > 0 ? (texts as string[]) : [response?.body.toString('utf8') ?? '']
}

/** No header of the handler goes out, nor a trailer, an interim response or a phrase of it. */
function tellsNothingBeside(
  trial: Trial,
  title: string,
  o: { readonly route: Route; readonly told: WireResponse | undefined; readonly response: WireResponse | undefined },
): void {
  const { route, told, response } = o
  if (response === undefined) return
  const named = (route.special.answerHeaders ?? []).filter(name => headerLines(response, name).length > 0)
  trial.holds(`${title}: no header of the handler goes out`, named.length === 0, named.join(' '))
  const trailers = response.trailers.map(([name]) => name).join(' ')
  trial.holds(`${title}: there are no trailers`, trailers === '', trailers)
  trial.holds(`${title}: there is no interim response`, response.interim === 0, `there were ${response.interim}`)
  const own = told?.phrase ?? ''
  const isOwn = own !== '' && !usualPhrases.has(own.toLowerCase()) && response.phrase === own
  trial.holds(`${title}: the phrase of the handler does not go out`, !isOwn, response.phrase)
}

/** What servers write after these statuses by themselves. */
const usualPhrases: ReadonlySet<string> = new Set([
  'ok',
  'bad request',
  'not found',
  'conflict',
  'gone',
  'unprocessable entity',
  'unprocessable content',
  'internal server error',
])
