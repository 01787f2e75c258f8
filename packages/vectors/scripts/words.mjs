// Words of the sentence that a vector shows, for clauses that have several sentences in docs/protocol.md. By clause: the words, and the
// vectors they are for, as a pattern of `KIND ID`. The first that matches counts; words alone are for all others.
const byClause = {
  'agent.checks.token-answer': 'In a token answer',
  'agent.checks.user-url': 'A URL for a user must be https',
  'agent.final': [[/two-lines/, 'or that stands on two lines'], 'as final'],
  'approval.challenge': [
    [/member-unknown|not-an-object|name-missing/, 'and no other'],
    '`operation`, with these members',
  ],
  'approval.digest': 'the base64url SHA-256 of a text',
  'approval.digest.text': [[/letters/, 'The text is digested in UTF-8'], 'None holds U+001F'],
  'approval.token': 'It has `operation_digest`',
  'bot.agent': [
    [/agent-uncovered|member$/, 'The signature must cover `signature-agent` once'],
    [/agent-path/, 'A URL at another path names no bot'],
    'Its value must be one String without parameters',
  ],
  'bot.directory': [
    [/33|empty|type/, 'at most 64 KiB and 32 keys'],
    [/another|key-unknown|plain$/, 'A key is found by its thumbprint'],
    'only if the response has a signature with that key',
  ],
  'bot.replay': [
    [/no-nonce/, 'A signature for a safe method without `nonce`'],
    'A `nonce` must pass only once for each key',
  ],
  'bot.unsafe': 'all components of §3.4 but `"signature-key"` must be covered, and there must be a `nonce`',
  'challenge.no-downgrade': 'An agent must not fall back to it by itself',
  'challenge.syntax': [
    [/(identity-bare|refusals identify\/string)$/, '`identity` and `auth-token` are Booleans'],
    '`Agent-Auth` is a Structured Field Item',
  ],
  'challenge.verified-only': 'only to a request verified as *identified* or *authorized*',
  'consent.redirect-uri': [
    [/loopback/, 'With `localhost_callback_allowed` it may also be'],
    [/answer-parameter/, 'Its query must have no parameter of an answer'],
    "exactly one string of the agent's metadata",
  ],
  'delegate.rotate': [
    [/60-s|\/(old|ahead|time-.*)$/, '`iat` must be at most 60 s from now'],
    [/\/(alg-.*|crit|duplicate|changed|name-empty|replaced-key-short)$/, 'Its form is that of a token but for `kid`'],
    '`proof` is a JWS by the new key',
  ],
  'discovery.broken-beside': 'a right key beside a broken, unknown or printed one',
  'discovery.garbage': 'no JSON, metadata of another identifier, an empty key set',
  'error.reason': 'a stable name of what is wrong',
  'error.shape': 'Its body is JSON',
  'id.equal': [[/upper-case/, 'A party must never normalise one'], 'Two identifiers are equal when their strings are'],
  'id.jwk-alg': [[/no-alg|without-alg/, 'A reader must refuse one without it'], 'must carry `alg`'],
  'id.metadata.self': [
    [/unknown-members/, 'Members that §6 does not name must be ignored'],
    [/-missing$|-least/, 'these names and `jwks_uri` are required'],
    [/auth-server\/issuer-other/, 'For an auth server that is `issuer` alone'],
    [/-other$|issuer-slash/, 'must both equal `ID`'],
    [/\/keys-(userinfo|fragment|relative|address)/, 'A URL in metadata must be absolute'],
    'A named member of another type or form than §6 says',
  ],
  'interaction.challenge': 'with a URL on its own origin',
  'interaction.code': 'A code has 1 to 512 characters',
  'limits.before-parsing': 'Input over a limit must be refused before it is parsed',
  'limits.header-status': 'A header that is longer than its limit must get 431',
  'mcp.headers': [
    [/older/, 'In older revisions this holds for the headers that are there'],
    [/\//, 'Where a header is missing, repeated, or says something else than the body'],
    'each once',
  ],
  'policy.all-hold': [
    [/empty|no-constraints|none/, 'An absent list and `[]` hold'],
    [/two-of|second/, 'of two conditions of one type both must hold'],
    'All conditions of a list must hold, each by itself',
  ],
  'policy.data.before': 'the request was carried out, and an agent must not send it again',
  'policy.delegates': 'An agent server must set `aud` on a token with `delegation`',
  'policy.folded': 'whose names are equal when folded',
  'policy.json': [
    [/pointer/, 'JSON Pointers (RFC 6901) of at most 512 characters'],
    'in which no object has a member twice and which is at most 64 levels deep',
  ],
  'policy.narrow': [
    [/(nothing|two-parties|scopes-crossed|32)$/, 'the concatenation of these'],
    [/until-of-calls/, 'no `until` from a list with `calls` of a `grant`'],
    [/33/, 'A list that is too long then must be refused'],
    'only where another one of its type in the list implies it',
  ],
  'policy.order': 'A resource must judge a request in this order',
  'policy.own-words': 'So each has the member `resource` with its identifier',
  'policy.shape': [
    [/33|over|(32|2-kib)$/, 'A list must have at most 32 conditions'],
    [/-empty$|\/(empty|days-empty)$/, 'No array within a condition may be empty'],
    [/null$/, '`null` is no list and no value'],
    [/large/, 'from 0 to 2⁵³ − 1'],
    'Each entry must be an object with a known `type`',
  ],
  'policy.unknown': [
    [/upper-case|type-unknown|-unknown$/, 'must refuse with `policy_denied`'],
    'It must never ignore a condition',
  ],
  'policy.words': [
    [/metadata resource$/, 'A resource publishes its words in its metadata'],
    'A word is 1 to 128 characters of a scope token',
  ],
  'revocation.claim': 'It must be 1 to 64 characters',
  'revocation.metadata': "on the resource's own origin",
  'revocation.notice': 'at most 1 h 60 s ahead',
  'revocation.own': 'Nothing in the form may name another',
  'revocation.signer': [[/\//, 'The resource must refuse any other `id`'], 'The auth server must sign by `jwks_uri`'],
  'sig.alg.names': [[/eddsa|registered/, 'RFC 9421 names must be read'], 'JOSE names must be written everywhere'],
  'sig.alg.optional': [[/without-alg|no-alg/, 'RSA keys must carry `alg`'], 'It may support `ES384` and `PS512`'],
  'sig.authority.configured': [
    [/host$/, 'It must never come from `Host`'],
    "`@authority` must be the verifier's **configured** authority",
  ],
  'sig.authority.several': [
    [/not-served|other-port/, 'If none is equal, it must answer 421'],
    'must use the one that equals `Host`',
  ],
  'sig.body.bytes': [[/without-body/, 'Bytes decide whether there is a body'], 'A body is bytes, however framed'],
  'sig.covered.body-absent': 'A verifier must refuse `@query` without a `?`, and `content-digest` without a body',
  'sig.covered.demanded': 'A route may demand more components',
  'policy.data.scalar': 'as a member it goes, as an element it becomes `null`',
  'sig.covered.ascii': 'anything but printable ASCII, space and tab',
  'sig.covered.known': [
    [/field\/control/, 'anything but printable ASCII, space and tab'],
    [/field-(sf|key)\/(repeated|number|no-dictionary)/, 'a Dictionary with two readings'],
    'It must refuse an unknown or unresolvable component',
  ],
  'sig.digest.algorithms': [
    [/unknown$|old-name/, 'At least one known digest must be there'],
    'A verifier must read sha-256 and sha-512',
  ],
  'sig.digest.match': [
    [/sha-256\/twice/, 'A digest that comes twice must be refused'],
    'All known digests must match the body bytes',
  ],
  'sig.headers.duplicates': 'A verifier must refuse a label or a parameter that comes twice',
  'sig.headers.label': [
    [/missing/, 'Where that label is missing in either header'],
    [/65/, 'and refuse a longer one'],
    [/label$/, 'a verifier must take any legal one of at most 64 characters'],
    'selects** one member of `Signature-Input` and one of `Signature`',
  ],
  'sig.headers.one-member': [
    [/key-uncovered|key-changed/, 'The signature must cover that whole line'],
    'must have **exactly one member, on exactly one line**',
  ],
  'sig.headers.status': 'A verifier must answer 401, never 400',
  'sig.key.hwk': [
    [/without-alg$/, 'A verifier must also read a key of `kty` OKP or EC without `alg`'],
    [/disagrees/, 'it must agree with `kty` and `crv`'],
    'The key must be complete',
  ],
  'sig.key.jwt-type': 'A verifier must refuse it with `unsupported_scheme`',
  'sig.key.legacy': 'A verifier must refuse it, and the description must name the form above',
  'sig.key.hwk.members': [[/hwk-use/, 'Where `use` is there, it must be `sig`'], 'here it is an unknown parameter'],
  'sig.key.parameters': [[/unknown-parameter|hwk-unknown/, 'A verifier must ignore'], 'must be Strings, each once'],
  'sig.key.scheme': [
    [/scheme$|scheme-unknown|scheme-upper-case/, 'A verifier must refuse an unknown scheme'],
    'The member must be a Token: the scheme',
  ],
  'sig.method.override': 'Method-override headers must be ignored',
  'sig.parameters.kept': [
    [/decimal/, 'A Decimal without a fraction'],
    [/spaced|input-true/, 'so legal spacing in the header changes nothing'],
    'All parameters, known or not, must stay in the signature base',
  ],
  'sig.replay.agent': 'an agent must never sign again and resend',
  'sig.replay.resent': [[/not-processed/, 'an agent waits, signs anew and resends'], 'It must do so on no other 503'],
  'sig.target.escapes': 'It must answer 400 to bad `%` escapes and `OPTIONS *`',
  'sig.target.form': [
    [/two-hosts|line-break/, 'It must answer 400 to two `Host` lines'],
    'A receiver must answer 400 to these targets',
  ],
  'token-endpoint.form': [
    [/escape|digits|utf-8|nul|charset/, 'It is in UTF-8 and has at most 100 parameters'],
    'The body must be a form',
  ],
  'token-endpoint.identified': [
    [/\//, 'A request that is unsigned, signed by `hwk`, or shows an auth token'],
    'The caller must always sign as *identified*',
  ],
  'token-endpoint.unknown': 'An empty parameter is absent',
  'token.alg': [[/eddsa/, '`EdDSA` is read as Ed25519'], '`alg` must be fully specified and agree with the key'],
  'token.auth.claims': [
    [/no-scope|no-user|sign-in|direct/, 'At least one of the two must be there'],
    [/chained/, 'who acted before'],
    [/purpose-/, 'the purpose that was stated'],
    [/purposes-/, 'words of the resource for what it is used'],
    [/agent-/, '| `agent` | identifier |'],
    'what is allowed',
  ],
  'token.claims': [
    [/unknown-claims/, 'Claims that they do not name must be ignored'],
    [/cnf-(two|thumb)/, '`cnf` must have `jwk` and no other member'],
    'Every claim must have the type and form of the tables below',
  ],
  'token.auth.own-agent': 'A resource must refuse such a token',
  'token.unreadable': 'the code of what belongs in its place',
  'token.life': [[/no-life/, 'It must be more than 0'], 'within the maximum of its type'],
  'token.shape': [
    [/deep/, 'A receiver must read JSON that is up to 16 levels deep'],
    'three canonical base64url parts',
  ],
  'token.times': [
    [/ahead|exp-now|expired|over|later/, '`exp` must be ahead of now'],
    'Times are integers from 0, in Unix seconds',
  ],
  'token.user': 'A user is the pair (`iss`, `sub`)',
}

const rulesOf = rules => (Array.isArray(rules) ? rules : rules === undefined ? [] : [rules])

/** @returns the words for one clause of a vector; undefined where its clause has one sentence */
function wordsFor(clause, vector) {
  const rules = rulesOf(byClause[clause])
  const found = rules.find(rule => typeof rule === 'string' || rule[0].test(vector))
  return Array.isArray(found) ? found[1] : found
}

/** The vectors of a kind, each with its words. */
export function withWords({ kind, list }) {
  return list().map(({ id, title, clauses, ...more }) => {
    const named = clauses.map(clause => [clause, wordsFor(clause, `${kind} ${id}`)])
    const words = Object.fromEntries(named.filter(([, text]) => text !== undefined))
    return { id, title, clauses, ...(Object.keys(words).length > 0 && { words }), ...more }
  })
}

/** Fails for a rule that no vector of all kinds is for. */
export function checkWords(kinds) {
  const shown = kinds.flatMap(({ kind, list }) =>
    list().map(({ id, clauses }) => ({ vector: `${kind} ${id}`, clauses })),
  )
  for (const [clause, rules] of Object.entries(byClause)) {
    const vectors = shown.filter(({ clauses }) => clauses.includes(clause)).map(({ vector }) => vector)
    const used = new Set(vectors.map(vector => wordsFor(clause, vector)))
    for (const rule of rulesOf(rules)) {
      const words = typeof rule === 'string' ? rule : rule[1]
      if (!used.has(words)) throw new Error(`no vector shows “${words}” of ${clause}`)
    }
  }
}
