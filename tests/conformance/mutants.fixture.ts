/** A server that lacks one check, and the cases that must see it. */
export interface Mutant {
  /** What it does not do. */
  readonly lacks: string
  /** A built file under packages/, and what is put in place of text that it has once. */
  readonly file: string
  readonly find: string
  readonly replace: string
  /** Ids of cases that must fail. */
  readonly fails: readonly string[]
  /** Whether these cases wait for half a minute or more. */
  readonly slow?: true
}

/** What no generated mutant of mutants.jsonl takes out of a resource so that a case sees it. */
export const resourceMutants: readonly Mutant[] = [
  {
    lacks: 'an authority of its own: it believes Host',
    file: 'httpsig/dist/message/authority.js',
    find: 'if (authorities.length === 1)\n        return first;',
    replace: "return headerValues(message, 'host')[0] ?? first;",
    fails: ['COV-22'],
  },
  {
    lacks: 'the scopes that a token held, in the next resource token',
    file: 'resource/dist/guard/decision.js',
    find: 'scope: unionScope(kept, route.scope)',
    replace: 'scope: route.scope',
    fails: ['challenge.union-scope'],
  },
  {
    lacks: 'the look at what a handler says of itself',
    file: 'resource/dist/guard/handed-on.js',
    find: 'if (status === 503)',
    replace: 'if (false)',
    fails: ['NON-17'],
  },
  {
    lacks: 'the comparison of until with the clock',
    file: 'protocol/dist/condition/holds.js',
    find: 'return facts.now < condition.time;',
    replace: 'return true;',
    fails: ['DEL-22', 'policy.supported'],
  },
  {
    lacks: 'users in what it counts calls by',
    file: 'resource/dist/guard/call-checks.js',
    find: "return ['user', issuer, token.sub ?? null,",
    replace: "return ['user', issuer, null,",
    fails: ['DEL-37'],
  },
  {
    lacks: 'the projection of answers',
    file: 'conditions/dist/json/project.js',
    find: 'placesOf(lists)',
    replace: "placesOf([['']])",
    fails: ['DEL-54', 'DEL-55'],
  },
  {
    lacks: 'the comparison of an approval with the request',
    file: 'resource/dist/guard/approval.js',
    find: 'if (operation_digest === operation.digest)',
    replace: 'if (true)',
    fails: ['APR-02'],
  },
  {
    lacks: 'a look at claims: it believes scope',
    file: 'resource/dist/guard/decision.js',
    find: 'const isIdentityScope = (name) => identityScopes.includes(name);',
    replace: 'const isIdentityScope = () => false;',
    fails: ['challenge.identity-scopes'],
  },
  {
    lacks: 'the upstream token in what it keeps exchanged tokens by',
    file: 'agent/dist/exchange/exchanging-agent.js',
    find: 'const hash = await textHash(upstream.token);',
    replace: "const hash = await textHash('x');",
    fails: ['exchange.cached'],
  },
  {
    lacks: 'the comparison of iss where a browser comes back',
    file: 'resource/dist/downstream/interaction.js',
    find: "if (pending.kind === 'consent' && query.get('iss') !== pending.issuer)",
    replace: 'if (false)',
    fails: ['interaction.browser'],
  },
  {
    lacks: 'the look at Origin',
    file: 'mcp/dist/origin.js',
    find: 'if (origin === undefined)',
    replace: 'if (true)',
    fails: ['mcp.origin'],
  },
  {
    lacks: 'the comparison of agents with the owner of a session',
    file: 'mcp/dist/message/owner.js',
    find: 'return owner.agent === caller.agent && owner.delegate === caller.delegate ?',
    replace: 'return true ?',
    fails: ['mcp.session-owner', 'mcp.session-levels'],
  },
  {
    lacks: 'sessions of anonymous callers that stay so',
    file: 'mcp/dist/message/owner.js',
    find: 'if (!isKnown(owner))',
    replace: 'if (false)',
    fails: ['mcp.session-anonymous'],
  },
  {
    lacks: 'the requirement of a call for the stream that answers it',
    file: 'mcp-sdk1/dist/answer-request.js',
    find: 'if (event === undefined || id === undefined || more.length > 0)',
    replace: 'if (true)',
    fails: ['mcp.stream-resumed'],
  },
  {
    lacks: 'an end of the streams of cancelled calls',
    file: 'mcp-sdk1/dist/stream/requests.js',
    find: 'events.close(request.purpose);',
    replace: '',
    fails: ['mcp.stream-over'],
  },
  {
    lacks: 'a choice of the headers that an MCP server sees',
    file: 'mcp-sdk1/dist/answer-request.js',
    find: "'user-agent',",
    replace: "'user-agent', 'signature', 'signature-key',",
    fails: ['mcp.no-credentials'],
  },
  {
    lacks: 'answers of the guard to what a tool calls',
    file: 'mcp-sdk1/dist/stream/requests.js',
    find: 'request.begin(error === undefined ? undefined : await request.authorization.respond(error));',
    replace: 'request.begin();',
    fails: ['mcp.bubbles-up'],
  },
  {
    lacks: 'other readings of the URI of a resource',
    file: 'mcp/dist/rules/uri-rules.js',
    find: 'return isOwn ? own.rule : undefined;',
    replace: 'return own.rule;',
    fails: ['mcp.uri-spellings'],
  },
  {
    lacks: 'the comparison of who signed in with the user of the upstream token',
    file: 'resource/dist/downstream/oauth-downstream.js',
    find: 'if (user.iss !== owner.user.iss || user.sub !== owner.user.sub)',
    replace: 'if (false)',
    fails: ['exchange.oauth'],
  },
  {
    lacks: 'a count of all keys of one network',
    file: 'resource/dist/limit/limits.js',
    find: "...bucket(limits.network ?? level, 'network', network),",
    replace: '',
    fails: ['RAT-01'],
  },
]

/** What none takes out of an agent server. */
export const agentServerMutants: readonly Mutant[] = [
  {
    lacks: 'the comparison of a key proof with the key that is replaced',
    file: 'protocol/dist/token/key-proof.js',
    find: 'if (claims.jkt !== o.jkt)',
    replace: 'if (false)',
    fails: ['delegate.rotate'],
  },
]

/** What none takes out of a gateway before an MCP server. */
export const gatewayMutants: readonly Mutant[] = [
  {
    lacks: 'the agents of a route in the rules of its tools',
    file: 'gateway/dist/mcp-rules.js',
    find: '...(agents === undefined ? {} : { agents }),',
    replace: '',
    fails: ['mcp.route-holds'],
  },
]

/** What none takes out of an agent server that enrols in every way. */
export const enrolmentMutants: readonly Mutant[] = [
  {
    lacks: 'the audience of a token that enrols',
    file: 'agent-server/dist/enrollment/oidc-token.js',
    find: ' || !expected.audiences.includes(only)',
    replace: '',
    fails: ['delegate.enrol.oidc'],
  },
  {
    lacks: 'the need of a session',
    file: 'agent-server/dist/enrollment/session.js',
    find: 'await options.authenticate(message)',
    replace: "(await options.authenticate(message)) ?? { user: 'ada', device: 'laptop' }",
    fails: ['delegate.enrol.session'],
  },
]

/** Agents that lack one check: one for each group of their cases. */
export const agentMutants: readonly Mutant[] = [
  {
    lacks: 'further components in what an approval binds',
    file: 'protocol/dist/token/operation-digest.js',
    find: 'const at = first.indexOf(name);',
    replace: "const at = first.indexOf(name); if (at < 0) return '';",
    fails: ['approval.digest'],
  },
  {
    lacks: 'the comparison of the token with its own key',
    file: 'agent/dist/grant/token-request.js',
    find: 'if ((await thumbprint(claims.cnf.jwk)) !== self.jkt)',
    replace: 'if (false)',
    fails: ['CLI-11'],
  },
  {
    lacks: 'the comparison of agent_jkt with its own key',
    file: 'agent/dist/grant/resource-token.js',
    find: 'if (claims.agent_jkt !== self.jkt)',
    replace: 'if (false)',
    fails: ['CLI-01'],
  },
  {
    lacks: 'the comparison of metadata with their identifier',
    file: 'protocol/dist/metadata/read-members.js',
    find: 'for (const name of names)',
    replace: 'for (const name of [])',
    fails: ['CLI-03'],
  },
  {
    lacks: 'the comparison of iss in a callback',
    file: 'agent/dist/grant/callback.js',
    find: "if (singleParameter(url, 'iss') !== issuer)",
    replace: 'if (false)',
    fails: ['CLI-20'],
  },
  {
    lacks: 'the comparison of user_interaction with the origin of the resource',
    file: 'agent/dist/fetch/climb.js',
    find: ' || new URL(page).origin !== origin',
    replace: '',
    fails: ['agent.checks.user-interaction'],
  },
  {
    lacks: 'a bound on how often a resource may ask its user',
    file: 'agent/dist/fetch/climb.js',
    find: 'const maxInteractions = 5;',
    replace: 'const maxInteractions = 50;',
    fails: ['agent.interactions'],
  },
  {
    lacks: 'the comparison of an operation with its own request',
    file: 'agent/dist/interact/check-operation.js',
    find: ' === digest)',
    replace: ' !== undefined)',
    fails: ['APR-20'],
  },
]
