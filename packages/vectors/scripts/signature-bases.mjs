// The text that is signed: RFC 9421 §2, as far as AAuth lets a request use it.
import { badRequest, badSignature, refuseAll } from './expected.mjs'
import { thumbprintOf } from './keys.mjs'
import { openKind, replace } from './kind.mjs'
import { always, inlineGet, inlinePost } from './recipes.mjs'
import { signedRequest } from './signed.mjs'
import { now } from './world.mjs'

const own = [...always, '"@query"', '"signature-key"']
const host = ['host', 'calendar.example']

/** A GET with further headers and covered components; `values` are those of components with parameters, written by hand. */
function covering(components, { headers = [], values = {}, ...more } = {}) {
  return { ...inlineGet, headers: [host, ...headers], components: [...own, ...components], values, ...more }
}

const field = (name, ...lines) => lines.map(line => [name, line])

/** `[id, title, clauses, recipe]`. */
const accepted = [
  ['plain', 'each component is a line, and the parameters are the last one', 'sig.covered.order', inlineGet],
  [
    'other-order',
    'the lines follow the order in which components are listed',
    'sig.covered.order',
    { ...inlineGet, components: [...own].reverse() },
  ],
  ['body', 'Content-Type and Content-Digest are lines like any', 'sig.covered.body', inlinePost],
  ['scheme', '@scheme is that of the identifier', 'sig.authority.target-uri', covering(['"@scheme"'])],
  [
    'target-uri',
    '@target-uri has scheme and authority of the identifier',
    'sig.authority.target-uri',
    covering(['"@target-uri"']),
  ],
  ['request-target', '@request-target is the raw target', 'sig.target.raw', covering(['"@request-target"'])],
  [
    'path-escapes',
    'a path is never decoded',
    ['sig.target.raw', 'sig.target.one-path'],
    covering([], { target: '/caf%C3%A9/a%2Fb?x=1' }),
  ],
  [
    'query-raw',
    'a query is never decoded or sorted',
    'sig.target.raw',
    covering([], { target: '/holidays?b=%20+&a=&&a' }),
  ],
  [
    'query-only-mark',
    'a query without text is a question mark',
    'sig.covered.query',
    covering([], { target: '/holidays?' }),
  ],
  [
    'query-with-marks',
    'only the first question mark divides path and query',
    'sig.covered.query',
    covering([], { target: '/holidays?a=?b?' }),
  ],
  [
    'field',
    'a header is a line under its name',
    'sig.covered.more',
    covering(['"x-tenant"'], { headers: field('x-tenant', 'blue') }),
  ],
  [
    'field-case',
    'names of headers are compared without case',
    'sig.covered.more',
    covering(['"x-tenant"'], { headers: field('X-Tenant', 'blue') }),
  ],
  [
    'field-spaces',
    'white space around a header value is taken off',
    'sig.covered.more',
    covering(['"x-tenant"'], { headers: field('x-tenant', ' \t blue  sky\t ') }),
  ],
  [
    'field-empty',
    'an empty header is an empty line',
    'sig.covered.more',
    covering(['"x-tenant"'], { headers: field('x-tenant', '') }),
  ],
  [
    'field-lines',
    'several lines of one header are joined by comma and space, in their order',
    'sig.covered.more',
    covering(['"x-tenant"'], { headers: [...field('x-tenant', 'a', ' b '), ...field('X-TENANT', 'c, d')] }),
  ],
  [
    'field-bs',
    'bs wraps each line of a header by itself',
    'sig.covered.more',
    covering(['"x-tenant";bs'], {
      headers: field('x-tenant', 'value, with, commas', 'b'),
      values: { '"x-tenant";bs': ':dmFsdWUsIHdpdGgsIGNvbW1hcw==:, :Yg==:' },
    }),
  ],
  [
    'field-sf',
    'sf writes a Dictionary strictly',
    'sig.covered.more',
    covering(['"priority";sf'], {
      headers: field('priority', 'u=1 ,  i;  x=?1'),
      values: { '"priority";sf': 'u=1, i;x' },
    }),
  ],
  [
    'field-key',
    'key takes one member of a Dictionary',
    'sig.covered.more',
    covering(['"x-dict";key="b"'], {
      headers: field('x-dict', 'a=1, b=2;x=1;y=2, c=(a  b   c)'),
      values: { '"x-dict";key="b"': '2;x=1;y=2' },
    }),
  ],
  [
    'field-key-list',
    'key takes an Inner List in its strict form',
    'sig.covered.more',
    covering(['"x-dict";key="c"'], {
      headers: field('x-dict', 'a=1', 'c=(a  b   c)'),
      values: { '"x-dict";key="c"': '(a b c)' },
    }),
  ],
  [
    'field-key-true',
    'a member without a value is true',
    'sig.covered.more',
    covering(['"x-dict";key="d"'], { headers: field('x-dict', 'a=1, d'), values: { '"x-dict";key="d"': '?1' } }),
  ],
  [
    'field-two-keys',
    'two members of one Dictionary are two components',
    ['sig.covered.more', 'sig.covered.once'],
    covering(['"x-dict";key="a"', '"x-dict";key="b"', '"x-dict"'], {
      headers: field('x-dict', 'a=1, b=2'),
      values: { '"x-dict";key="a"': '1', '"x-dict";key="b"': '2' },
    }),
  ],
  [
    'query-param',
    '@query-param takes one parameter of the query',
    'sig.covered.more',
    covering(['"@query-param";name="year"'], { values: { '"@query-param";name="year"': '2027' } }),
  ],
  [
    'query-param-encoded',
    'the value of a query parameter is decoded and encoded anew',
    'sig.covered.more',
    covering(['"@query-param";name="q"'], {
      target: '/holidays?q=this+is%2da%7eb%c3%a9*',
      values: { '"@query-param";name="q"': 'this%20is-a%7Eb%C3%A9*' },
    }),
  ],
  [
    'query-param-name',
    'the name of a query parameter is encoded',
    'sig.covered.more',
    covering(['"@query-param";name="fa%C3%A7ade%22%3A%20"'], {
      target: '/holidays?fa%C3%A7ade%22%3A%20=something',
      values: { '"@query-param";name="fa%C3%A7ade%22%3A%20"': 'something' },
    }),
  ],
  [
    'query-param-empty',
    'a query parameter without a value is empty',
    'sig.covered.more',
    covering(['"@query-param";name="qux"'], {
      target: '/holidays?param=value&qux=',
      values: { '"@query-param";name="qux"': '' },
    }),
  ],
  [
    'input-spaced',
    'spacing in Signature-Input changes nothing: the base has the strict form',
    'sig.parameters.kept',
    {
      ...inlineGet,
      sent_input: `(  "@method"  "@authority" "@path" "@query" "signature-key"  );  created=${now};nonce="0lqVCBHLx54BKhxFCU2JpA"`,
    },
  ],
  [
    'input-other-parameters',
    'unknown parameters stay in the base, in their order',
    'sig.parameters.kept',
    { ...inlineGet, parameters: `keyid="a\\"b";created=${now};x;y=?0;z=tok/en;w=1.5` },
  ],
  [
    'input-true',
    'a parameter that is true is written without a value',
    'sig.parameters.kept',
    { ...inlineGet, parameters: `created=${now};x`, sent_input: `(${own.join(' ')});created=${now};x=?1` },
  ],
  [
    'component-parameter',
    'a plain header and one of its forms may both be covered',
    'sig.covered.parameters',
    covering(['"signature-key";key="sig"'], {
      values: {
        '"signature-key";key="sig"': `hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="4r6BxQbxcsp--RTWHGmJ0rrmTQB29I_mKgqZloRqYqI"`,
      },
    }),
  ],
  [
    'components-32',
    '32 components may be covered',
    'limits.components',
    covering(
      Array.from({ length: 27 }, (_, n) => `"x-${n}"`),
      { headers: Array.from({ length: 27 }, (_, n) => [`x-${n}`, String(n)]) },
    ),
  ],
  [
    'other-lines',
    'Signature-Input may be on several lines',
    'sig.headers.label',
    {
      ...inlineGet,
      more_lines: [
        ['signature-input', 'b=("@status");tag="x"'],
        ['signature', 'b=:AA==:'],
      ],
    },
  ],
]

const cover = (...components) => replace('/made/components', [...own, ...components])
const component = reason => badSignature(reason, 'component')
const value = component('component_value_invalid')
const line = text => replace('/made/headers/1/1', text)

const refused = {
  field: [
    [
      'twice',
      'a header is covered once',
      'sig.covered.once',
      'x-tenant is covered twice',
      cover('"x-tenant"', '"x-tenant"'),
      component('component_repeated'),
    ],
    [
      'line-break',
      'a header with a line break is refused: it would forge a line',
      'sig.target.form',
      'the value has a line break',
      line('blue\n"@path": /x'),
      badRequest('header_value_invalid', 'component'),
    ],
    [
      'non-ascii',
      'a covered header with a character outside ASCII is refused',
      'sig.covered.ascii',
      'the value has a letter outside ASCII',
      line('bl\u00fce'),
      value,
    ],
    [
      'control',
      'a covered header with a control character is refused',
      'sig.covered.known',
      'the value has a BEL',
      line('bl\u0007e'),
      value,
    ],
    [
      'unknown-parameter',
      'a component with an unknown parameter is refused',
      'sig.covered.known',
      'x-tenant has the parameter x',
      cover('"x-tenant";x'),
      component('component_unsupported'),
    ],
    [
      'sf-of-unknown-type',
      'sf of a header whose type is not known is refused',
      'sig.covered.known',
      'x-tenant is covered with sf',
      cover('"x-tenant";sf'),
      component('component_unsupported'),
    ],
  ],
  'field-bs': [
    [
      'with-sf',
      'bs and sf do not go together',
      'sig.covered.known',
      'sf is added',
      cover('"x-tenant";bs;sf'),
      component('component_unsupported'),
    ],
    [
      'false',
      'bs that is false is refused',
      'sig.covered.known',
      'bs is false',
      cover('"x-tenant";bs=?0'),
      component('component_unsupported'),
    ],
  ],
  'field-sf': [
    [
      'no-dictionary',
      'a header covered with sf must be of its type',
      'sig.covered.known',
      'the value is no Dictionary',
      line('u=('),
      value,
    ],
    [
      'repeated',
      'a header covered with sf must have each member once',
      'sig.covered.known',
      'a member comes twice',
      line('u=1, u=2'),
      value,
    ],
    [
      'number',
      'a header covered with sf must have one reading',
      'sig.covered.known',
      'a number is 1.0',
      line('u=1.0'),
      value,
    ],
  ],
  'field-key': [
    [
      'absent',
      'a covered member must be there',
      'sig.covered.known',
      'the member is absent',
      cover('"x-dict";key="e"'),
      component('component_missing'),
    ],
    [
      'token',
      'key must be a String',
      'sig.covered.known',
      'key is a Token',
      cover('"x-dict";key=b'),
      component('component_unsupported'),
    ],
    [
      'repeated',
      'a Dictionary with a member twice has no single reading',
      'sig.covered.known',
      'the member comes twice',
      line('b=1, b=2'),
      value,
    ],
    [
      'other-order',
      'a component is the same in another order of its parameters',
      'sig.covered.once',
      'the member is covered twice',
      cover('"x-dict";key="b"', '"x-dict";key="b"'),
      component('component_repeated'),
    ],
  ],
  'query-param': [
    [
      'absent',
      'a covered query parameter must be there',
      'sig.covered.known',
      'the parameter is absent',
      cover('"@query-param";name="month"'),
      component('component_missing'),
    ],
    [
      'repeated',
      'a covered query parameter must come once',
      'sig.covered.known',
      'the parameter comes twice',
      replace('/made/target', '/holidays?year=2027&year=2028'),
      component('component_missing'),
    ],
    [
      'nameless',
      '@query-param needs a name',
      'sig.covered.known',
      'name is missing',
      cover('"@query-param"'),
      component('component_missing'),
    ],
    [
      'no-utf-8',
      'a covered query parameter must be UTF-8',
      'sig.covered.known',
      'the value is no UTF-8',
      replace('/made/target', '/holidays?year=%FF'),
      value,
    ],
    [
      'many',
      'a query of which a parameter is covered by name has at most 1000',
      'limits.components',
      'the query has 1001 parameters',
      replace('/made/target', `/holidays?year=2027${'&a=1'.repeat(1000)}`),
      component('components_too_many'),
    ],
  ],
  scheme: [
    [
      'with-parameter',
      'a derived component has no parameters of headers',
      'sig.covered.known',
      '@scheme is covered with sf',
      cover('"@scheme";sf'),
      component('component_unsupported'),
    ],
  ],
  'components-32': [
    [
      '33',
      '33 components are refused',
      'limits.components',
      'one more is covered',
      vector => replace('/made/components', [...vector.made.components, '"host"']),
      component('components_too_many'),
    ],
  ],
}

export function signatureBases() {
  const kind = openKind('signature-bases', made => {
    const { input, base } = signedRequest(made)
    return { input, facts: { base } }
  })
  const expect = { level: 'pseudonymous', thumbprint: thumbprintOf('pseudonym') }
  for (const [id, title, clauses, made] of accepted)
    kind.accept(id, title, { at: now, receiver: 'calendar', clauses: [clauses].flat(), made, expect })
  for (const [of, rows] of Object.entries(refused)) refuseAll(kind, of, rows)
  return kind
}
