import type { BrokenPeer } from './broken-peer.js'
import { own, shared } from './files.js'

/** Resources that break one sentence of §7 each. */
const hops: readonly BrokenPeer[] = [
  {
    clause: 'exchange.own-key',
    words: 'It must sign with its own key',
    file: own('outgoing'),
    find: 'key,\n        keyMember: token === undefined',
    replace: "key: (await import('../../signing/key.js')).makeKey(),\n        keyMember: token === undefined",
    cases: ['exchange.own-key'],
  },
  {
    clause: 'exchange.answers',
    words: 'the upstream token was refused',
    file: own('exchange'),
    find: "throw authToken.refuse('upstream_token_refused'",
    replace: "throw final('upstream_token_refused'",
    cases: ['exchange.answers'],
  },
  {
    clause: 'exchange.answers',
    words: 'or an auth server refuses the middle itself',
    file: own('exchange'),
    find: 'if (status === 403)',
    replace: 'if (status !== 500)',
    cases: ['exchange.answers'],
  },
  {
    clause: 'exchange.answers',
    words: 'the downstream is away',
    file: own('outgoing'),
    find: 'new Refusal(503,',
    replace: 'new Refusal(502,',
    cases: ['exchange.answers'],
  },
  {
    clause: 'interaction.challenge',
    words: 'The resource must answer its caller',
    file: own('errands'),
    find: '{site.id}/interaction?',
    replace: '{o.authServer}/interaction?',
    cases: ['interaction.challenge'],
  },
  {
    clause: 'interaction.return-url',
    words: '`return_url` must follow the `redirect_uri` rule',
    file: own('interaction'),
    find: '!isNamedRedirect(metadata, home)',
    replace: 'new URL(home).origin !== errand.agent',
    cases: ['interaction.return-url'],
  },
  {
    clause: 'interaction.browser',
    words: 'Each hop must tie its interaction URL and its callback to one browser',
    file: own('interaction'),
    find: '&& pairs.includes(',
    replace: '|| pairs.includes(',
    cases: ['interaction.browser'],
  },
  {
    clause: 'exchange.oauth',
    words: 'it must sign the browser in at the upstream issuer',
    file: own('interaction'),
    find: "|| claims['sub'] !== errand.sub",
    replace: '',
    cases: ['exchange.oauth'],
  },
  {
    clause: 'sig.replay.handed-on',
    words: 'A party that has handed a request on must never send that pair',
    file: own('outgoing'),
    find: "{ 'retry-after': '5' }",
    replace: "{ 'retry-after': '5', 'agent-auth': 'httpsig' }",
    cases: ['sig.replay.handed-on'],
  },
  {
    clause: 'sig.replay.handed-on',
    words: 'Proxies that verify',
    file: own('guard'),
    find: 'const answer = isCall',
    replace: "if (route.path === '/failing-behind') return route.call(); const answer = isCall",
    cases: ['NON-17'],
  },
]

/** Resources that break one sentence about grants that have ended, and about what stays open. */
const endings: readonly BrokenPeer[] = [
  {
    clause: 'revocation.unseen',
    words: 'It must keep the revocation until',
    file: own('revocations'),
    find: 'exp + 60',
    replace: 'exp',
    cases: ['revocation.unseen'],
  },
  {
    clause: 'revocation.streams',
    words: 'Streams and sockets that were opened under the grant must end at once',
    file: own('lasting'),
    find: "site.revocations.has(String(claims['iss']), String(claims['grant']))",
    replace: 'false',
    cases: ['REV-09'],
  },
  {
    clause: 'policy.streams',
    words: 'must end with `until` and with the window of `hours`',
    file: own('lasting'),
    find: "['until', 'hours']",
    replace: '[]',
    cases: ['policy.streams'],
  },
  {
    clause: 'policy.streams',
    words: 'must end with `until` and with the window of `hours`',
    file: own('lasting'),
    find: "['until', 'hours']",
    replace: "['until']",
    cases: ['policy.streams'],
    slow: true,
  },
  {
    clause: 'policy.streams',
    words: 'of this resource there must be no sockets',
    file: own('lasting'),
    find: 'calls.length + own.length > 0',
    replace: 'calls.length > 0',
    cases: ['policy.streams'],
  },
]

/** Resources that break one sentence about pages that call, about names of a server, and of §8 each. */
const answers: readonly BrokenPeer[] = [
  {
    clause: 'cors.preflight',
    words: 'A preflight must allow',
    file: own('cors'),
    find: 'Content-Type, Agent-Interaction',
    replace: 'Content-Type',
    cases: ['cors.preflight'],
  },
  {
    clause: 'cors.preflight',
    words: 'Credentials must never be allowed',
    file: own('cors'),
    find: "'access-control-allow-origin': corsOrigin",
    replace: "'access-control-allow-origin': corsOrigin, 'access-control-allow-credentials': 'true'",
    cases: ['cors.preflight'],
  },
  {
    clause: 'cors.exposed',
    words: 'Responses must expose',
    file: own('cors'),
    find: 'RateLimit-Policy, Date',
    replace: 'RateLimit-Policy',
    cases: ['cors.exposed'],
  },
  {
    clause: 'cors.exposed',
    words: 'Where a resource takes bearer tokens beside signatures',
    file: own('cors'),
    find: ', WWW-Authenticate',
    replace: '',
    cases: ['cors.exposed'],
  },
  {
    clause: 'cors.exposed',
    words: 'Where a resource takes bearer tokens beside signatures',
    file: own('cors'),
    find: ', Authorization',
    replace: '',
    cases: ['cors.preflight'],
  },
  {
    clause: 'sig.authority.several',
    words: 'the verifier must use the one that equals',
    file: own('main'),
    find: 'authority: authorityOf(request)',
    replace: 'authority: (authorityOf(request), own.authority)',
    cases: ['sig.authority.several'],
  },
  {
    clause: 'sig.authority.several',
    words: 'If none is equal, it must answer 421',
    file: own('main'),
    find: 'refusing(421,',
    replace: 'refusing(400,',
    cases: ['sig.authority.several'],
  },
  {
    clause: 'error.date',
    words: '401 and 5xx answers must carry `Date`',
    file: shared('server'),
    find: 'response.writeHead(status,',
    replace: 'response.sendDate = status < 400; response.writeHead(status,',
    cases: ['error.date'],
  },
  {
    clause: 'error.insufficient-level',
    words: 'the level is too low',
    file: own('guard'),
    find: "refusing(401, 'insufficient_level')",
    replace: "refusing(401, 'invalid_signature')",
    cases: ['SCH-11'],
  },
]

/** Resources that break one sentence about what lies behind them, and about their answers. */
export const brokenMiddles: readonly BrokenPeer[] = [...hops, ...endings, ...answers]

/** Auth servers that break one sentence of §7 each. */
export const brokenExchanges: readonly BrokenPeer[] = [
  {
    clause: 'exchange.own-key',
    words: 'must check, in this order',
    file: 'conformance/dist/peer/auth-server/token-endpoint.js',
    find: 'const plain = await requestedAccess(context, call);',
    replace:
      "await readUpstream(context, call, { token: upstreamToken, asked: { resource: '' } }); const plain = await requestedAccess(context, call);",
    cases: ['exchange.own-key'],
  },
]

/** Agents that break one sentence of §8 each. */
export const brokenReaders: readonly BrokenPeer[] = [
  {
    clause: 'error.reason',
    words: 'a name that a caller does not know must be treated like its `error`',
    file: 'conformance/dist/peer/agent/ask-user.js',
    find: "error !== 'authorization_pending'",
    replace: "polled.body['reason'] !== 'decision_pending'",
    cases: ['error.reason'],
  },
]
