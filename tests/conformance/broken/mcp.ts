import type { BrokenPeer, LegalVariant } from './broken-peer.js'
import { policyMcpServers } from './policy.js'

const own = (name: string): string => `conformance/dist/peer/resource/mcp/${name}.js`

/** MCP servers that do not judge what is asked. */
const asked: readonly BrokenPeer[] = [
  {
    clause: 'mcp.subject-decides',
    words: 'judged by itself, by the requirement of what it is about',
    file: own('subject'),
    find: "return ruleOfName(rules.tools, params['name'])",
    replace: 'return rules.session',
    cases: ['mcp.subject-decides'],
  },
  {
    clause: 'mcp.no-rule',
    words: 'A request for a name that no rule is for',
    file: own('subject'),
    find: "throw deniedByPolicy('rule_missing', 'no rule is for the name')",
    replace: "return { level: 'identified' }",
    cases: ['mcp.no-rule'],
  },
  {
    clause: 'mcp.method-spellings',
    words: 'has the letters and digits of a method of MCP',
    file: own('message'),
    find: 'if (methods.some(one => lettersOf(one) === lettersOf(method)))',
    replace: 'if (false)',
    cases: ['mcp.method-spellings'],
  },
  {
    clause: 'mcp.subscribed',
    words: 'Where it names what goes by another rule',
    file: own('subject'),
    find: 'if (more.length > 0)',
    replace: 'if (false)',
    cases: ['mcp.subscribed'],
  },
  {
    clause: 'mcp.covered',
    words: 'A request must cover',
    file: own('servers'),
    find: "'mcp-session-id', 'last-event-id'",
    replace: "'last-event-id'",
    cases: ['mcp.covered'],
  },
  {
    clause: 'mcp.covered',
    words: 'A request must cover',
    file: own('servers'),
    find: "['mcp-method', 'mcp-name', ",
    replace: "['mcp-method', ",
    cases: ['mcp.covered'],
  },
  {
    clause: 'mcp.one-reading',
    words: 'A message that could be read in two ways',
    file: own('message'),
    find: 'if (ambiguous)',
    replace: 'if (false)',
    cases: ['mcp.one-reading'],
  },
  {
    clause: 'mcp.headers',
    words: 'is missing, repeated, or says something else than the body',
    file: own('message'),
    find: 'if (more.length > 0)',
    replace: 'if (false)',
    cases: ['mcp.headers'],
  },
  {
    clause: 'mcp.no-session',
    words: 'with `Mcp-Session-Id` must be 400',
    file: own('message'),
    find: "if (headerLines(request, 'mcp-session-id').length > 0)",
    replace: 'if (false)',
    cases: ['mcp.no-session'],
  },
  {
    clause: 'mcp.name-spellings',
    words: 'So must one for the name of a tool or prompt',
    file: own('subject'),
    find: 'if (isMisspelt)',
    replace: 'if (false)',
    cases: ['mcp.name-spellings'],
  },
  {
    clause: 'mcp.input-judged',
    words: 'that have content are arguments',
    file: own('message'),
    find: 'Object.values(Object(inputResponses)).some(',
    replace: '[].some(',
    cases: ['mcp.input-judged'],
  },
  {
    clause: 'policy.operation-spelling',
    words: 'one of a method that a server has added counts as unsafe',
    file: own('message'),
    find: "methods.includes(method) && method !== 'tools/call'",
    replace: "method !== 'tools/call'",
    cases: ['mcp.input-judged'],
  },
  {
    clause: 'mcp.params-judged',
    words: 'Anything else is an argument',
    file: own('message'),
    find: 'Object.keys(params).some(name => !beside.includes(name))',
    replace: 'false',
    cases: ['mcp.params-judged'],
  },
  {
    clause: 'mcp.once',
    words: 'a GET as well',
    file: own('servers'),
    find: 'isOnce: true, ',
    replace: '',
    cases: ['mcp.once'],
  },
  {
    clause: 'mcp.headers',
    words: 'a server that reads them must compare',
    file: own('tools'),
    find: 'if (said !== region || more.length > 0)',
    replace: 'if (false)',
    cases: ['mcp.headers'],
  },
]

/** MCP servers that let others go on with what a caller began. */
const begun: readonly BrokenPeer[] = [
  {
    clause: 'mcp.continued',
    words: 'of any other caller must be refused as unknown',
    file: own('without-sessions'),
    find: ' || !isOf(question, owner)',
    replace: '',
    cases: ['mcp.continued'],
  },
  {
    clause: 'mcp.continued-once',
    words: 'A caller without a user may go on once it has one',
    file: own('owner'),
    find: 'owner.user !== undefined && caller.user !== undefined && ',
    replace: '',
    cases: ['mcp.continued'],
    refuses: true,
  },
  {
    clause: 'mcp.continued-once',
    words: 'a second answer must be refused as unknown',
    file: own('without-sessions'),
    find: 'questions.delete(String(requestState));',
    replace: '',
    cases: ['mcp.continued-once'],
  },
  {
    clause: 'mcp.continued',
    words: 'of any other caller must be refused as unknown',
    file: own('without-sessions'),
    find: ' || !isOf(task, ownerOf(admitted.called))',
    replace: '',
    cases: ['mcp.task-rule'],
  },
  {
    clause: 'mcp.continued-once',
    words: 'or that is refused before the server gets it',
    file: own('servers'),
    find: 'checkHeaders(request, message, rules.isStateless);',
    replace:
      "try { checkHeaders(request, message, rules.isStateless) } catch (error) { state.questions.delete(message.params['requestState']); throw error }",
    cases: ['mcp.continued-once'],
  },
  {
    clause: 'mcp.task-rule',
    words: 'goes by the rule of the tool that the task came of',
    file: own('subject'),
    find: 'rule === undefined ? rules.session',
    replace: 'true ? rules.session',
    cases: ['mcp.task-rule'],
  },
  {
    clause: 'mcp.task-rule',
    words: 'More input for a call that was approved',
    file: own('without-sessions'),
    find: "method === 'tasks/update' && ",
    replace: 'false && ',
    cases: ['mcp.task-rule'],
  },
]

/** MCP servers that let URIs, and callers of a gateway, go by a looser rule. */
const looser: readonly BrokenPeer[] = [
  {
    clause: 'mcp.uri-spellings',
    words: 'when another rule is for one of the URI',
    file: own('uris'),
    find: 'if (nearest(rules, form) !== rule)',
    replace: 'if (false)',
    cases: ['mcp.uri-spellings'],
  },
  {
    clause: 'mcp.route-holds',
    words: 'must hold for all its rules that name none of their own',
    file: own('servers'),
    find: 'rule.agents ?? agents',
    replace: 'rule.agents',
    cases: ['mcp.route-holds'],
  },
  {
    clause: 'mcp.uri-spellings',
    words: 'Where there is more than one rule, these must be 403, too',
    file: own('uris'),
    find: 'if (/\\p{Cc}/u.test(form))',
    replace: 'if (false)',
    cases: ['mcp.uri-spellings'],
  },
  {
    clause: 'mcp.uri-spellings',
    words: 'or of more than 2048 characters must be 403',
    file: own('uris'),
    find: 'if (uri.length > longest)',
    replace: 'if (false)',
    cases: ['mcp.uri-spellings'],
  },
  {
    clause: 'mcp.route-holds',
    words: 'Callers that the route denies',
    file: own('servers'),
    find: 'if (denied.includes(agent))',
    replace: 'if (false)',
    cases: ['mcp.route-holds'],
  },
  {
    clause: 'mcp.route-holds',
    words: 'a request about a task must be 403',
    file: own('subject'),
    find: 'rules.isGateway && ',
    replace: 'false && ',
    cases: ['mcp.route-holds'],
  },
]

/** MCP servers whose sessions and streams are anybody's, or never end. */
const sessions: readonly BrokenPeer[] = [
  {
    clause: 'mcp.session-owner',
    words: 'the same 404 as for an id that no session has',
    file: own('with-sessions'),
    find: "'there is no such session'",
    replace: "session === undefined ? 'there is no such session' : 'it is of another caller'",
    cases: ['mcp.session-owner'],
  },
  {
    clause: 'mcp.session-anonymous',
    words: 'must never get an owner',
    file: own('owner'),
    find: 'if (owner.key === undefined)\n        return owner;',
    replace: 'if (owner.key === undefined) return caller;',
    cases: ['mcp.session-anonymous'],
  },
  {
    clause: 'mcp.stream-end',
    words: 'A stream must end with the token of the request that opened it',
    file: own('streams'),
    find: 'Number(exp ?? Number.POSITIVE_INFINITY)',
    replace: 'Number.POSITIVE_INFINITY',
    cases: ['mcp.stream-end'],
  },
  {
    clause: 'mcp.stream-priming',
    words: 'must begin with an event that has an id and no data',
    file: own('with-sessions'),
    find: "events: ['']",
    replace: 'events: [\'{"jsonrpc":"2.0","method":"notifications/message","params":{}}\']',
    cases: ['mcp.stream-end'],
  },
  {
    clause: 'mcp.session-levels',
    words: 'is known by that level from then on',
    file: own('owner'),
    find: 'if (!isSame || isOtherUser)',
    replace: 'if (!isSame)',
    cases: ['mcp.session-levels'],
  },
  {
    clause: 'mcp.stream-resumed',
    words: 'where the owner meets the requirement of the request',
    file: own('servers'),
    find: 'streams.get(id)?.rule ?? rules.session',
    replace: 'rules.session',
    cases: ['mcp.stream-resumed'],
  },
  {
    clause: 'mcp.stream-over',
    words: 'it cannot be resumed: 204',
    file: own('with-sessions'),
    find: 'stream.isOver && next >= stream.events.length',
    replace: 'false',
    cases: ['mcp.stream-over'],
  },
]

/** MCP servers that leave out what is around a call. */
const around: readonly BrokenPeer[] = [
  {
    clause: 'mcp.origin',
    words: 'must be 403, at every level',
    file: own('servers'),
    find: 'origin !== id',
    replace: '!origin.startsWith(id)',
    cases: ['mcp.origin'],
  },
  {
    clause: 'mcp.no-credentials',
    words: 'never a signature or token',
    file: own('tools'),
    find: 'signature-input|signature-key|',
    replace: 'signature-input|',
    cases: ['mcp.no-credentials'],
  },
  {
    clause: 'mcp.bubbles-up',
    words: 'that must become the answer to the request',
    file: own('with-sessions'),
    find: 'end(await result);',
    replace: 'end(await result.catch(() => ({ content: [], isError: true })));',
    cases: ['mcp.bubbles-up'],
  },
  {
    clause: 'mcp.shares',
    words: 'must bound its open subscriptions',
    file: own('shares'),
    find: 'if (names.some(([name, most]) => (counts.get(name) ?? 0) >= most))',
    replace: 'if (false)',
    cases: ['mcp.shares'],
  },
  {
    clause: 'mcp.private-lists',
    words: 'must not be kept for other callers',
    file: own('without-sessions'),
    find: "cacheScope: 'private'",
    replace: "cacheScope: 'public'",
    cases: ['mcp.private-lists'],
  },
  {
    clause: 'mcp.asks-by-input',
    words: 'that answer is a request for input',
    file: own('tools'),
    find: 'Object(capabilities.elicitation).url === undefined',
    replace: 'true',
    cases: ['mcp.asks-by-input'],
  },
  {
    clause: 'mcp.announced',
    words: 'announces AAuth in',
    file: own('without-sessions'),
    find: "'io.github.countersign-dev/aauth': aauth",
    replace: 'aauth',
    cases: ['mcp.announced'],
  },
]

/** MCP servers that break one sentence each. */
export const brokenMcpServers: readonly BrokenPeer[] = [
  ...asked,
  ...begun,
  ...looser,
  ...sessions,
  ...around,
  ...policyMcpServers,
]

/** MCP servers that do something else, which the page allows. */
export const legalMcpServers: readonly LegalVariant[] = [
  {
    what: 'refuses messages in other words',
    file: own('message'),
    find: '{ code: -32600, message: text,',
    replace: "{ code: -32001, message: 'no: ' + text,",
  },
  {
    what: 'begins its streams with a comment, and sends another one before each event',
    file: own('streams'),
    find: 'yield `id: ',
    replace: 'yield `: here\\n\\n`, yield `event: message\\nid: ',
  },
  {
    what: 'knows its owners by their key, too',
    file: own('owner'),
    find: 'owner.agent === caller.agent && owner.delegate === caller.delegate',
    replace: 'owner.key === caller.key && owner.agent === caller.agent && owner.delegate === caller.delegate',
  },
]
