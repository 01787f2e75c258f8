// What agents and auth servers agree on without state: digests of operations, redirect URIs, interaction codes.
import { createHash } from 'node:crypto'
import { badRequest, refusal, refuseAll } from './expected.mjs'
import { openKind, remove, replace } from './kind.mjs'
import { inlineGet, inlinePost } from './recipes.mjs'
import { signedRequest } from './signed.mjs'

const invitation = signedRequest({
  ...inlinePost,
  target: '/invitations',
  body: { text: '{"to":"bob@example.org","title":"Chess at eight"}' },
}).base
const first = invitation.split('\n').filter(line => !/^"(?:signature-key|@signature-params)"/.test(line))
const display = ['Invite ', 'bob@example.org', ' to ', 'Chess at eight', '']
const shown = `"display": Invite \u001fbob@example.org\u001f to \u001fChess at eight\u001f`
const withHeaders = signedRequest({
  ...inlineGet,
  headers: [
    ['host', 'calendar.example'],
    ['x-b', '2'],
    ['x-a', '1'],
    ['content-encoding', 'gzip'],
  ],
  components: [
    '"x-b"',
    '"@query"',
    '"signature-key"',
    '"x-a"',
    '"content-encoding"',
    '"@path"',
    '"@authority"',
    '"@method"',
  ],
}).base
const parameters = signedRequest({
  ...{ ...inlineGet, target: '/holidays?b=2&a=1' },
  components: [...inlineGet.components, '"@query-param";name="b"', '"@query-param";name="a"'],
  values: { '"@query-param";name="b"': '2', '"@query-param";name="a"': '1' },
}).base

const operations = [
  ['plain', 'the digest is over the request, and not over its signature', { base: invitation }, first.join('\n')],
  [
    'display',
    'the display is the last line, its strings set apart by U+001F',
    { base: invitation, display },
    [...first, shown].join('\n'),
  ],
  [
    'one-string',
    'a display may be one string',
    { base: invitation, display: ['Invite'] },
    [...first, '"display": Invite'].join('\n'),
  ],
  [
    'letters',
    'the text is digested in UTF-8, and no string is brought into a normal form',
    { base: invitation, display: ['Invite \u00e9 ', 'e\u0301', ' \u{1f375}'] },
    [...first, '"display": Invite \u00e9 \u001fe\u0301\u001f \u{1f375}'].join('\n'),
  ],
  [
    'order',
    'lines have an order of their own, whatever the order in the base',
    { base: withHeaders },
    [
      '"@method": GET',
      '"@authority": calendar.example',
      '"@path": /holidays',
      '"@query": ?year=2027',
      '"content-encoding": gzip',
      '"x-a": 1',
      '"x-b": 2',
    ].join('\n'),
  ],
  [
    'same-name',
    'lines of one name stay as they stand in the base',
    { base: parameters },
    [
      '"@method": GET',
      '"@authority": calendar.example',
      '"@path": /holidays',
      '"@query": ?b=2&a=1',
      '"@query-param";name="b": 2',
      '"@query-param";name="a": 1',
    ].join('\n'),
  ],
  [
    'other-key',
    'a signature under another key has the same digest',
    {
      base: signedRequest({
        ...inlinePost,
        key: 'phone',
        target: '/invitations',
        body: { text: '{"to":"bob@example.org","title":"Chess at eight"}' },
        signature_key: { scheme: 'hwk', key: 'phone' },
        parameters: 'created=1800000033',
      }).base,
    },
    first.join('\n'),
  ],
]

/** Those that show which bytes are digested. */
const textIds = ['display', 'letters']

export function operationDigests() {
  const kind = openKind('operation-digests')
  for (const [id, title, input, text] of operations)
    kind.accept(id, title, {
      ...{ clauses: textIds.includes(id) ? ['approval.digest', 'approval.digest.text'] : ['approval.digest'], input },
      expect: { text, digest: createHash('sha256').update(text).digest('base64url') },
    })
  return kind
}

const metadata = {
  redirect_uris: [
    'https://app.example/callback',
    'https://app.example/callback?a=b',
    'https://app.example/callback?state=1',
  ],
  localhost_callback_allowed: true,
}
const uri = value => ({ redirect_uri: value, metadata })
const redirects = [
  ['listed', 'a redirect URI is one of the metadata', uri('https://app.example/callback')],
  ['with-query', 'a redirect URI may have a query', uri('https://app.example/callback?a=b')],
  ['loopback', 'with localhost_callback_allowed it may be a loopback URL', uri('http://127.0.0.1:49152/cb')],
  ['loopback-6', 'a loopback URL may be of IPv6', uri('http://[::1]:49152/cb?x=1')],
]
const unregistered = badRequest('redirect_uri_unregistered', 'form')
const redirect = value => replace('/input/redirect_uri', value)

export function redirectUris() {
  const kind = openKind('redirect-uris')
  for (const [id, title, input] of redirects) kind.accept(id, title, { clauses: ['consent.redirect-uri'], input })
  const rows = (of, list) =>
    refuseAll(
      kind,
      of,
      list.map(([name, title, change, patch]) => [name, title, 'consent.redirect-uri', change, patch, unregistered]),
    )
  rows('listed', [
    ['slash', 'redirect URIs are compared exactly', 'a slash is added', redirect('https://app.example/callback/')],
    ['query', 'a query is part of a redirect URI', 'a query is added', redirect('https://app.example/callback?x=1')],
    [
      'host',
      'a redirect URI on another host is none of the agent',
      'the host is another',
      redirect('https://evil.example/callback'),
    ],
    [
      'upper-case',
      'a redirect URI is never normalised',
      'the host has an upper-case letter',
      redirect('https://App.example/callback'),
    ],
    [
      'port',
      'a redirect URI is never normalised',
      'the default port is written',
      redirect('https://app.example:443/callback'),
    ],
    [
      'none',
      'an agent without redirect_uris has none',
      'redirect_uris is missing',
      remove('/input/metadata/redirect_uris'),
    ],
  ])
  kind.refuse('listed', 'answer-parameter', 'the query of a redirect URI has no parameter of the answer', {
    ...{ clauses: ['consent.redirect-uri'], change: 'a listed redirect URI has state' },
    ...{ patch: redirect('https://app.example/callback?state=1'), expect: badRequest('redirect_uri_invalid', 'form') },
  })
  rows('loopback', [
    [
      'not-allowed',
      'without localhost_callback_allowed loopback is refused',
      'it is false',
      replace('/input/metadata/localhost_callback_allowed', false),
    ],
    ['localhost', 'localhost may be another address', 'the host is localhost', redirect('http://localhost:49152/cb')],
    ['no-port', 'a loopback URL has a port', 'the port is missing', redirect('http://127.0.0.1/cb')],
    ['https', 'a loopback URL is http', 'the scheme is https', redirect('https://127.0.0.1:49152/cb')],
    [
      'another-address',
      'only 127.0.0.1 is loopback here',
      'the address is 127.0.0.2',
      redirect('http://127.0.0.2:49152/cb'),
    ],
    ['fragment', 'a loopback URL has no fragment', 'a fragment is added', redirect('http://127.0.0.1:49152/cb#x')],
    [
      'userinfo',
      'a loopback URL has no userinfo',
      'userinfo is added',
      redirect('http://127.0.0.1:1@evil.example:80/cb'),
    ],
    ['no-path', 'a loopback URL has a path', 'the path is missing', redirect('http://127.0.0.1:49152')],
  ])
  return kind
}

const invalid = refusal('invalid_grant', 'interaction_code_invalid', 'form', 400)
const code = value => replace('/input/line', value)

export function interactionCodes() {
  const kind = openKind('interaction-codes')
  const accept = (id, title, line, value) =>
    kind.accept(id, title, { clauses: ['interaction.code'], input: { line }, expect: { code: value } })
  accept('plain', 'Agent-Interaction is a String', '"c0de-1_2.3~4"', 'c0de-1_2.3~4')
  accept('parameters', 'parameters of Agent-Interaction are ignored', '"c0de";x=1', 'c0de')
  const rows = [
    ['token', 'Agent-Interaction is no Token', 'the quotes are missing', code('c0de-1_2.3~4')],
    ['empty', 'a code is not empty', 'the code is empty', code('""')],
    ['space', 'a code has no spaces', 'the code has a space', code('"c0 de"')],
    ['two', 'Agent-Interaction is one Item', 'a second code follows', code('"c0de", "c0de"')],
    ['unclosed', 'Agent-Interaction is a Structured Field', 'a quote is missing', code('"c0de')],
    ['long', 'a code has at most 512 characters', 'the code has 513', code(`"${'a'.repeat(513)}"`)],
  ]
  refuseAll(
    kind,
    'plain',
    rows.map(([name, title, change, patch]) => [
      name,
      title,
      ['interaction.code', 'error.invalid-grant'],
      change,
      patch,
      invalid,
    ]),
  )
  return kind
}
