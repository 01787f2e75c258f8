// Requests that a resource lets in: `[id, title, clauses, recipe, facts]`.
import { publicKey, thumbprintOf } from './keys.mjs'
import { agentToken, authToken, inlineGet, inlinePost, publishedGet, tokenGet } from './recipes.mjs'
import { agentId, authId, now } from './world.mjs'

const inline = { level: 'pseudonymous', thumbprint: thumbprintOf('pseudonym') }
const published = { level: 'identified', agent: agentId, thumbprint: thumbprintOf('agent') }
const delegate = { level: 'identified', agent: agentId, delegate: 'phone', thumbprint: thumbprintOf('phone') }
const authorized = {
  ...{ level: 'authorized', issuer: authId, agent: agentId, delegate: 'phone', thumbprint: thumbprintOf('phone') },
  ...{ user: { iss: authId, sub: 'u-7c1d' }, scope: ['events.read'] },
}
const { x } = publicKey('pseudonym')
const withKey = key => ({ ...inlineGet, key, signature_key: { scheme: 'hwk', key } })
const keyOf = key => ({ level: 'pseudonymous', thumbprint: thumbprintOf(key) })
const withParameters = parameters => ({ ...inlineGet, parameters })
const withKeyText = text => ({ ...inlineGet, signature_key: { text } })
const binary = [
  ['host', 'calendar.example'],
  ['content-type', 'application/octet-stream'],
]
const agentKey = kid => ({ text: `jwks_uri;id="${agentId}";kid="${kid}";dwk="aauth-agent"` })
const { agent: _agent, agent_delegate: _delegate, ...ofNoAgent } = authToken.claims
const { scope: _scope, ...signIn } = authToken.claims
const { sub: _sub, ...direct } = authToken.claims
const withClaims = claims => tokenGet({ ...authToken, claims })
const withAgentClaims = claims => tokenGet({ ...agentToken, claims: { ...agentToken.claims, ...claims } })
const act = { iss: authId, agent: 'https://first.example', agent_delegate: 'laptop' }

export const acceptedRequests = [
  [
    ...['inline-get', 'a GET with a query, signed by an inline key'],
    ...[['level.pseudonymous', 'sig.covered.always', 'sig.covered.query', 'sig.key.hwk'], inlineGet, inline],
  ],
  [
    'inline-post',
    'a POST with a body, signed by an inline key',
    ['sig.covered.body', 'sig.digest.match'],
    inlinePost,
    inline,
  ],
  [
    ...['published-get', 'a GET signed by a key that the agent publishes'],
    ...[['level.identified', 'sig.key.jwks-uri', 'sig.key.jwks-uri.lookup'], publishedGet, published],
  ],
  [
    ...['agent-token-get', 'a GET under an agent token, signed by the key of the delegate'],
    ...[['level.identified', 'sig.key.jwt', 'token.binding'], tokenGet(agentToken), delegate],
  ],
  [
    ...['auth-token-get', 'a GET under an auth token, signed by the key of the delegate'],
    ...[['level.authorized', 'token.binding', 'token.user'], tokenGet(authToken), authorized],
  ],
  [
    'inline-es256',
    'a key of P-256 signs by ES256',
    ['sig.alg.supported', 'sig.alg.from-key'],
    withKey('p256'),
    keyOf('p256'),
  ],
  ['inline-es384', 'a key of P-384 signs by ES384', 'sig.alg.optional', withKey('p384'), keyOf('p384')],
  [
    'inline-ps512',
    'an RSA key of 2048 bits signs by PS512',
    ['sig.alg.optional', 'sig.alg.rsa-size'],
    withKey('rsa'),
    keyOf('rsa'),
  ],
  [
    ...['published-es256', 'an agent may publish keys of several algorithms', 'sig.alg.from-key'],
    ...[
      { ...publishedGet, key: 'p256', signature_key: agentKey('agent-p256') },
      { ...published, thumbprint: thumbprintOf('p256') },
    ],
  ],
  [
    'other-label',
    'any legal label selects the signature',
    'sig.headers.label',
    { ...inlineGet, label: '*agent-1' },
    inline,
  ],
  [
    ...[
      'other-signatures',
      'signatures of others stand beside the selected one, and are not looked at',
      'sig.headers.others',
    ],
    {
      ...inlineGet,
      ...{
        other_inputs: ['proxy=("@status" "x-none");created=1;tag="x"'],
        other_signatures: ['proxy=:AAAA:', 'more=:AQ==:'],
      },
    },
    inline,
  ],
  [
    ...['eight-members', 'Signature-Input and Signature may have eight members', 'sig.headers.limits'],
    {
      ...inlineGet,
      other_inputs: [2, 3, 4, 5, 6, 7, 8].map(n => `s${n}=();tag="x"`),
      other_signatures: [2, 3, 4, 5, 6, 7, 8].map(n => `s${n}=:AA==:`),
    },
    inline,
  ],
  ['no-nonce', 'a receiver does not need a nonce', 'sig.nonce.optional', withParameters(`created=${now}`), inline],
  [
    'alg-jose',
    'the parameter alg may name the algorithm of the key by its JOSE name',
    ['sig.parameters.alg', 'sig.alg.names'],
    withParameters(`created=${now};alg="Ed25519"`),
    inline,
  ],
  [
    'alg-registered',
    'the parameter alg may name the algorithm by its name of RFC 9421',
    'sig.alg.names',
    withParameters(`created=${now};alg="ed25519"`),
    inline,
  ],
  [
    'expires-later',
    'a signature counts before its expires',
    'sig.expires',
    withParameters(`created=${now};expires=${now + 5}`),
    inline,
  ],
  [
    'expires-now',
    'a signature counts in the second of its expires',
    ['sig.expires', 'times.expires'],
    withParameters(`created=${now - 5};expires=${now}`),
    inline,
  ],
  ['created-60-s-ago', 'created may be 60 s ago', 'sig.created.window', withParameters(`created=${now - 60}`), inline],
  [
    'created-60-s-ahead',
    'created may be 60 s ahead',
    'sig.created.window',
    withParameters(`created=${now + 60}`),
    inline,
  ],
  [
    'digest-sha-512',
    'a digest by sha-512 is read',
    'sig.digest.algorithms',
    { ...inlinePost, digest: 'sha-512' },
    inline,
  ],
  [
    'binary-body',
    'a body is bytes, not text',
    'sig.body.bytes',
    { ...inlinePost, body: { base64: '//4AgA==' }, headers: binary },
    inline,
  ],
  [
    'post-without-body',
    'a POST without a body covers no digest',
    ['sig.covered.body-absent', 'sig.body.bytes'],
    { ...publishedGet, method: 'POST' },
    published,
  ],
  [
    'empty-query',
    'a target that ends with a question mark has a query',
    'sig.covered.query',
    { ...inlineGet, target: '/holidays?' },
    inline,
  ],
  [
    'hwk-without-alg',
    'an inline Ed25519 key is read without alg, too',
    'sig.key.hwk',
    withKeyText(`hwk;kty="OKP";crv="Ed25519";x="${x}"`),
    inline,
  ],
  [
    'hwk-unknown-parameter',
    'an unknown parameter of Signature-Key is ignored',
    'sig.key.parameters',
    withKeyText(`hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="${x}";color=red`),
    inline,
  ],
  [
    'method-override',
    'a header that names another method is ignored',
    'sig.method.override',
    { ...inlineGet, headers: [...inlineGet.headers, ['x-http-method-override', 'DELETE']] },
    inline,
  ],
  [
    'forwarded-host',
    'a forwarded host is not read',
    'sig.authority.configured',
    { ...inlineGet, headers: [...inlineGet.headers, ['x-forwarded-host', 'evil.example']] },
    inline,
  ],
  [
    'other-host',
    'with one configured authority, Host is not read',
    'sig.authority.configured',
    { ...inlineGet, headers: [['host', 'proxy.internal:8080']] },
    inline,
  ],
  [
    'sign-in-token',
    'an auth token without scope names a user only',
    'token.auth.claims',
    withClaims(signIn),
    { ...authorized, scope: [] },
  ],
  [
    'direct-token',
    'an auth token without sub is of no user',
    'token.auth.claims',
    withClaims(direct),
    { ...without(authorized, 'user') },
  ],
  [
    ...['chained-token', 'an auth token says through whom it came', ['token.auth.claims', 'limits.act']],
    ...[
      withClaims({ ...authToken.claims, act: { ...act, act: { ...act, agent: 'https://second.example' } } }),
      authorized,
    ],
  ],
  [
    'agent-token-aud',
    'a receiver finds itself in aud of an agent token',
    'token.agent.aud',
    withAgentClaims({ aud: ['https://calendar.example', authId] }),
    delegate,
  ],
  [
    'agent-token-aud-string',
    'aud of an agent token may be one string',
    'token.agent.aud',
    withAgentClaims({ aud: 'https://calendar.example' }),
    delegate,
  ],
  [
    'agent-token-24-h',
    'an agent token may live 24 h',
    'token.agent.life',
    withAgentClaims({ exp: agentToken.claims.iat + 86_400 }),
    delegate,
  ],
  [
    'auth-token-1-h',
    'an auth token may live 1 h',
    'token.auth.life',
    withClaims({ ...authToken.claims, exp: authToken.claims.iat + 3600 }),
    authorized,
  ],
  [
    'token-iat-60-s-ahead',
    'iat may be 60 s ahead',
    'token.times',
    withClaims({ ...authToken.claims, iat: now + 60 }),
    authorized,
  ],
  [
    'token-headers-ignored',
    'other header members of a token, such as keys, are ignored',
    'token.headers',
    tokenGet({
      ...authToken,
      header: { ...authToken.header, jwk: publicKey('evil'), jku: 'https://evil.example/jwks' },
    }),
    authorized,
  ],
  [
    'token-eddsa',
    'EdDSA in a token is read as Ed25519',
    'token.alg',
    tokenGet({ ...authToken, header: { ...authToken.header, alg: 'EdDSA' } }),
    authorized,
  ],
  [
    'token-es256',
    'an auth server may sign by ES256',
    'token.alg',
    tokenGet({ ...authToken, key: 'p256', header: { ...authToken.header, alg: 'ES256', kid: 'auth-p256' } }),
    authorized,
  ],
]

/** A token of the resource itself, as an agent. */
export const ownAgent = {
  made: withClaims(ofNoAgent),
  expect: { ...without(authorized, 'delegate'), agent: 'https://calendar.example' },
}

function without(facts, name) {
  return Object.fromEntries(Object.entries(facts).filter(([own]) => own !== name))
}
