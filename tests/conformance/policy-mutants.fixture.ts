import type { Mutant } from './mutants.fixture.js'

const digest = 'protocol/dist/token/operation-digest.js'
/** Text of the built file: its braces are those of a template. */
const byName = ['return at < 0 ? `~$', '{name}` : `$', '{at}`;'].join('')
const answerRule = 'resource/dist/answer/answer-rule.js'

/** Resources that judge conditions and approvals, each with one fault of those who write such a thing. */
export const policyMutants: readonly Mutant[] = [
  {
    lacks: 'an order by name of what else an approval binds',
    file: digest,
    find: byName,
    replace: "return at < 0 ? '~' : String(at);",
    fails: ['approval.digest'],
  },
  {
    lacks: 'the order of one name, of which more is bound than once',
    file: digest,
    find: 'a.rank === b.rank ? 0 :',
    replace: 'a.rank === b.rank ? (a.line < b.line ? -1 : 1) :',
    fails: ['approval.digest'],
  },
  {
    lacks: 'further components in what an approval binds',
    file: digest,
    find: byName,
    replace: "return at < 0 ? '' : String(at);",
    fails: ['approval.digest', 'APR-19'],
  },
  {
    lacks: 'the place of content codings in what an approval binds',
    file: digest,
    find: "'content-type', 'content-encoding', 'content-digest'",
    replace: "'content-type', 'content-digest'",
    fails: ['APR-19'],
  },
  {
    lacks: 'what sets the texts of a display apart',
    file: digest,
    find: "display.join('\\u001f')",
    replace: "display.join('')",
    fails: ['approval.digest'],
  },
  {
    lacks: 'a look at the request before an approval is used up',
    file: 'resource/dist/guard/checks.js',
    find: 'approval,\n    replay,\n    interaction,\n    approvalOnce,',
    replace: 'approvalOnce,\n    approval,\n    replay,\n    interaction,',
    fails: ['approval.once'],
  },
  {
    lacks: 'a bound of scopes to those of the route, where a user approves a request',
    file: 'resource/dist/guard/approval.js',
    find: "ask: 'authorization', scope: route.scope, operation",
    replace: "ask: 'authorization', scope: [...new Set([...heldScope(caller), ...route.scope])], operation",
    fails: ['approval.challenge'],
  },
  {
    lacks: 'a look at the characters that a user is shown',
    file: 'protocol/dist/token/operation.js',
    find: 'if (!value.every(isShownPart))',
    replace: 'if (false)',
    fails: ['APR-16'],
  },
  {
    lacks: 'the second list of fields',
    file: 'conditions/dist/json/project.js',
    find: 'this.#root = placesOf(lists);',
    replace: 'this.#root = placesOf(lists.slice(0, 1));',
    fails: ['policy.data'],
  },
  {
    lacks: 'all lists of fields but the last',
    file: 'conditions/dist/json/project.js',
    find: 'this.#root = placesOf(lists);',
    replace: 'this.#root = placesOf(lists.slice(-1));',
    fails: ['policy.data'],
  },
  {
    lacks: 'a cut of answers that are no success',
    file: answerRule,
    find: 'if (status > 299 || ',
    replace: 'if (',
    fails: ['DEL-61'],
  },
  {
    lacks: 'a look at the type of an answer',
    file: answerRule,
    find: 'if ((hasBytes && jsonType(type) === undefined) || isStream(type))',
    replace: 'if (isStream(type))',
    fails: ['DEL-58'],
  },
  {
    lacks: 'a choice of the headers of an answer',
    file: answerRule,
    find: 'const times = [',
    replace: "const times = [...[...headers].filter(([name]) => name.startsWith('x-')),",
    fails: ['DEL-57', 'DEL-61'],
  },
]
