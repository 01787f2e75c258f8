// Arguments of requests, and answers that are let through in part (protocol 9.2).
import { refusal, refuseAll } from './expected.mjs'
import { openKind, replace, replaceIn } from './kind.mjs'

const deep = (depth, leaf) => `${'['.repeat(depth)}${leaf}${']'.repeat(depth)}`
const toBob = [{ at: '/to', in: ['bob'] }, { at: '/text' }]
const rules = (where, body) => ({ where: [where], body: { text: body } })

const meets = [
  ['rules', 'a body holds what the rules list', rules(toBob, '{"to":"bob","text":"hello"}')],
  ['optional', 'a rule without a matcher lets nothing stand there, too', rules(toBob, '{"to":"bob"}')],
  ['beneath', 'a leaf may lie beneath a place', rules(toBob, '{"to":"bob","text":{"de":["hallo",{}]}}')],
  [
    'every-member',
    'a star stands for every element',
    rules([{ at: '/to/*', in: ['bob', 'eve'] }], '{"to":["bob","eve"]}'),
  ],
  ['whole', 'the empty pointer is the whole body', rules([{ at: '' }], '[1,2]')],
  ['number', 'a number is equal by value', rules([{ at: '/n', in: [1, null, true] }], '{"n":1.0e0}')],
  ['min', 'min takes the number itself', rules([{ at: '/n', min: 5 }], '{"n":5}')],
  ['max', 'max takes the number itself', rules([{ at: '/n', max: 5.5 }], '{"n":5.5}')],
  [
    'prefix',
    'a String may begin with the prefix',
    rules([{ at: '/u', prefix: 'https://a.example/' }], '{"u":"https://a.example/x"}'),
  ],
  ['length', 'maxLength counts code points', rules([{ at: '/t', maxLength: 2 }], '{"t":"\\ud83d\\ude00é"}')],
  [
    'elements',
    'maxLength counts elements of an array',
    rules([{ at: '/t', maxLength: 2 }, { at: '/t/*' }], '{"t":[1,[2,3,4]]}'),
  ],
  ['escaped', 'escapes in a body mean the same', rules(toBob, '{"t\\u006f":"b\\u006fb"}')],
  ['tilde', 'in a pointer ~1 is a slash and ~0 a tilde', rules([{ at: '/a~1b~0c', in: [1] }], '{"a/b~c":1}')],
  ['depth-64', 'a body may be 64 levels deep', rules([{ at: '' }], deep(64, '1'))],
  [
    'folded-apart',
    'members of two objects may differ in case only',
    rules([{ at: '/to', in: ['bob'] }, { at: '' }], '{"to":"bob","more":{"To":1}}'),
    ['policy.arguments', 'policy.folded'],
  ],
  [
    'two-conditions',
    'each condition must be met by itself',
    { where: [toBob, [{ at: '/to' }, { at: '/text', maxLength: 5 }]], body: { text: '{"to":"bob","text":"hello"}' } },
  ],
]

const body = text => replace('/input/body/text', text)

/** `[name, title, change, patch]`. */
const misses = {
  rules: [
    [
      'bcc',
      'a leaf that no rule lists refuses the body',
      'bcc is added',
      body('{"to":"bob","text":"hello","bcc":"eve"}'),
    ],
    ['empty-object', 'an empty object is a leaf', 'an empty object is added', body('{"to":"bob","x":{}}')],
    ['empty-array', 'an empty array is a leaf', 'an empty array is added', body('{"to":"bob","x":[]}')],
    ['null-leaf', 'null is a leaf', 'null is added', body('{"to":"bob","x":null}')],
    ['another', 'a value must be among those of in', 'to is another', body('{"to":"eve"}')],
    ['case', 'Strings are compared exactly', 'to has an upper-case letter', body('{"to":"Bob"}')],
    ['list', 'an array of a value is not that value', 'to is an array', body('{"to":["bob"]}')],
    ['missing', 'a rule with a matcher must name a value', 'to is missing', body('{"text":"hello"}')],
    [
      'twice',
      'a body with a member twice has no single reading',
      'to comes twice',
      body('{"to":"eve","to":"bob"}'),
      'policy.json',
    ],
    [
      'twice-escaped',
      'a member that comes twice is found in any spelling',
      'to comes twice, once with an escape',
      body('{"t\\u006f":"eve","to":"bob"}'),
      'policy.json',
    ],
    ['no-json', 'a body is JSON', 'a brace is missing', body('{"to":"bob"'), 'policy.json'],
    ['two-values', 'a body is one JSON value', 'a second value follows', body('{"to":"bob"} {}'), 'policy.json'],
    ['mark', 'a body has no byte order mark', 'a byte order mark is added', body('\ufeff{"to":"bob"}'), 'policy.json'],
    ['comma', 'a body is strict JSON', 'a comma follows the last member', body('{"to":"bob",}'), 'policy.json'],
    ['empty', 'an empty body is no JSON', 'the body is empty', body(''), 'policy.json'],
    [
      'latin1',
      'a body is UTF-8',
      'a byte is no UTF-8',
      replace('/input/body', { base64: Buffer.from('{"to":"bob","text":"\xe9"}', 'latin1').toString('base64') }),
      'policy.json',
    ],
  ],
  'every-member': [
    [
      'one-another',
      'each value that a rule names must meet it',
      'one element is another',
      body('{"to":["bob","mallory"]}'),
    ],
    ['none', 'a rule with a matcher must name a value', 'there are no elements', body('{"to":[]}')],
  ],
  number: [
    ['string', 'a String is no number', 'n is a String', body('{"n":"1"}')],
    ['false', 'false is not null', 'n is false', body('{"n":false}')],
    ['near', 'a number is compared exactly', 'n is a little more', body('{"n":1.00000000000000000000001}')],
  ],
  min: [
    ['less', 'a number is not less than min', 'n is 4.9', body('{"n":4.9}')],
    ['string', 'min takes numbers only', 'n is a String', body('{"n":"5"}')],
    ['large', 'an integer is within 2^53 - 1', 'n is 2^53', body('{"n":9007199254740992}')],
    ['null', 'min takes numbers only', 'n is null', body('{"n":null}')],
  ],
  max: [['more', 'a number is not more than max', 'n is a little more', body('{"n":5.50000000000000000001}')]],
  prefix: [
    ['case', 'a prefix is compared exactly', 'the first letter is in upper case', body('{"u":"Https://a.example/x"}')],
    ['number', 'prefix takes Strings only', 'u is a number', body('{"u":7}')],
  ],
  length: [
    ['longer', 'a String has no more code points', 'a letter is added', body('{"t":"abc"}')],
    ['combined', 'a letter with a mark is two code points', 'a mark of its own is added', body('{"t":"ae\\u0301"}')],
    ['number', 'maxLength takes Strings and arrays only', 't is a number', body('{"t":7}')],
    ['object', 'maxLength takes Strings and arrays only', 't is an object', body('{"t":{}}')],
  ],
  elements: [['more', 'an array has no more elements', 'an element is added', body('{"t":[1,2,3]}')]],
  'depth-64': [['65', 'a body is at most 64 levels deep', 'there is one more', body(deep(65, '1')), 'policy.json']],
  'folded-apart': [
    [
      'case',
      'no object has two members that differ in case only',
      'To is beside to',
      body('{"to":"bob","To":"eve","more":{"To":1}}'),
      'policy.folded',
    ],
    [
      'compatible',
      'no object has two members that differ in compatibility forms only',
      'a member with U+FF54 is beside to',
      body('{"to":"bob","\uff54o":"eve","more":{"To":1}}'),
      'policy.folded',
    ],
    [
      'ignorable',
      'no object has two members that differ in ignorable characters only',
      'a member with U+200B is beside to',
      body('{"to":"bob","t\u200bo":"eve","more":{"To":1}}'),
      'policy.folded',
    ],
    [
      'space',
      'no object has two members that differ in white space at an end only',
      'a member with a space at its end is beside to',
      body('{"to":"bob","to ":"eve","more":{"To":1}}'),
      'policy.folded',
    ],
    [
      'deep',
      'no object within has two members that differ in case only',
      'to is beside To within more',
      body('{"to":"bob","more":{"To":1,"to":2}}'),
      'policy.folded',
    ],
  ],
  'two-conditions': [
    [
      'second',
      'of two conditions both must be met',
      'text is longer',
      replaceIn('/input/body/text', 'hello', 'hello!'),
    ],
  ],
}

export function conditionArguments() {
  const kind = openKind('condition-arguments')
  const clauses = ['policy.arguments']
  for (const [id, title, input, about = clauses] of meets) kind.accept(id, title, { clauses: about, input })
  const expect = refusal('policy_denied', 'condition_arguments', 'conditions')
  for (const [of, rows] of Object.entries(misses))
    refuseAll(
      kind,
      of,
      rows.map(([name, title, change, patch, about = clauses]) => [name, title, about, change, patch, expect]),
    )
  return kind
}

const items = '{"items":[{"id":1,"title":"a","body":"x"},{"id":2,"title":"b","body":"y"}],"next":null}'
const shows = [
  [
    'titles',
    'other members go, and what is on the way stays',
    [['/items/*/title']],
    items,
    '{"items":[{"title":"a"},{"title":"b"}]}',
  ],
  ['first', 'other elements become null', [['/items/0/title']], items, '{"items":[{"title":"a"},null]}'],
  ['whole', 'the empty pointer lets everything through', [['']], items, items],
  ['nothing', 'where nothing is named, the object stays empty', [['/none']], items, '{}'],
  ['array', 'an answer may be an array', [['/*/id']], '[{"id":1,"x":2},3]', '[{"id":1},null]'],
  [
    'bytes',
    'what stays is not written anew',
    [['/a']],
    '{ "b" : 1 , "a" : [ 1.0 , "\\u0061" ] }',
    '{"a":[ 1.0 , "\\u0061" ]}',
  ],
  ['order', 'members stay in their order', [['/z', '/a']], '{"z":1,"b":2,"a":3}', '{"z":1,"a":3}'],
  [
    'two-lists',
    'each list is applied in turn',
    [
      ['/a', '/b'],
      ['/b', '/c'],
    ],
    '{"a":1,"b":2,"c":3}',
    '{"b":2}',
  ],
  [
    'two-lists-deep',
    'a list may name what is within another',
    [['/a'], ['/a/b']],
    '{"a":{"b":1,"c":2},"d":3}',
    '{"a":{"b":1}}',
  ],
  ['scalar-on-the-way', 'a scalar on the way goes', [['/a/b']], '{"a":1,"c":2}', '{}'],
  ['scalar-in-array', 'a scalar element on the way becomes null', [['/*/b']], '[1,{"b":2}]', '[null,{"b":2}]'],
  ['scalar-null', 'null is a scalar, too', [['/*/b']], '{"a":null,"c":{"b":null}}', '{"c":{"b":null}}'],
  ['dash', 'the segment - names nothing', [['/a/-']], '{"a":[1,2]}', '{"a":[null,null]}'],
  [
    'star-member',
    'a star names every member, also one of that name',
    [['/*/a']],
    '{"*":{"a":1},"b":{"a":2,"c":3}}',
    '{"*":{"a":1},"b":{"a":2}}',
  ],
  ['leading-zero', 'an index has no leading zero', [['/a/01']], '{"a":[1,2]}', '{"a":[null,null]}'],
  [
    'escaped-name',
    'an escaped name is the same name',
    [['/title']],
    '{"t\\u0069tle":"a","x":1}',
    '{"t\\u0069tle":"a"}',
  ],
  ['depth-64', 'an answer may be 64 levels deep', [['']], deep(64, ''), deep(64, '')],
  ['empty-object', 'an empty object on the way stays', [['/a/b']], '{"a":{"c":1},"d":{}}', '{"a":{}}'],
]

const withheld = {
  titles: [
    ['scalar', 'an answer is an object or an array', 'the answer is a String', '"a"'],
    [
      'twice',
      'an answer with a member twice has no single reading',
      'a member comes twice',
      '{"items":[],"items":[{"id":1}]}',
    ],
    ['no-json', 'an answer is JSON', 'a bracket is missing', '{"items":['],
    ['mark', 'an answer has no byte order mark', 'a byte order mark is added', `\ufeff${items}`],
    ['two-values', 'an answer is one JSON value', 'a second value follows', `${items}{}`],
    ['number', 'a number of an answer is strict JSON', 'a number has a leading zero', '{"items":[],"next":01}'],
  ],
  'depth-64': [['65', 'an answer is at most 64 levels deep', 'there is one more', deep(65, '')]],
}

export function conditionData() {
  const kind = openKind('condition-data')
  for (const [id, title, fields, answer, shown] of shows)
    kind.accept(id, title, {
      clauses: id.startsWith('scalar-') ? ['policy.data.scalar'] : ['policy.data'],
      input: { fields, answer },
      expect: { shown },
    })
  const expect = refusal('policy_denied', 'answer_withheld', 'conditions')
  for (const [of, rows] of Object.entries(withheld))
    refuseAll(
      kind,
      of,
      rows.map(([name, title, change, text]) => [
        ...[name, title, name === 'scalar' ? 'policy.data' : 'policy.json', change],
        ...[replace('/input/answer', text), expect],
      ]),
    )
  return kind
}
