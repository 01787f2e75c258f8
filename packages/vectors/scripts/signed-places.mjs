// Unsigned requests, and receivers that are set up in other ways.
import { badRequest, badSignature, refusal, refuseAll } from './expected.mjs'
import { thumbprintOf } from './keys.mjs'
import { add, remove, replace, replaceInHeader } from './kind.mjs'
import { agentToken, authToken, inlineGet, inlinePost, publishedGet, tokenGet } from './recipes.mjs'
import { ownAgent } from './signed-accepted.mjs'
import { agentId, evilId, now } from './world.mjs'

const host = ['host', 'calendar.example']
const plain = { method: 'GET', target: '/holidays', headers: [host] }
const tagged = [
  ['signature-input', 'bot=("@authority");created=1;tag="web-bot-auth"'],
  ['signature', 'bot=:AAAA:'],
]

/** Requests without Signature-Key. */
export function addUnsigned(kind) {
  const accept = (id, title, clauses, headers) =>
    kind.accept(id, title, {
      ...{ at: now, receiver: 'calendar', clauses, input: { ...plain, headers } },
      expect: { level: 'anonymous' },
    })
  accept('unsigned', 'a request without signature headers is anonymous', ['level.anonymous'], [host])
  accept(
    'tagged',
    'a request whose signatures all have a tag is unsigned here',
    ['sig.headers.lost'],
    [host, ...tagged],
  )
  const lost = badSignature('signature_header_missing', 'signature-headers')
  refuseAll(kind, 'tagged', [
    [
      'no-tag',
      'without Signature-Key, a signature without tag is refused',
      'sig.headers.lost',
      'the tag is removed',
      replaceInHeader('signature-input', ';tag="web-bot-auth"', ''),
      lost,
    ],
    [
      'empty-tag',
      'an empty tag is none',
      'sig.headers.lost',
      'the tag is empty',
      replaceInHeader('signature-input', '"web-bot-auth"', '""'),
      lost,
    ],
    [
      'token-tag',
      'a tag that is no String is none',
      'sig.headers.lost',
      'the tag is a Token',
      replaceInHeader('signature-input', '"web-bot-auth"', 'bot'),
      lost,
    ],
    [
      'signature-of-no-input',
      'a signature that Signature-Input does not have is refused',
      'sig.headers.lost',
      'a signature is added',
      replaceInHeader('signature', /$/, ', sig=:AAAA:'),
      lost,
    ],
    [
      'unreadable',
      'a signature header that does not parse is refused',
      'sig.headers.lost',
      'a quote is missing',
      replaceInHeader('signature-input', /"$/, ''),
      lost,
    ],
  ])
  refuseAll(kind, 'unsigned', [
    [
      'dot-segment',
      'the target of an unsigned request is checked, too',
      'sig.target.form',
      'the target has a dot segment',
      replace('/input/target', '/x/../holidays'),
      badRequest('target_malformed', 'target'),
    ],
    [
      'signature-alone',
      'a signature header alone is refused on every route',
      ['sig.headers.anonymous', 'sig.headers.lost'],
      'Signature is added',
      add('/input/headers/-', ['signature', 'sig=:AAAA:']),
      lost,
    ],
    [
      'key-alone',
      'Signature-Key alone is refused on every route',
      ['sig.headers.anonymous', 'sig.headers.all'],
      'Signature-Key is added',
      add('/input/headers/-', ['signature-key', 'sig=jwt;jwt="x"']),
      lost,
    ],
  ])
}

const inline = { level: 'pseudonymous', thumbprint: thumbprintOf('pseudonym') }
const asApi = {
  ...{ ...inlineGet, authority: 'api.calendar.example', headers: [['host', 'API.calendar.example:443']] },
}
const demanded = {
  ...{ ...inlineGet, headers: [host, ['agent-interaction', '"c0de"']] },
  components: [...inlineGet.components, '"agent-interaction"', '"@target-uri"'],
}

const mcp = {
  ...{
    ...inlinePost,
    target: '/mcp',
    body: { text: '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"invite"}}' },
  },
  headers: [
    ...inlinePost.headers,
    ['mcp-protocol-version', '2026-07-28'],
    ['mcp-method', 'tools/call'],
    ['mcp-name', 'invite'],
  ],
  components: [...inlinePost.components, '"mcp-protocol-version"', '"mcp-method"', '"mcp-name"'],
}
const mcpFaults = ['mcp-protocol-version', 'mcp-method', 'mcp-name'].map(name => [
  ...[`${name}-uncovered`, `${name} must be covered where a request to an MCP server has it`, 'mcp.covered'],
  `${name} is not covered`,
  remove(`/made/components/${mcp.components.indexOf(`"${name}"`)}`),
  badSignature('component_not_covered', 'coverage'),
])

/** Other authorities, windows, lists and demands. */
export function addReceivers(kind) {
  const accept = (id, title, { receiver, clauses, made, expect = inline }) =>
    kind.accept(id, title, { at: now, receiver, clauses, made, expect })
  accept('mcp', 'a request to an MCP server covers the headers that name its message', {
    ...{ receiver: 'calendar-mcp', clauses: ['mcp.covered'], made: mcp },
  })
  refuseAll(kind, 'mcp', mcpFaults)
  accept(
    'second-authority',
    'of several authorities the one counts that Host names, in lower case and without the default port',
    {
      ...{ receiver: 'calendar-two-names', clauses: ['sig.authority.several'], made: asApi },
    },
  )
  refuseAll(kind, 'second-authority', [
    [
      'not-served',
      'where several authorities are configured, Host must name one',
      ['sig.authority.several', 'error.misdirected'],
      'Host is another',
      replaceInHeader('host', 'API.calendar.example:443', 'evil.example'),
      badRequest('authority_not_served', 'authority', 421),
    ],
    [
      'another-served',
      'a signature for one authority does not count at another of the same server',
      'sig.authority.several',
      'Host is the other authority',
      replaceInHeader('host', 'API.', ''),
      badSignature('signature_wrong', 'signature'),
    ],
    [
      'other-port',
      'a port that is not the default one is part of the authority',
      'sig.authority.several',
      'the port is 8443',
      replaceInHeader('host', '443', '8443'),
      badRequest('authority_not_served', 'authority', 421),
    ],
  ])
  accept('demanded', 'a receiver may demand more components', {
    ...{
      receiver: 'calendar-demanding',
      clauses: ['sig.covered.demanded', 'sig.authority.target-uri'],
      made: demanded,
    },
  })
  accept('demanded-absent', 'of a demanded header only one that is there must be covered', {
    ...{ receiver: 'calendar-demanding', clauses: ['sig.covered.demanded'] },
    made: { ...inlineGet, components: [...inlineGet.components, '"@target-uri"'] },
  })
  refuseAll(kind, 'demanded', [
    [
      'header-uncovered',
      'a demanded header that is there must be covered',
      'sig.covered.demanded',
      'agent-interaction is not covered',
      replace('/made/components', [...inlineGet.components, '"@target-uri"']),
      badSignature('component_not_covered', 'coverage'),
    ],
    [
      'scheme',
      '@target-uri has the scheme of the identifier',
      'sig.authority.target-uri',
      'it was signed for http',
      add('/made/scheme', 'http'),
      badSignature('signature_wrong', 'signature'),
    ],
    [
      'target-uri-uncovered',
      'a demanded derived component must be covered',
      'sig.covered.demanded',
      '@target-uri is not covered',
      replace('/made/components', [...inlineGet.components, '"agent-interaction"']),
      badSignature('component_not_covered', 'coverage'),
    ],
  ])
  accept('patient', 'a receiver may take another window', {
    ...{ receiver: 'calendar-patient', clauses: ['sig.created.tolerance'] },
    made: { ...inlineGet, parameters: `created=${now - 300}` },
  })
  refuseAll(kind, 'patient', [
    [
      'too-old',
      'another window has an end, too',
      'sig.created.tolerance',
      'the clock is a second later',
      replace('/at', now + 1),
      badSignature('created_too_old', 'time'),
    ],
    [
      'usual-window',
      'the window is that of the receiver',
      'sig.created.tolerance',
      'the receiver has the usual window',
      replace('/receiver', 'calendar'),
      badSignature('created_too_old', 'time'),
    ],
  ])
  addLists(kind, accept)
}

function addLists(kind, accept) {
  const member = { level: 'identified', agent: agentId, thumbprint: thumbprintOf('agent') }
  const evil = {
    ...publishedGet,
    key: 'evil',
    signature_key: { text: `jwks_uri;id="${evilId}";kid="evil-1";dwk="aauth-agent"` },
  }
  const stranger = { level: 'identified', agent: evilId, thumbprint: thumbprintOf('evil') }
  const denied = refusal('policy_denied', 'caller_denied', 'agents')
  accept('member', 'an agent on the list is let in', {
    receiver: 'calendar-members',
    clauses: ['trust.resource.agents'],
    made: publishedGet,
    expect: member,
  })
  accept('stranger', 'without a list any agent is let in', {
    receiver: 'calendar',
    clauses: ['trust.resource.agents'],
    made: evil,
    expect: stranger,
  })
  kind.refuse('stranger', 'not-listed', 'an agent that is not on the list is refused', {
    clauses: ['trust.resource.agents'],
    change: 'the receiver has a list of agents',
    patch: replace('/receiver', 'calendar-members'),
    expect: denied,
  })
  accept('resource-is-agent', 'a resource that says so takes the tokens of its own agent, without agent', {
    ...{ ...ownAgent, receiver: 'calendar-own-agent', clauses: ['token.auth.agent-absent', 'token.auth.own-agent'] },
  })
  kind.refuse('resource-is-agent', 'not-said', 'a resource that does not say so takes no token without agent', {
    clauses: ['token.auth.own-agent'],
    change: 'the receiver does not say so',
    patch: replace('/receiver', 'calendar'),
    expect: refusal('invalid_auth_token', 'token_claim_missing', 'token'),
  })
  const auth = {
    ...publishedGet,
    authority: 'auth.example',
    headers: [['host', 'auth.example']],
    target: '/agent/token',
  }
  accept('at-token-endpoint', 'a token endpoint takes a caller who is identified', {
    receiver: 'auth',
    clauses: ['token-endpoint.identified'],
    made: auth,
    expect: member,
  })
  const level = refusal('insufficient_level', 'credential_not_accepted', 'credential')
  const shown = value => replace('/made/signature_key', value)
  refuseAll(kind, 'at-token-endpoint', [
    [
      'inline-key',
      'a token endpoint takes no inline key',
      ['token-endpoint.identified', 'error.insufficient-level'],
      'the key is inline',
      shown({ scheme: 'hwk', key: 'agent' }),
      level,
    ],
    [
      'auth-token',
      'a token endpoint takes no auth token',
      'token-endpoint.identified',
      'an auth token is shown',
      shown({ scheme: 'jwt', token: { ...authToken, claims: { ...authToken.claims, aud: 'https://auth.example' } } }),
      level,
    ],
    [
      'id-token',
      'a token endpoint takes no JWT of another typ',
      ['token-endpoint.other-typ', 'error.unsupported-scheme'],
      'an ID token is shown',
      shown({ scheme: 'jwt', token: { ...authToken, header: { ...authToken.header, typ: 'JWT' } } }),
      refusal('unsupported_scheme', 'token_type_unsupported', 'token'),
    ],
    [
      'unreadable',
      'where no auth tokens are taken, a text without a readable typ is a wrong agent token',
      'token.unreadable',
      'a text of one part is shown',
      shown({ text: 'jwt;jwt="opaque"' }),
      refusal('invalid_agent_token', 'token_malformed', 'token'),
    ],
  ])
  accept('agent-token-at-token-endpoint', 'a token endpoint takes an agent token', {
    ...{ receiver: 'auth', clauses: ['token-endpoint.identified'] },
    made: { ...tokenGet(agentToken), authority: 'auth.example', headers: [['host', 'auth.example']] },
    expect: { level: 'identified', agent: agentId, delegate: 'phone', thumbprint: thumbprintOf('phone') },
  })
}
