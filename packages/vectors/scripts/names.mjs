// Names and forms: identifiers, scopes, purposes, form bodies.
import { badRequest, refusal, refuseAll } from './expected.mjs'
import { openKind, replace, replaceIn } from './kind.mjs'

const production = value => ({ value, development: false })
const development = value => ({ value, development: true })
const identifiers = [
  ['host', 'an identifier is https and a host', ['id.canonical'], production('https://agent.example')],
  ['port', 'an identifier may have a port', ['id.canonical'], production('https://agent.example:8443')],
  ['single-label', 'a host may have one label', ['id.canonical'], production('https://intranet')],
  [
    'a-label',
    'a name in another script is written in A-labels',
    ['id.canonical'],
    production('https://xn--bcher-kva.example'),
  ],
  ['digits', 'labels may have digits and hyphens', ['id.canonical'], production('https://1-2.a3.example')],
  [
    'longest-label',
    'a label may have 63 characters',
    ['id.canonical'],
    production(`https://${'a'.repeat(63)}.example`),
  ],
  [
    'localhost',
    'in development localhost may be http',
    ['id.development.explicit'],
    development('http://localhost:3000'),
  ],
  [
    'loopback',
    'in development a loopback address may be http',
    ['id.development.explicit', 'id.ip'],
    development('http://127.0.0.1:3000'),
  ],
  [
    'loopback-6',
    'in development a loopback address may be IPv6',
    ['id.development.explicit', 'id.ip'],
    development('http://[::1]:3000'),
  ],
  ['address', 'in development an address may be a host', ['id.ip'], development('https://192.0.2.1')],
]
const malformed = refusal('discovery_failed', 'identifier_malformed', 'identifier')
const value = text => replace('/input/value', text)
const identifierFaults = {
  host: [
    ['slash', 'an identifier has no slash at its end', 'a slash is added', value('https://agent.example/')],
    ['path', 'an identifier has no path', 'a path is added', value('https://agent.example/a')],
    ['query', 'an identifier has no query', 'a query is added', value('https://agent.example?a')],
    ['fragment', 'an identifier has no fragment', 'a fragment is added', value('https://agent.example#a')],
    ['userinfo', 'an identifier has no userinfo', 'userinfo is added', value('https://agent.example@evil.example')],
    ['upper-case', 'a host is in lower case', 'a letter is in upper case', value('https://Agent.example')],
    ['scheme-upper-case', 'the scheme is in lower case', 'the scheme is in upper case', value('HTTPS://agent.example')],
    ['trailing-dot', 'a host has no dot at its end', 'a dot is added', value('https://agent.example.')],
    ['default-port', 'a default port is not written', 'the port is 443', value('https://agent.example:443')],
    ['port-zero', 'a port has no leading zero', 'the port is 08443', value('https://agent.example:08443')],
    ['port-large', 'a port is at most 65535', 'the port is 65536', value('https://agent.example:65536')],
    ['port-empty', 'a port is not empty', 'a colon is added', value('https://agent.example:')],
    ['http', 'outside development an identifier is https', 'the scheme is http', value('http://agent.example')],
    ['unicode', 'a host is written in A-labels', 'a letter is outside ASCII', value('https://bücher.example')],
    ['underscore', 'a host is a DNS name', 'a label has an underscore', value('https://agent_1.example')],
    [
      'hyphen-first',
      'a label does not begin with a hyphen',
      'a label begins with a hyphen',
      value('https://-agent.example'),
    ],
    [
      'hyphen-last',
      'a label does not end with a hyphen',
      'a label ends with a hyphen',
      value('https://agent-.example'),
    ],
    ['empty-label', 'a label is not empty', 'there are two dots', value('https://agent..example')],
    ['space', 'an identifier has no white space', 'a space is added', value('https://agent.example ')],
    ['no-scheme', 'an identifier has its scheme', 'the scheme is missing', value('agent.example')],
    ['percent', 'a host has no escapes', 'a letter is escaped', value('https://%61gent.example')],
    ['empty', 'an identifier is not empty', 'the text is empty', value('')],
    ['backslash', 'a backslash ends no host', 'a backslash follows', value('https://agent.example\\@evil.example')],
    ['line-break', 'an identifier has no line break', 'a line break is added', value('https://agent.example\n')],
  ],
  'longest-label': [
    [
      '64',
      'a label has at most 63 characters',
      'a label has 64 characters',
      value(`https://${'a'.repeat(64)}.example`),
    ],
  ],
  'a-label': [
    ['false', 'an A-label stands for a name', 'the A-label stands for nothing', value('https://xn--a.example')],
  ],
  address: [
    [
      'production',
      'outside development an address is no host',
      'it is production',
      replace('/input/development', false),
    ],
    ['decimal', 'an address has one spelling', 'the address is a number', value('https://3221225985')],
    ['hex', 'an address has one spelling', 'a part is in hex', value('https://192.0.2.0x1')],
    ['short', 'an address has four parts', 'a part is missing', value('https://192.0.513')],
  ],
  localhost: [
    ['production', 'outside development localhost is https', 'it is production', replace('/input/development', false)],
    ['another-host', 'in development only loopback is http', 'the host is another', value('http://agent.example')],
    [
      'below',
      'a name that ends with localhost is not loopback',
      'the host is below localhost',
      value('http://a.localhost:3000'),
    ],
    ['default-port', 'a default port is not written', 'the port is 80', value('http://localhost:80')],
  ],
  'loopback-6': [
    ['long', 'an address has one spelling', 'the address is written out', value('http://[0:0:0:0:0:0:0:1]:3000')],
  ],
}

export function identifierKind() {
  const kind = openKind('identifiers')
  for (const [id, title, clauses, input] of identifiers) kind.accept(id, title, { clauses, input })
  for (const [of, rows] of Object.entries(identifierFaults)) {
    const clause =
      of === 'localhost' || of === 'loopback-6'
        ? 'id.development.explicit'
        : of === 'address'
          ? 'id.ip'
          : 'id.canonical'
    refuseAll(
      kind,
      of,
      rows.map(([name, title, change, patch]) => [name, title, clause, change, patch, malformed]),
    )
  }
  return kind
}

const type = 'application/x-www-form-urlencoded'
const form = (text, contentType = type) => ({ body: { text }, content_type: contentType })
const forms = [
  [
    'plain',
    'a form has parameters',
    ['token-endpoint.form'],
    form('request_type=auth&state=a%20b+c'),
    { request_type: 'auth', state: 'a b c' },
  ],
  [
    'empty-value',
    'an empty parameter is absent',
    ['token-endpoint.unknown'],
    form('request_type=auth&scope='),
    { request_type: 'auth' },
  ],
  [
    'no-equals',
    'a parameter without a value is absent',
    ['token-endpoint.unknown'],
    form('request_type=auth&scope'),
    { request_type: 'auth' },
  ],
  [
    'two-ampersands',
    'nothing between two ampersands is no parameter',
    ['token-endpoint.form'],
    form('&request_type=auth&&'),
    { request_type: 'auth' },
  ],
  [
    'charset',
    'a form may name its charset',
    ['token-endpoint.form'],
    form('request_type=auth', `${type}; charset=UTF-8`),
    { request_type: 'auth' },
  ],
  [
    'type-case',
    'media types are compared without case',
    ['token-endpoint.form'],
    form('request_type=auth', 'Application/X-WWW-Form-Urlencoded'),
    { request_type: 'auth' },
  ],
  ['utf-8', 'a value is UTF-8', ['token-endpoint.form'], form('purpose=caf%C3%A9'), { purpose: 'café' }],
  ['equals-in-value', 'a value may have an equals sign', ['token-endpoint.form'], form('state=a=b'), { state: 'a=b' }],
]
const put = text => replace('/input/body/text', text)
const unread = badRequest('form_malformed', 'form')
const media = badRequest('content_type_unsupported', 'form', 415)

/** Bodies at token endpoints. */
export function formKind() {
  const kind = openKind('forms')
  for (const [id, title, clauses, input, parameters] of forms)
    kind.accept(id, title, { clauses, input, expect: { parameters } })
  refuseAll(kind, 'plain', [
    [
      'twice',
      'a parameter comes once',
      'token-endpoint.once',
      'request_type comes twice',
      put('request_type=auth&request_type=auth'),
      badRequest('parameter_repeated', 'form'),
    ],
    [
      'twice-escaped',
      'a parameter that comes twice is found in any spelling',
      'token-endpoint.once',
      'request_type comes twice, once with an escape',
      put('request_type=auth&request%5Ftype=code'),
      badRequest('parameter_repeated', 'form'),
    ],
    [
      'twice-empty',
      'an empty parameter comes once, too',
      'token-endpoint.once',
      'request_type comes twice, once empty',
      put('request_type=auth&request_type='),
      badRequest('parameter_repeated', 'form'),
    ],
    [
      'bad-escape',
      'an escape has two digits',
      'token-endpoint.form',
      'an escape has one digit',
      put('request_type=auth&state=%4'),
      unread,
    ],
    [
      'bad-digits',
      'an escape has hexadecimal digits',
      'token-endpoint.form',
      'an escape has other letters',
      put('request_type=auth&state=%zz'),
      unread,
    ],
    [
      'not-utf-8',
      'a value is UTF-8',
      'token-endpoint.form',
      'a value is no UTF-8',
      put('request_type=auth&state=%FF'),
      unread,
    ],
    [
      'body-not-utf-8',
      'a form is UTF-8',
      'token-endpoint.form',
      'a byte of the form is no UTF-8',
      replace('/input/body', { base64: Buffer.from('a=\xff', 'latin1').toString('base64') }),
      unread,
    ],
    ['nul', 'a value has no NUL', 'token-endpoint.form', 'a value has NUL', put('request_type=auth&state=%00'), unread],
    [
      'many',
      'a form has at most 100 parameters',
      'limits.before-parsing',
      'the form has 101 parameters',
      put(Array.from({ length: 101 }, (_, n) => `p${n}=1`).join('&')),
      unread,
    ],
    [
      'large',
      'a form has at most 64 KiB',
      'limits.body',
      'the form has more',
      put(`a=${'b'.repeat(65_536)}`),
      badRequest('body_too_large', 'form', 413),
    ],
    [
      'json',
      'a form is no JSON',
      ['token-endpoint.form', 'error.media-type'],
      'the type is application/json',
      replace('/input/content_type', 'application/json'),
      media,
    ],
    [
      'charset',
      'a form is in no other charset',
      'token-endpoint.form',
      'the charset is ISO-8859-1',
      replace('/input/content_type', `${type}; charset=iso-8859-1`),
      media,
    ],
    [
      'type-longer',
      'a media type is compared whole',
      'token-endpoint.form',
      'the type is longer',
      replace('/input/content_type', `${type}x`),
      media,
    ],
  ])
  return kind
}

const scopes = Array.from({ length: 64 }, (_, n) => `s${n}`).join(' ')
const unscoped = refusal('invalid_scope', 'scope_malformed', 'scope')

/** Values of `scope`. */
export function scopeKind() {
  const kind = openKind('scopes')
  const accept = (id, title, text, clauses = ['error.invalid-scope']) =>
    kind.accept(id, title, { clauses, input: { scope: text }, expect: { scopes: text.split(' ') } })
  accept('one', 'a scope is a name', 'events.read')
  accept('two', 'names are set apart by single spaces', 'openid events.read')
  accept('characters', 'a name has printable ASCII but quote and backslash', '!#[]~ https://calendar.example/read')
  accept('64', '64 names may be asked for', scopes, ['limits.scopes'])
  const scope = text => replace('/input/scope', text)
  const rows = [
    ['empty', 'a scope is not empty', 'the scope is empty', scope('')],
    ['leading-space', 'no space stands before the first name', 'a space stands first', scope(' openid events.read')],
    ['trailing-space', 'no space stands after the last name', 'a space stands last', scope('openid events.read ')],
    ['two-spaces', 'names are set apart by single spaces', 'there are two spaces', scope('openid  events.read')],
    ['tab', 'a tab sets no names apart', 'a tab stands between', scope('openid\tevents.read')],
    ['twice', 'a name comes once', 'a name comes twice', scope('openid openid')],
    ['quote', 'a name has no quote', 'a name has a quote', scope('openid "events')],
    ['backslash', 'a name has no backslash', 'a name has a backslash', scope('openid events\\read')],
    ['non-ascii', 'a name is ASCII', 'a name has a letter outside ASCII', scope('openid événements')],
  ]
  refuseAll(
    kind,
    'two',
    rows.map(([name, title, change, patch]) => [
      ...[name, title, ['limits.scopes', 'error.invalid-scope'], change, patch, unscoped],
    ]),
  )
  kind.refuse('64', '65', '65 names are refused', {
    clauses: ['limits.scopes'],
    change: 'one more is asked for',
    patch: replaceIn('/input/scope', /$/, ' s64'),
    expect: unscoped,
  })
  return kind
}

const badPurposes = badRequest('purposes_malformed', 'form')

/** Values of `purposes`. */
export function purposeKind() {
  const kind = openKind('purposes')
  const accept = (id, title, text) =>
    kind.accept(id, title, {
      clauses: ['policy.purposes', 'policy.words'],
      input: { purposes: text },
      expect: { words: text.split(' ') },
    })
  accept('one', 'a purpose is a word', 'planning')
  accept('two', 'words are set apart by single spaces', 'planning billing')
  accept('longest', 'a word may have 128 characters', 'a'.repeat(128))
  accept('64', '64 words may be asked for', scopes)
  const purposes = text => replace('/input/purposes', text)
  const rows = [
    ['empty', 'purposes is not empty', 'purposes is empty', purposes('')],
    ['two-spaces', 'words are set apart by single spaces', 'there are two spaces', purposes('planning  billing')],
    ['trailing-space', 'no space stands after the last word', 'a space stands last', purposes('planning billing ')],
    ['twice', 'a word comes once', 'a word comes twice', purposes('planning planning')],
    ['quote', 'a word has no quote', 'a word has a quote', purposes('planning "billing"')],
    ['non-ascii', 'a word is ASCII', 'a word has a letter outside ASCII', purposes('planning caf\u00e9')],
  ]
  refuseAll(
    kind,
    'two',
    rows.map(([name, title, change, patch]) => [
      name,
      title,
      ['limits.scopes', 'policy.words'],
      change,
      patch,
      badPurposes,
    ]),
  )
  kind.refuse('longest', 'longer', 'a word has at most 128 characters', {
    clauses: ['policy.words'],
    change: 'one more character is added',
    patch: replaceIn('/input/purposes', /$/, 'a'),
    expect: badPurposes,
  })
  kind.refuse('64', '65', 'there are at most 64 words', {
    clauses: ['limits.scopes'],
    change: 'one more is asked for',
    patch: replaceIn('/input/purposes', /$/, ' s64'),
    expect: badPurposes,
  })
  return kind
}
