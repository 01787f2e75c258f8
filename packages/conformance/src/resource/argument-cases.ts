import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { isAccepted } from '../case/trial.js'
import type { Draft } from '../signing/draft.js'
import { denied } from './constrained.js'
import { arguing } from './content-cases.js'
import type { ResourceStage } from './stage.js'

const group = 'content'
const needs = ['operation', 'condition-arguments']
/** It is no JSON, or none that can be judged: where a parser reads it first, it says so. */
const noJson: Refusal = { status: [400, 403, 415] }
const any = [{ at: '' }]

const typed =
  (contentType: string) =>
  (draft: Draft): Draft => ({
    ...draft,
    headers: draft.headers.map(line => (line[0] === 'content-type' ? ['content-type', contentType] : line)),
  })

const bytes =
  (body: Buffer) =>
  (draft: Draft): Draft => ({ ...draft, body })

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

/** Rules, a body that meets them, and one that differs in one thing and does not. */
type Ruled = readonly [title: string, where: readonly object[], right: string, wrong: string]

const ruled: readonly Ruled[] = [
  ['a place without a matcher, with nothing there', [{ at: '/a' }, { at: '/b' }], '{"b":1}', '{"c":1}'],
  ['a number is written otherwise', [{ at: '/a', in: [5] }], '{"a":5.0}', '{"a":5.1}'],
  ['null among the values', [{ at: '/a', in: [null, false] }], '{"a":null}', '{"a":0}'],
  ['false among the values', [{ at: '/a', in: [null, false] }], '{"a":false}', '{"a":""}'],
  ['every element of an array', [{ at: '/a/*', max: 3 }], '{"a":[1,2,3]}', '{"a":[1,2,4]}'],
  ['every member of an object', [{ at: '/*/n', min: 1 }], '{"a":{"n":1},"b":{"n":2}}', '{"a":{"n":1},"b":{"n":0}}'],
  ['one element by its index', [{ at: '/a/1', in: [2] }, { at: '/a/0' }], '{"a":[9,2]}', '{"a":[2,9]}'],
  ['a name with a slash', [{ at: '/a~1b', in: [1] }], '{"a/b":1}', '{"a~1b":1}'],
  ['a name with a tilde', [{ at: '/a~0b', in: [1] }], '{"a~b":1}', '{"a~0b":1}'],
  [
    'a text by its code points',
    [{ at: '/a', maxLength: 2 }],
    '{"a":"\u{1f375}\u{1f375}"}',
    '{"a":"\u{1f375}\u{1f375}x"}',
  ],
  ['an array by its elements', [{ at: '/a', maxLength: 2 }], '{"a":["long text","x"]}', '{"a":[1,2,3]}'],
  [
    'a prefix that is not normalised',
    [{ at: '/a', prefix: '\u00e9' }],
    '{"a":"\u00e9t\u00e9"}',
    '{"a":"e\u0301t\u00e9"}',
  ],
  ['a prefix that is not folded', [{ at: '/a', prefix: 'ab' }], '{"a":"abc"}', '{"a":"Abc"}'],
  ['the empty prefix', [{ at: '/a', prefix: '' }], '{"a":""}', '{"a":1}'],
  ['a negative number', [{ at: '/a', min: -1.5 }], '{"a":-1.5}', '{"a":-1.6}'],
  ['the largest integer', [{ at: '/a', min: 0 }], '{"a":9007199254740991}', '{"a":9007199254740992}'],
  ['a place that holds nothing', [{ at: '/a', in: [1] }, { at: '/b' }], '{"a":1,"b":2}', '{"b":2}'],
  [
    'members in another order',
    [
      { at: '/b', in: [2] },
      { at: '/a', in: [1] },
    ],
    '{"b":2,"a":1}',
    '{"b":1,"a":2}',
  ],
]

/** What stands in a request, by which rules. @see protocol §9.2 */
export const argumentCases: readonly Case<ResourceStage>[] = [
  {
    id: 'policy.arguments',
    group,
    needs,
    async run(trial, stage) {
      await trial.control('a request whose arguments may be anything', arguing(stage, any))
      for (const [title, where, right, wrong] of ruled) {
        await trial.accepted(`${title}: ${right}`, arguing(stage, where, { body: right }))
        await trial.refused(`${title}: ${wrong}`, arguing(stage, where, { body: wrong }), denied)
      }
    },
  },
  {
    id: 'policy.json',
    words: 'JSON* here is a body with exactly one',
    group,
    needs,
    async run(trial, stage) {
      const body = '{"a":1}'
      await trial.control('a body of JSON', arguing(stage, any, { body }))
      for (const type of ['application/json; charset=utf-8', 'Application/JSON'])
        await trial.accepted(`its type is ${type}`, arguing(stage, any, { body, draft: typed(type) }))
      const suffixed = 'application/vnd.example+json'
      const { response } = await trial.sent(
        `its type is ${suffixed}`,
        arguing(stage, any, { body, draft: typed(suffixed) }),
      )
      // A route need not take it, but the condition holds.
      trial.holds(`its type is ${suffixed}: the condition holds`, isAccepted(response) || response?.status === 415)
      await trial.accepted('it is 64 levels deep', arguing(stage, any, { body: nested(64) }))
      await trial.refused('it is 65 levels deep', arguing(stage, any, { body: nested(65) }), noJson)
      for (const type of ['text/plain', 'application/jsonp', 'application/json; charset=utf-16', 'application/xml'])
        await trial.refused(`its type is ${type}`, arguing(stage, any, { body, draft: typed(type) }), noJson)
      for (const [title, raw] of [
        ['it has a byte order mark', Buffer.from(`\ufeff${body}`)],
        ['it is no UTF-8', Buffer.from('{"a":"\xff"}', 'latin1')],
        ['it is UTF-16', Buffer.from(body, 'utf16le')],
        ['it goes on after its end', Buffer.from(`${body}{}`)],
        ['it has a comment', Buffer.from('{"a":1/* one */}')],
        ['it has a comma too many', Buffer.from('{"a":1,}')],
      ] as const)
        await trial.refused(title, arguing(stage, any, { draft: bytes(raw) }), noJson)
    },
  },
]
