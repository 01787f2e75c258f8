// Parts of messages by themselves: challenges, Agent-Interaction, Content-Digest, Signature-Key, forms, scopes and purposes.
import { createHash } from 'node:crypto'
import { badRequest, badSignature, refusal, refuseAll } from './expected.mjs'
import { publicKey, thumbprintOf } from './keys.mjs'
import { openKind, replace, replaceIn } from './kind.mjs'
import { digestOf } from './signed.mjs'

const challenge = badRequest('agent_auth_malformed', 'challenge')
const line = text => replace('/input/line', text)
const token = 'resource_token="eyJhIjoxfQ.e30.AA"; auth_server="https://auth.example"'
const asked = { auth_token: true, resource_token: 'eyJhIjoxfQ.e30.AA', auth_server: 'https://auth.example' }

/** `[id, title, clauses, line, facts]`. */
const challenges = [
  ['plain', 'the Token alone asks for a signature', 'challenge.syntax', 'httpsig', {}],
  ['identity', 'identity asks who the caller is', 'challenge.identity', 'httpsig; identity=?1', { identity: true }],
  [
    'identity-bare',
    'a Boolean that is true may be written without a value',
    'challenge.syntax',
    'httpsig;identity',
    { identity: true },
  ],
  ['identity-false', 'a Boolean that is false asks for nothing', 'challenge.identity', 'httpsig;identity=?0', {}],
  [
    'auth-token',
    'auth-token says what to ask for, and where',
    ['challenge.auth-token', 'challenge.auth-server'],
    `httpsig; auth-token; ${token}`,
    asked,
  ],
  [
    'any-order',
    'parameters may be in any order',
    'challenge.syntax',
    `httpsig;auth_server="https://auth.example";resource_token="eyJhIjoxfQ.e30.AA";auth-token=?1`,
    asked,
  ],
  [
    'interaction',
    'user_interaction is where the user is needed',
    'challenge.user-interaction',
    'httpsig; user_interaction="https://calendar.example/interact/7"',
    { user_interaction: 'https://calendar.example/interact/7' },
  ],
  [
    'algs',
    'algs lists algorithms by their JOSE names',
    ['challenge.algs', 'sig.alg.names'],
    'httpsig; algs="Ed25519 ES256"',
    { algs: ['Ed25519', 'ES256'] },
  ],
  [
    'unknown',
    'unknown parameters are ignored, whatever their type',
    'challenge.unknown-parameters',
    'httpsig; identity=?1; color=red; n=1.5; b=:AA==:; d=@0; s="a;b"; ds=%"f%c3%bc"',
    { identity: true },
  ],
  [
    'spaces',
    'spaces around an Item and after a semicolon are allowed',
    'challenge.syntax',
    '  httpsig;   identity=?1  ',
    { identity: true },
  ],
  [
    'escaped',
    'a String may have escapes',
    'challenge.syntax',
    'httpsig; user_interaction="https://calendar.example/\\"\\\\"',
    { user_interaction: 'https://calendar.example/"\\' },
  ],
]

const challengeFaults = {
  plain: [
    ['another-token', 'the Token is httpsig', 'challenge.syntax', 'the Token is bearer', line('bearer')],
    [
      'upper-case',
      'the Token is compared exactly',
      'challenge.syntax',
      'the Token has upper-case letters',
      line('HTTPSIG'),
    ],
    ['string', 'the Item is a Token', 'challenge.syntax', 'the Item is a String', line('"httpsig"')],
    ['empty', 'an empty header is no challenge', 'challenge.syntax', 'the header is empty', line('')],
    ['two-items', 'a challenge is one Item', 'challenge.syntax', 'a second Item follows', line('httpsig, httpsig')],
    ['list', 'a challenge is no list', 'challenge.syntax', 'the Item stands in parentheses', line('(httpsig)')],
    ['tab', 'a tab is no space of an Item', 'challenge.syntax', 'a tab stands before the Item', line('\thttpsig')],
    ['non-ascii', 'a challenge is ASCII', 'challenge.syntax', 'a letter outside ASCII is added', line('httpsig;x="é"')],
    [
      'too-long',
      'a challenge has at most 16 KiB',
      'limits.before-parsing',
      'a parameter of 16 KiB is added',
      line(`httpsig;x="${'a'.repeat(16_384)}"`),
    ],
  ],
  identity: [
    ['string', 'identity is a Boolean', 'challenge.identity', 'identity is a String', line('httpsig; identity="?1"')],
    ['number', 'identity is a Boolean', 'challenge.identity', 'identity is 1', line('httpsig; identity=1')],
    [
      'twice',
      'a parameter comes once',
      'challenge.syntax',
      'identity comes twice',
      line('httpsig; identity=?1; identity=?0'),
    ],
    [
      'space-before',
      'no space stands before a semicolon',
      'challenge.syntax',
      'a space stands before the semicolon',
      line('httpsig ;identity=?1'),
    ],
    [
      'upper-case-name',
      'names of parameters are in lower case',
      'challenge.syntax',
      'the name has an upper-case letter',
      line('httpsig;Identity=?1'),
    ],
    ['true', 'a Boolean is ?1 or ?0', 'challenge.identity', 'identity is true', line('httpsig;identity=true')],
  ],
  'auth-token': [
    [
      'no-resource-token',
      'auth-token never stands without resource_token',
      'challenge.auth-token',
      'resource_token is missing',
      replaceIn('/input/line', / resource_token="[^"]*";/, ''),
    ],
    [
      'no-auth-server',
      'auth-token never stands without auth_server',
      'challenge.auth-server',
      'auth_server is missing',
      replaceIn('/input/line', /; auth_server="[^"]*"/, ''),
    ],
    [
      'no-auth-token',
      'resource_token never stands without auth-token',
      'challenge.auth-token',
      'auth-token is missing',
      replaceIn('/input/line', ' auth-token;', ''),
    ],
    [
      'false',
      'auth-token that is false does not stand beside resource_token',
      'challenge.auth-token',
      'auth-token is false',
      replaceIn('/input/line', 'auth-token;', 'auth-token=?0;'),
    ],
    [
      'token-value',
      'resource_token is a String',
      'challenge.auth-token',
      'resource_token is a Token',
      replaceIn('/input/line', '"eyJhIjoxfQ.e30.AA"', 'eyJhIjoxfQ.e30.AA'),
    ],
    [
      'empty-server',
      'auth_server is not empty',
      'challenge.auth-server',
      'auth_server is empty',
      replaceIn('/input/line', '"https://auth.example"', '""'),
    ],
    [
      'server-twice',
      'auth_server comes once',
      'challenge.syntax',
      'auth_server comes twice',
      replaceIn('/input/line', /$/, '; auth_server="https://evil.example"'),
    ],
  ],
  unknown: [
    [
      'unknown-twice',
      'an unknown parameter comes once, too',
      'challenge.syntax',
      'color comes twice',
      replaceIn('/input/line', 'n=1.5', 'color=blue'),
    ],
  ],
  interaction: [
    [
      'token',
      'user_interaction is a String',
      'challenge.user-interaction',
      'user_interaction is a Token',
      line('httpsig;user_interaction=x'),
    ],
    [
      'bare',
      'user_interaction has a value',
      'challenge.user-interaction',
      'user_interaction has no value',
      line('httpsig;user_interaction'),
    ],
  ],
  algs: [
    [
      'two-spaces',
      'names are set apart by single spaces',
      'challenge.algs',
      'algs has two spaces',
      line('httpsig; algs="Ed25519  ES256"'),
    ],
    ['list', 'algs is one String', 'challenge.algs', 'algs is an Inner List', line('httpsig; algs=("Ed25519")')],
    ['empty', 'algs is not empty', 'challenge.algs', 'algs is empty', line('httpsig; algs=""')],
  ],
}

/** Agent-Auth. */
export function challengeKind() {
  const kind = openKind('challenges')
  for (const [id, title, clauses, text, expect] of challenges)
    kind.accept(id, title, { clauses: [clauses].flat(), input: { line: text }, expect })
  for (const [of, rows] of Object.entries(challengeFaults))
    refuseAll(
      kind,
      of,
      rows.map(row => [...row, challenge]),
    )
  return kind
}

const hello = { text: 'Chess at eight' }
const bytes = Buffer.from(hello.text)
const both = `${digestOf(bytes)}, ${digestOf(bytes, 'sha-512')}`
const digests = [
  ['sha-256', 'sha-256 matches the body', digestOf(bytes)],
  ['sha-512', 'sha-512 matches the body', digestOf(bytes, 'sha-512')],
  ['both', 'two digests match the body', both],
  [
    'unknown-beside',
    'an unknown digest beside a known one is ignored',
    `md5=:${createHash('md5').update(bytes).digest('base64')}:, ${digestOf(bytes)}`,
  ],
  ['parameters', 'parameters of a digest are ignored', `${digestOf(bytes)};x=1`],
]
const digest = (reason, clause = 'sig.digest.algorithms') => [clause, badSignature(reason, 'digest')]
const digestRow = (name, title, change, patch, [clause, expect]) => [name, title, clause, change, patch, expect]

/** Content-Digest and a body. */
export function contentDigests() {
  const kind = openKind('content-digests')
  for (const [id, title, text] of digests)
    kind.accept(id, title, {
      clauses: ['sig.digest.algorithms', 'sig.digest.match'],
      input: { line: text, body: hello },
    })
  refuseAll(kind, 'sha-256', [
    digestRow(
      ...[
        'body',
        'the digest is that of the body',
        'the body is another',
        replace('/input/body', { text: 'Chess at nine' }),
        digest('digest_wrong', 'sig.digest.match'),
      ],
    ),
    digestRow(
      ...[
        'unknown',
        'a known digest must be there',
        'the digest is md5',
        line(`md5=:${createHash('md5').update(bytes).digest('base64')}:`),
        digest('digest_unsupported'),
      ],
    ),
    digestRow(
      ...[
        'hex',
        'a digest is a Byte Sequence',
        'the digest is a Token in hex',
        line(`sha-256=${createHash('sha256').update(bytes).digest('hex').replace(/^./, 'a')}`),
        digest('digest_malformed'),
      ],
    ),
    digestRow(
      ...[
        'string',
        'a digest is a Byte Sequence',
        'the digest is a String',
        line(`sha-256="${createHash('sha256').update(bytes).digest('base64')}"`),
        digest('digest_malformed'),
      ],
    ),
    digestRow(
      ...[
        'short',
        'a digest has the length of its algorithm',
        'the digest has 31 bytes',
        line(`sha-256=:${createHash('sha256').update(bytes).digest().subarray(1).toString('base64')}:`),
        digest('digest_malformed'),
      ],
    ),
    digestRow(
      ...[
        'no-dictionary',
        'Content-Digest is a Dictionary',
        'a colon is missing',
        replaceIn('/input/line', /:$/, ''),
        digest('digest_malformed', 'error.invalid-signature'),
      ],
    ),
    digestRow(
      ...[
        'old-name',
        'the name of an algorithm is compared exactly',
        'the name is SHA-256',
        replaceIn('/input/line', 'sha-256', 'SHA-256'),
        digest('digest_malformed'),
      ],
    ),
    digestRow(
      ...[
        'twice',
        'a digest comes once',
        'sha-256 comes twice',
        line(`${digestOf(Buffer.from('x'))}, ${digestOf(bytes)}`),
        digest('digest_malformed', 'sig.digest.match'),
      ],
    ),
    digestRow(
      ...[
        'list',
        'a digest is no Inner List',
        'the digest stands in parentheses',
        replaceIn('/input/line', /=(.*)$/, '=($1)'),
        digest('digest_malformed'),
      ],
    ),
  ])
  refuseAll(kind, 'both', [
    digestRow(
      ...[
        'second',
        'all known digests must match',
        'sha-512 is that of another body',
        line(`${digestOf(bytes)}, ${digestOf(Buffer.from('x'), 'sha-512')}`),
        digest('digest_wrong', 'sig.digest.match'),
      ],
    ),
    digestRow(
      ...[
        'first',
        'all known digests must match',
        'sha-256 is that of another body',
        line(`${digestOf(Buffer.from('x'))}, ${digestOf(bytes, 'sha-512')}`),
        digest('digest_wrong', 'sig.digest.match'),
      ],
    ),
  ])
  return kind
}

const { x } = publicKey('pseudonym')
const p256 = publicKey('p256')
const hwk = `sig=hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="${x}"`
const published = 'sig=jwks_uri;id="https://agent.example";kid="agent-1";dwk="aauth-agent"'
const keyLines = [
  [
    'hwk',
    'hwk holds a key',
    ['sig.key.hwk'],
    hwk,
    { label: 'sig', scheme: 'hwk', thumbprint: thumbprintOf('pseudonym') },
  ],
  [
    'hwk-p256',
    'hwk may hold a key of P-256',
    ['sig.key.hwk', 'sig.alg.supported'],
    `sig=hwk;alg="ES256";kty="EC";crv="P-256";x="${p256.x}";y="${p256.y}"`,
    { label: 'sig', scheme: 'hwk', thumbprint: thumbprintOf('p256') },
  ],
  [
    'hwk-p256-without-alg',
    'a key of an elliptic curve may come without alg',
    ['sig.key.hwk'],
    `sig=hwk;kty="EC";crv="P-256";x="${p256.x}";y="${p256.y}"`,
    { label: 'sig', scheme: 'hwk', thumbprint: thumbprintOf('p256') },
  ],
  [
    'hwk-use',
    'use of an inline key is sig',
    ['sig.key.hwk.members'],
    `${hwk};use="sig"`,
    { label: 'sig', scheme: 'hwk', thumbprint: thumbprintOf('pseudonym') },
  ],
  [
    'hwk-unknown',
    'key_ops and kid have no place in hwk, and are ignored like all that the scheme does not name',
    ['sig.key.hwk.members', 'sig.key.parameters'],
    `${hwk};key_ops="sign";kid=1;id=:AA==:`,
    { label: 'sig', scheme: 'hwk', thumbprint: thumbprintOf('pseudonym') },
  ],
  [
    'jwks-uri',
    'jwks_uri names an agent and one of its keys',
    ['sig.key.jwks-uri'],
    published,
    { label: 'sig', scheme: 'jwks_uri', id: 'https://agent.example', kid: 'agent-1' },
  ],
  [
    'jwt',
    'jwt holds a token',
    ['sig.key.jwt'],
    'sig=jwt;jwt="e30.e30.AA"',
    { label: 'sig', scheme: 'jwt', jwt: 'e30.e30.AA' },
  ],
  [
    'any-label',
    'a label is any key of a Dictionary',
    ['sig.headers.label'],
    '*a-1._=jwt;jwt="e30.e30.AA"',
    { label: '*a-1._', scheme: 'jwt', jwt: 'e30.e30.AA' },
  ],
  [
    'longest-label',
    'a label may have 64 characters',
    ['sig.headers.label'],
    `${'a'.repeat(64)}=jwt;jwt="e30.e30.AA"`,
    { label: 'a'.repeat(64), scheme: 'jwt', jwt: 'e30.e30.AA' },
  ],
  [
    'spaces',
    'spaces after a semicolon are allowed',
    ['sig.headers.dictionary'],
    'sig=jwt;  jwt="e30.e30.AA"',
    { label: 'sig', scheme: 'jwt', jwt: 'e30.e30.AA' },
  ],
  [
    'escaped-kid',
    'a String may have escapes',
    ['sig.key.parameters'],
    'sig=jwks_uri;id="https://agent.example";kid="a\\"b";dwk="aauth-agent"',
    { label: 'sig', scheme: 'jwks_uri', id: 'https://agent.example', kid: 'a"b' },
  ],
  [
    'unknown-parameter',
    'unknown parameters are ignored, whatever their type',
    ['sig.key.parameters'],
    'sig=jwt;jwt="e30.e30.AA";n=1;t=tok',
    { label: 'sig', scheme: 'jwt', jwt: 'e30.e30.AA' },
  ],
]
const keyed = reason => badSignature(reason, 'signature-key')
const headed = reason => badSignature(reason, 'signature-headers')
const badKey = refusal('unsupported_algorithm', 'key_unacceptable', 'signature-key')

/** Signature-Key. */
export function signatureKeys() {
  const kind = openKind('signature-keys')
  for (const [id, title, clauses, text, expect] of keyLines)
    kind.accept(id, title, { clauses, input: { line: text }, expect })
  refuseAll(kind, 'jwt', [
    [
      'no-jwt',
      'jwt needs a token',
      'sig.key.jwt',
      'jwt is missing',
      line('sig=jwt'),
      keyed('signature_key_parameter_missing'),
    ],
    [
      'empty-jwt',
      'jwt is not empty',
      'sig.key.jwt',
      'jwt is empty',
      line('sig=jwt;jwt=""'),
      keyed('signature_key_parameter_missing'),
    ],
    [
      'bytes',
      'jwt is a String',
      'sig.key.parameters',
      'jwt is a Byte Sequence',
      line('sig=jwt;jwt=:AAAA:'),
      keyed('signature_key_malformed'),
    ],
    [
      'no-scheme',
      'a member has a scheme',
      'sig.key.scheme',
      'the member has no value',
      line('sig;jwt="e30.e30.AA"'),
      keyed('signature_key_malformed'),
    ],
    [
      'two',
      'Signature-Key has one member',
      'sig.headers.one-member',
      'a member is added',
      line('sig=jwt;jwt="e30.e30.AA", b=jwt;jwt="e30.e30.AA"'),
      headed('signature_key_malformed'),
    ],
    [
      'same-label',
      'Signature-Key has one member, also under one label',
      'sig.headers.one-member',
      'the member is repeated',
      line('sig=jwt;jwt="e30.e30.AA", sig=jwt;jwt="e30.e30.AA"'),
      headed('signature_key_malformed'),
    ],
    [
      'parameter-twice',
      'a parameter comes once',
      'sig.headers.duplicates',
      'jwt comes twice',
      line('sig=jwt;jwt="a";jwt="e30.e30.AA"'),
      keyed('parameter_repeated'),
    ],
    [
      'upper-case-label',
      'a label is in lower case',
      'sig.headers.dictionary',
      'the label has an upper-case letter',
      line('Sig=jwt;jwt="e30.e30.AA"'),
      headed('signature_header_malformed'),
    ],
    [
      'inner-list',
      'the older spelling with parentheses is refused',
      'sig.key.legacy',
      'the scheme stands in parentheses',
      line('sig=(scheme=jwt jwt="e30.e30.AA")'),
      refusal('unsupported_scheme', 'signature_key_old_spelling', 'signature-key'),
    ],
    [
      'scheme',
      'an unknown scheme is refused',
      'sig.key.scheme',
      'the scheme is did',
      line('sig=did;did="x"'),
      refusal('unsupported_scheme', 'scheme_unsupported', 'signature-key'),
    ],
    [
      'long',
      'Signature-Key has at most 7 KiB',
      'limits.signature-key',
      'the token has 7 KiB',
      line(`sig=jwt;jwt="${'a'.repeat(7200)}"`),
      badRequest('header_too_long', 'signature-key', 431),
    ],
    [
      'space-before-semicolon',
      'no space stands before a semicolon',
      'sig.headers.dictionary',
      'a space stands before the semicolon',
      line('sig=jwt ;jwt="e30.e30.AA"'),
      headed('signature_header_malformed'),
    ],
  ])
  refuseAll(kind, 'hwk-use', [
    ['enc', 'use of an inline key is sig', 'sig.key.hwk.members', 'use is enc', line(`${hwk};use="enc"`), badKey],
    [
      'token',
      'use is a String',
      ['sig.key.hwk.members', 'sig.key.parameters'],
      'use is a Token',
      line(`${hwk};use=sig`),
      keyed('signature_key_malformed'),
    ],
  ])
  refuseAll(kind, 'hwk-p256', [
    [
      'alg',
      'alg must agree with crv',
      'sig.alg.agrees',
      'alg is ES384',
      replaceIn('/input/line', 'ES256', 'ES384'),
      badKey,
    ],
    [
      'no-y',
      'a key of P-256 is complete',
      'sig.key.hwk',
      'y is missing',
      replaceIn('/input/line', /;y=.*/, ''),
      badKey,
    ],
    [
      'off-curve',
      'a key is a point of its curve',
      'sig.alg.points',
      'y is x',
      replaceIn('/input/line', p256.y, p256.x),
      badKey,
    ],
    [
      'curve',
      'crv must agree with kty',
      'sig.alg.agrees',
      'crv is Ed25519',
      replaceIn('/input/line', 'P-256', 'Ed25519'),
      badKey,
    ],
  ])
  kind.refuse('longest-label', '65', 'a label has at most 64 characters', {
    clauses: ['sig.headers.label'],
    change: 'one more character is added',
    patch: replaceIn('/input/line', 'a=', 'aa='),
    expect: badSignature('signature_key_malformed', 'signature-headers'),
  })
  return kind
}
