// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are words of the built files
import { consent, grants } from './auth-server/files.js'
import type { BrokenPeer } from './broken-peer.js'
import { own } from './files.js'

/** Resources that break one sentence of §9.2 on `calls`, `chain` and what a token is judged by. */
const judged: readonly BrokenPeer[] = [
  {
    clause: 'policy.supported',
    words: 'must list exactly the types that every route of it enforces',
    file: own('guard'),
    find: 'judgeConditions(conditions, {',
    replace: "if (route.path !== '/motto') judgeConditions(conditions, {",
    cases: ['policy.supported'],
  },
  {
    clause: 'policy.outlive',
    words: 'A resource must not refuse a token because it is longer than a condition in it',
    file: own('guard'),
    find: 'checkLevel(route, { caller, signature, site });',
    replace:
      "checkLevel(route, { caller, signature, site }); if (conditions.some(one => one.type === 'until' && Number(one['time']) < Number(claims['exp']))) throw deniedByPolicy('condition_ended', 'the token is longer than its condition');",
    cases: ['DEL-22'],
    refuses: true,
  },
  {
    clause: 'policy.delegates',
    words: 'Before it issues a resource token, it must judge',
    file: own('challenge'),
    find: "if (level !== 'identified')",
    replace: "if (level !== 'authorized')",
    cases: ['policy.delegates'],
  },
  {
    clause: 'policy.calls.one-count',
    words: 'A new token, key or grant must not begin a new count',
    file: own('call-counts'),
    find: "JSON.stringify(['user', iss, sub, agent, agent_delegate, act])",
    replace: "JSON.stringify(['user', iss, sub, agent, agent_delegate, act, claims['grant']])",
    cases: ['DEL-33'],
  },
  {
    clause: 'policy.calls.grant',
    words: 'A list with it must have an `until`',
    file: own('conditions'),
    find: "conditions.some(({ per }) => per === 'grant') && !hasEnd",
    replace: 'false',
    cases: ['DEL-39'],
  },
  {
    clause: 'policy.calls.grant',
    words: 'The count ends with the last `until` of the list',
    file: own('call-counts'),
    find: 'Math.max(...conditions.flatMap(',
    replace: 'Math.min(...conditions.flatMap(',
    cases: ['policy.calls.grant'],
  },
  {
    clause: 'policy.calls.answer',
    words: 'Compare and count must be one step',
    file: own('guard'),
    find: 'site.calls.count(caller, conditions);',
    replace:
      'site.calls.look(caller, conditions); await new Promise(resolve => setTimeout(resolve, 150)); try { site.calls.count(caller, conditions); } catch {}',
    cases: ['policy.calls.answer'],
  },
  {
    clause: 'policy.calls.answer',
    words: 'Where there is an `act` and `through`, every service must be listed',
    file: own('conditions'),
    find: 'services.every(name => has(through, String(name)))',
    replace: 'has(through, String(agent))',
    cases: ['policy.chain'],
  },
]

/** Resources that break one sentence of §9.2 on `data` and `arguments` each. */
const content: readonly BrokenPeer[] = [
  {
    clause: 'policy.json',
    words: 'A resource must not undo a coding to look inside',
    file: own('guard'),
    find: "if (headerValue(request, 'content-encoding') !== undefined)",
    replace:
      "if (headerValue(request, 'content-encoding') === 'gzip') return checkArguments({ request: { ...request, headers: request.headers.filter(([name]) => name !== 'content-encoding') }, route, conditions, body: process.getBuiltinModule('node:zlib').gunzipSync(body), site }); if (headerValue(request, 'content-encoding') !== undefined)",
    cases: ['DEL-71'],
  },
  {
    clause: 'policy.json',
    words: 'An answer must show no more than its fields, and nothing may tell of the rest',
    file: own('pointers'),
    find: 'const named = members.filter(({ name }) => below(name).length > 0);',
    replace:
      "if (pointers.every(({ length }) => length === 1)) return '{' + members.map(({ label, name, node: inner }) => label + ':' + (below(name).length > 0 ? projected(inner, below(name)) : 'null')).join() + '}'; const named = members.filter(({ name }) => below(name).length > 0);",
    cases: ['DEL-54'],
  },
  {
    clause: 'policy.json',
    words: 'What stays must stay byte for byte and in its order',
    file: own('pointers'),
    find: 'return { text: token };',
    replace: 'return { text: JSON.stringify(JSON.parse(token)) };',
    cases: ['DEL-54', 'DEL-57'],
  },
  {
    clause: 'policy.json',
    words: 'Anything else must be withheld whole',
    file: own('shown-answer'),
    find: "const withheld = deniedByPolicy('answer_withheld',",
    replace:
      "if (headers['content-type'] === 'text/plain') return { status, headers: { ...few, ...own }, body }; const withheld = deniedByPolicy('answer_withheld',",
    cases: ['DEL-58'],
  },
  {
    clause: 'policy.data.before',
    words:
      'In every other case the handler has run, and the answer is 403 `policy_denied` with the reason `answer_withheld`',
    file: own('shown-answer'),
    find: "deniedByPolicy('answer_withheld',",
    replace: "deniedByPolicy('condition_data',",
    cases: ['DEL-58'],
  },
  {
    clause: 'policy.data.before',
    words: 'There must be no trailers, no interim (1xx) response, and no reason phrase of the handler',
    file: own('shown-answer'),
    find: "return { status, headers: own, body: '' };",
    replace: "return { status, phrase, headers: own, body: '' };",
    cases: ['DEL-61'],
  },
  {
    clause: 'policy.data.whole',
    words: '`Accept-Encoding` must be taken off every request',
    file: own('shown-answer'),
    find: '/^(?:range$|if-|accept-encoding$)/i',
    replace: '/^(?:range$|if-)/i',
    cases: ['DEL-60'],
  },
  {
    clause: 'policy.arguments.body',
    words: 'must have no query, and a body that is JSON',
    file: own('guard'),
    find: 'if (request.query !== undefined)',
    replace: 'if (false)',
    cases: ['DEL-71'],
  },
  {
    clause: 'policy.arguments.leaves',
    words: 'Every leaf must lie at or beneath some `at`',
    file: own('arguments'),
    find: 'if (!leavesOf(value).every(({ path }) => places.some(place => isBeneath(path, place))))',
    replace: 'if (false)',
    cases: ['DEL-69'],
  },
  {
    clause: 'policy.arguments.matchers',
    words: 'an integer must be within',
    file: own('arguments'),
    find: '(Number.isInteger(value) && !Number.isSafeInteger(value))',
    replace: 'false',
    cases: ['policy.arguments'],
  },
]

/** Resources that break one sentence of §9.3 each. */
const inOrder: readonly BrokenPeer[] = [
  {
    clause: 'policy.order',
    words: 'is refused with 2',
    file: own('guard'),
    find: "if (claims['operation_digest'] !== undefined && !mayApprove)",
    replace:
      "judgeConditions(conditions.filter(one => one.type === 'until'), { now: site.now(), self: site.id, scopes: [], claims }); if (claims['operation_digest'] !== undefined && !mayApprove)",
    cases: ['approval.elsewhere'],
  },
  {
    clause: 'policy.order',
    words: 'Under `calls` and `approval` safe requests must be remembered, too',
    file: own('guard'),
    find: "conditions.some(({ type }) => type === 'calls' || type === 'approval')",
    replace: 'false',
    cases: ['DEL-36'],
  },
  {
    clause: 'policy.order',
    words: 'A request that is refused here gives back what it was counted for in 6',
    file: own('guard'),
    find: 'site.limits.takeBack(counted);',
    replace: '',
    cases: ['sig.replay.costs-nothing'],
  },
  {
    clause: 'policy.order',
    words: 'Where it was not used and 12 would refuse, it is not taken, and 12 answers',
    file: own('approval'),
    find: 'site.calls.look(caller, conditions);',
    replace: '',
    cases: ['approval.once'],
  },
]

/** Resources that break one sentence of §9.4 each. */
const approvals: readonly BrokenPeer[] = [
  {
    clause: 'approval.calls',
    words: 'Such a route must have a name of an operation and a scope',
    file: own('routes'),
    find: "operation: 'pay',",
    replace: '',
    cases: ['APR-01'],
  },
  {
    clause: 'approval.calls',
    words: 'A request that would pass but for its approval must get 401',
    file: own('approval'),
    find: "refusing(401, 'insufficient_level')",
    replace: "refusing(403, 'insufficient_scope')",
    cases: ['policy.approval'],
  },
  {
    clause: 'approval.calls',
    words: 'One that would not pass anyway must not be described or quoted',
    file: own('guard'),
    find: 'judgeConditions(conditions, {',
    replace:
      "if (isApproved && claims['operation_digest'] === undefined) checkApproval({ request, route, signature, caller, conditions, body: await readSignedBody(request, signature, { limit: longestBody, now: site.now }), site }); judgeConditions(conditions, {",
    cases: ['APR-27'],
  },
  {
    clause: 'approval.shown',
    words: 'A parameter that is shown must stand once',
    file: own('approval'),
    find: 'if (new Set(names).size !== names.length)',
    replace: 'if (false)',
    cases: ['approval.shown'],
  },
  {
    clause: 'approval.shown',
    words: 'The query must be UTF-8, and have no `;`',
    file: own('approval'),
    find: "if (query.includes(';'))",
    replace: 'if (false)',
    cases: ['approval.shown'],
  },
  {
    clause: 'approval.shown',
    words: 'It must come from nothing else of the request',
    file: own('approval'),
    find: 'if (display.length > 64)',
    replace:
      "const note = headerValue(request, 'x-note'); if (note !== undefined) display.push(', note: ', note); if (display.length > 64)",
    cases: ['APR-19'],
  },
  {
    clause: 'approval.differs',
    words: 'The resource must describe the request and compute the digest anew',
    file: own('approval'),
    find: 'const digest = operationDigest(',
    replace:
      "const { jti } = caller.claims ?? {}; if (jti !== undefined && site.issued.has('seen ' + jti)) return; if (caller.claims?.['operation_digest'] !== undefined) site.issued.set('seen ' + jti, ''); const digest = operationDigest(",
    cases: ['approval.differs'],
  },
  {
    clause: 'approval.once',
    words: 'The resource must take the approval, (`iss`, `jti`) of its token, once',
    file: own('approval'),
    find: 'site.used.add(name);',
    replace: '',
    cases: ['APR-03'],
  },
]

/** Resources that break one sentence of §9 each, on policies and approvals. */
export const policyResources: readonly BrokenPeer[] = [...judged, ...content, ...inOrder, ...approvals]

/** MCP servers that break one sentence of §9.2 each. */
export const policyMcpServers: readonly BrokenPeer[] = [
  {
    clause: 'policy.operation-spelling',
    words: 'A member of `params` that is `arguments` in another spelling must be refused',
    file: own('mcp/message'),
    find: '!beside.includes(name)',
    replace: '!beside.includes(folded(name))',
    cases: ['mcp.params-judged'],
  },
]

/** Auth servers that break one sentence of §9.1 and §9.4 each. */
export const policyAuthServers: readonly BrokenPeer[] = [
  {
    clause: 'policy.supported',
    words: 'the description must name what is missing',
    file: grants,
    find: 'the resource does not enforce the condition ${unknown.type}',
    replace: 'the resource does not enforce a condition',
    cases: ['policy.supported'],
  },
  {
    clause: 'approval.shown',
    words: 'must stand in no log, event, metric, audit record or error page',
    file: consent,
    find: "if ((query.get('state') ?? undefined) !== request.state)",
    replace:
      "if ((query.get('state') ?? undefined) !== request.state) return errorPage(400, 'No request: ' + String(request.asked.operation?.display)); if (false)",
    cases: ['APR-35'],
  },
  {
    clause: 'policy.words',
    words: "before a user's yes the auth server must ask for a user verification",
    file: consent,
    find: 'operationIn(asked.metadata, asked.operation.name).isGrave',
    replace: 'false',
    cases: ['policy.words'],
    slow: true,
  },
]

/** Agents that break one sentence of §9.4 each. */
export const policyAgents: readonly BrokenPeer[] = [
  {
    clause: 'approval.once',
    words: 'the agent must say that the outcome is unknown',
    file: 'conformance/dist/peer/agent/call.js',
    find: "throw new GaveUp('the outcome is unknown: sent before');",
    replace: 'process.exit(0);',
    cases: ['APR-29'],
  },
]
