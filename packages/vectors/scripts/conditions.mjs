// Delegation policies (protocol 9): lists, verdicts, narrowed lists, arguments of requests, answers that are let through in part.
import { refusal, refuseAll } from './expected.mjs'
import { add, openKind, remove, replace } from './kind.mjs'
import { agentId, authId, calendarId, evilId, now } from './world.mjs'

const malformed = refusal('policy_denied', 'condition_malformed', 'conditions')
const until = { type: 'until', time: now + 600 }
const office = { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' }
const invite = {
  type: 'arguments',
  resource: calendarId,
  of: 'invite',
  where: [
    { at: '/to', in: ['bob@example.org'] },
    { at: '/title', maxLength: 40 },
  ],
}
const one = (condition, claim = 'constraints') => ({ list: [condition], claim })

/** A condition that makes a list of so many bytes. */
function filled(bytes) {
  const condition = {
    type: 'scopes',
    any: Array.from({ length: 15 }, (_, n) => String.fromCharCode(97 + n).repeat(100)),
  }
  while (JSON.stringify([condition]).length + 103 <= bytes) condition.any.push('x'.repeat(100))
  for (let n = 0; JSON.stringify([condition]).length < bytes; n++) condition.any[n % 15] += 'a'
  return condition
}

/** `[id, title, clauses, input]`. */
const lists = [
  ['empty', 'an empty list is a list', 'policy.all-hold', { list: [], claim: 'constraints' }],
  [
    'resources',
    'resources are identifiers or names below a host',
    'policy.resources',
    one({ type: 'resources', any: [calendarId, 'https://*.example.org', 'https://*.example.org:8443'] }),
  ],
  ['scopes', 'scopes are scope names', 'policy.scopes', one({ type: 'scopes', any: ['events.read', 'openid'] })],
  ['purposes', 'purposes are words', 'policy.purposes', one({ type: 'purposes', any: ['planning'] })],
  ['until', 'until has a time', 'policy.until', one(until)],
  ['hours', 'hours are days and times of a zone', 'policy.hours', one(office)],
  ['hours-utc', 'UTC is a zone', 'policy.hours', one({ ...office, zone: 'UTC' })],
  ['hours-over-midnight', 'hours may go over midnight', 'policy.hours', one({ ...office, from: '22:00', to: '06:00' })],
  ['calls', 'calls are counted by minute, hour or day', 'policy.calls', one({ type: 'calls', max: 0, per: 'day' })],
  [
    'calls-of-a-grant',
    'calls of a grant need an until',
    'policy.calls',
    { list: [until, { type: 'calls', max: 3, per: 'grant' }], claim: 'constraints' },
  ],
  ['chain', 'a chain has at most five services', 'policy.chain', one({ type: 'chain', max: 5, through: [agentId] })],
  ['chain-alone', 'a chain may leave open through whom', 'policy.chain', one({ type: 'chain', max: 0 })],
  [
    'data',
    'data has pointers',
    'policy.data',
    one({ type: 'data', resource: calendarId, fields: ['/items/*/title', '', '/a~1b~0'] }),
  ],
  ['arguments', 'arguments have rules', 'policy.arguments', one(invite)],
  [
    'approval',
    'approval is asked for some operations',
    'policy.approval',
    one({ type: 'approval', resource: calendarId, of: ['invite'] }),
  ],
  [
    'approval-of-all',
    'approval may be asked for all operations',
    'policy.approval',
    one({ type: 'approval', resource: calendarId, of: '*' }),
  ],
  [
    'delegation',
    'a delegation has the same conditions',
    'policy.delegates',
    { list: [until, office], claim: 'delegation' },
  ],
  [
    'two-of-a-type',
    'two conditions of one type may stand in a list',
    'policy.all-hold',
    { list: [until, { ...until, time: now + 900 }], claim: 'constraints' },
  ],
  [
    '32',
    'a list may have 32 conditions',
    'policy.shape',
    { list: Array.from({ length: 32 }, () => ({ type: 'chain', max: 1 })), claim: 'constraints' },
  ],
  ['2-kib', 'a list may have 2 KiB', 'policy.shape', one(filled(2048))],
]

const at = path => `/input/list/0${path}`
const put = (path, value) => add(at(path), value)
const set = (path, value) => replace(at(path), value)

/** Refused twins of each list: `[name, title, clauses, change, patch]`. */
const listFaults = {
  until: [
    ['null', 'null is no list', 'policy.shape', 'the list is null', replace('/input/list', null)],
    [
      'object',
      'a condition alone is no list',
      'policy.shape',
      'the list is a condition',
      replace('/input/list', until),
    ],
    [
      'string',
      'a condition is an object',
      'policy.shape',
      'a condition is a String',
      replace('/input/list/0', 'until'),
    ],
    ['entry-null', 'null is no condition', 'policy.shape', 'a condition is null', replace('/input/list/0', null)],
    [
      'type-unknown',
      'an unknown type is never ignored',
      ['policy.unknown', 'policy.shape'],
      'the type is another',
      set('/type', 'till'),
    ],
    [
      'type-upper-case',
      'a type is compared exactly',
      'policy.unknown',
      'the type has an upper-case letter',
      set('/type', 'Until'),
    ],
    ['type-missing', 'a condition has a type', 'policy.shape', 'the type is missing', remove(at('/type'))],
    [
      'second-unknown',
      'one unknown type among known ones refuses the list',
      'policy.unknown',
      'an unknown condition is added',
      add('/input/list/-', { type: 'color' }),
    ],
    ['member-unknown', 'a condition has no other members', 'policy.shape', 'a member is added', put('/zone', 'UTC')],
    [
      'member-missing',
      'a condition has all members of its type',
      'policy.shape',
      'time is missing',
      remove(at('/time')),
    ],
    ['time-string', 'time is an integer', 'policy.until', 'time is a String', set('/time', '1800000600')],
    ['time-fraction', 'time has no fraction', 'policy.until', 'time is a fraction', set('/time', now + 0.5)],
    ['time-negative', 'time is not negative', 'policy.until', 'time is negative', set('/time', -1)],
    ['time-null', 'null is no value', 'policy.shape', 'time is null', set('/time', null)],
    ['time-large', 'integers go up to 2^53 - 1', 'policy.shape', 'time is 2^53', set('/time', 9_007_199_254_740_992)],
  ],
  resources: [
    ['empty', 'no array in a condition is empty', 'policy.shape', 'any is empty', set('/any', [])],
    ['no-array', 'any is an array', 'policy.resources', 'any is a String', set('/any', calendarId)],
    [
      'path',
      'a resource is an identifier',
      ['policy.resources', 'id.canonical'],
      'a resource has a path',
      set('/any', [`${calendarId}/x`]),
    ],
    [
      'wildcard-alone',
      'a wildcard stands before a host',
      'policy.resources',
      'a resource is https://*',
      set('/any', ['https://*']),
    ],
    [
      'wildcard-inside',
      'a wildcard is the first label',
      'policy.resources',
      'the wildcard is the second label',
      set('/any', ['https://a.*.example']),
    ],
    [
      'wildcard-part',
      'a wildcard is a whole label',
      'policy.resources',
      'the wildcard is part of a label',
      set('/any', ['https://a*.example.org']),
    ],
    [
      'wildcard-http',
      'a wildcard is https',
      'policy.resources',
      'the wildcard is http',
      set('/any', ['http://*.example.org']),
    ],
    ['number', 'a resource is a String', 'policy.resources', 'a resource is a number', set('/any', [7])],
  ],
  scopes: [
    ['empty', 'no array in a condition is empty', 'policy.shape', 'any is empty', set('/any', [])],
    [
      'space',
      'a scope has no spaces',
      'policy.scopes',
      'a scope has a space',
      set('/any', ['events.read events.write']),
    ],
    ['blank', 'a scope is not empty', 'policy.scopes', 'a scope is empty', set('/any', [''])],
    [
      'long',
      'a name has at most 128 characters',
      'policy.words',
      'a scope has 129 characters',
      set('/any', ['a'.repeat(129)]),
    ],
  ],
  purposes: [
    ['quote', 'a word is a scope token', 'policy.words', 'a purpose has a quote', set('/any', ['"planning"'])],
  ],
  hours: [
    [
      'zone-spelling',
      'a zone has the spelling of IANA',
      'policy.hours',
      'the zone is in lower case',
      set('/zone', 'europe/paris'),
    ],
    ['zone-offset', 'an offset is no zone', 'policy.hours', 'the zone is +01:00', set('/zone', '+01:00')],
    [
      'zone-unknown',
      'the receiver knows the zone',
      'policy.hours',
      'the zone is Mars/Olympus',
      set('/zone', 'Mars/Olympus'),
    ],
    ['zone-factory', 'Factory is no zone', 'policy.hours', 'the zone is Factory', set('/zone', 'Factory')],
    ['zone-abbreviation', 'an abbreviation is no zone', 'policy.hours', 'the zone is CEST', set('/zone', 'CEST')],
    ['day-0', 'days go from 1 to 7', 'policy.hours', 'a day is 0', set('/days', [0])],
    ['day-8', 'days go from 1 to 7', 'policy.hours', 'a day is 8', set('/days', [8])],
    ['days-empty', 'no array in a condition is empty', 'policy.shape', 'days is empty', set('/days', [])],
    ['day-name', 'days are integers', 'policy.hours', 'a day is a name', set('/days', ['Monday'])],
    ['time-24', 'times go to 23:59', 'policy.hours', 'to is 24:00', set('/to', '24:00')],
    ['time-short', 'times have four digits', 'policy.hours', 'from is 9:00', set('/from', '9:00')],
    ['time-seconds', 'times have no seconds', 'policy.hours', 'from has seconds', set('/from', '09:00:00')],
    ['to-missing', 'hours have an end', 'policy.hours', 'to is missing', remove(at('/to'))],
  ],
  calls: [
    ['negative', 'max is not negative', 'policy.calls', 'max is -1', set('/max', -1)],
    ['per-week', 'there is no count by week', 'policy.calls', 'per is week', set('/per', 'week')],
    ['per-grant-alone', 'calls of a grant need an until', 'policy.calls', 'per is grant', set('/per', 'grant')],
  ],
  'calls-of-a-grant': [
    [
      'in-a-delegation',
      'a delegation has no calls of a grant',
      ['policy.calls', 'policy.delegates'],
      'the list is a delegation',
      replace('/input/claim', 'delegation'),
    ],
  ],
  chain: [
    ['six', 'max is at most 5', 'policy.chain', 'max is 6', set('/max', 6)],
    ['through-empty', 'no array in a condition is empty', 'policy.shape', 'through is empty', set('/through', [])],
    [
      'through-wildcard',
      'services are identifiers',
      'policy.chain',
      'a service is a wildcard',
      set('/through', ['https://*.example.org']),
    ],
    ['through-null', 'null is no value', 'policy.shape', 'through is null', set('/through', null)],
  ],
  data: [
    [
      'resource-missing',
      'data is of one resource',
      ['policy.data', 'policy.own-words'],
      'resource is missing',
      remove(at('/resource')),
    ],
    [
      'resource-wildcard',
      'data is of one resource',
      'policy.own-words',
      'resource is a wildcard',
      set('/resource', 'https://*.example.org'),
    ],
    ['fields-empty', 'no array in a condition is empty', 'policy.shape', 'fields is empty', set('/fields', [])],
    [
      'pointer-slash',
      'a pointer begins with a slash',
      'policy.json',
      'a pointer has no slash',
      set('/fields', ['items']),
    ],
    [
      'pointer-tilde',
      'a tilde in a pointer is ~0',
      'policy.json',
      'a pointer has a lone tilde',
      set('/fields', ['/a~b']),
    ],
    [
      'pointer-long',
      'a pointer has at most 512 characters',
      'policy.json',
      'a pointer has 513 characters',
      set('/fields', [`/${'a'.repeat(512)}`]),
    ],
  ],
  arguments: [
    ['of-list', 'arguments are of one operation', 'policy.arguments', 'of is an array', set('/of', ['invite'])],
    [
      'of-all',
      'there are no arguments of all operations',
      'policy.arguments',
      'of is not a word',
      set('/of', 'in vite'),
    ],
    ['where-empty', 'no array in a condition is empty', 'policy.shape', 'where is empty', set('/where', [])],
    [
      'rule-without-place',
      'a rule names a place',
      'policy.arguments',
      'a rule has no at',
      set('/where', [{ in: ['bob'] }]),
    ],
    [
      'rule-two-matchers',
      'a rule has one matcher at most',
      'policy.arguments',
      'a rule has two matchers',
      set('/where', [{ at: '/n', min: 1, max: 5 }]),
    ],
    [
      'rule-unknown',
      'a rule has no other members',
      'policy.arguments',
      'a rule has an unknown matcher',
      set('/where', [{ at: '/to', suffix: 'x' }]),
    ],
    [
      'in-empty',
      'no array in a condition is empty',
      'policy.shape',
      'in is empty',
      set('/where', [{ at: '/to', in: [] }]),
    ],
    ['in-object', 'in has scalars', 'policy.arguments', 'in has an object', set('/where', [{ at: '/to', in: [{}] }])],
    ['min-string', 'min is a number', 'policy.arguments', 'min is a String', set('/where', [{ at: '/n', min: '1' }])],
    [
      'length-negative',
      'maxLength is not negative',
      'policy.arguments',
      'maxLength is -1',
      set('/where', [{ at: '/to', maxLength: -1 }]),
    ],
    [
      'length-fraction',
      'maxLength is an integer',
      'policy.arguments',
      'maxLength is 1.5',
      set('/where', [{ at: '/to', maxLength: 1.5 }]),
    ],
    [
      'prefix-number',
      'prefix is a String',
      'policy.arguments',
      'prefix is a number',
      set('/where', [{ at: '/to', prefix: 7 }]),
    ],
  ],
  approval: [
    ['of-empty', 'no array in a condition is empty', 'policy.shape', 'of is empty', set('/of', [])],
    ['of-word', 'of is an array, or *', 'policy.approval', 'of is a word', set('/of', 'invite')],
  ],
  32: [
    [
      '33',
      'a list has at most 32 conditions',
      'policy.shape',
      'one more is added',
      add('/input/list/-', { type: 'chain', max: 1 }),
    ],
  ],
  '2-kib': [
    [
      'over',
      'a list has at most 2 KiB',
      'policy.shape',
      'a scope has one more character',
      vector => replace('/input/list/0/any/0', `${vector.input.list[0].any[0]}a`),
    ],
  ],
}

export function conditionLists() {
  const kind = openKind('condition-lists')
  for (const [id, title, clauses, input] of lists) kind.accept(id, title, { clauses: [clauses].flat(), input })
  for (const [of, rows] of Object.entries(listFaults))
    refuseAll(
      kind,
      of,
      rows.map(row => [...row, malformed]),
    )
  return kind
}

const facts = { now, resource: calendarId, scope: ['events.read'], levels: 0, services: [] }
const judge = (list, more = {}) => ({ list, ...facts, ...more })
// 2027-01-15 is a Friday. In Paris it is an hour later than in UTC.
const friday = hour => Date.UTC(2027, 0, 15, hour) / 1000
const spring = minute => Date.UTC(2027, 2, 28, 0, minute) / 1000
const autumn = minute => Date.UTC(2027, 9, 31, 0, minute) / 1000
const paris = (from, to, days = [1, 2, 3, 4, 5, 6, 7]) => ({ type: 'hours', zone: 'Europe/Paris', days, from, to })
const refused = reason => refusal('policy_denied', reason, 'conditions')
const moment = value => replace('/input/now', value)
const outside = refused('condition_outside_hours')

const held = [
  ['none', 'an empty list holds', 'policy.all-hold', judge([])],
  ['until', 'until holds before its time', 'policy.until', judge([until]), { ends: now + 600 }],
  ['resources', 'the resource is on the list', 'policy.resources', judge([{ type: 'resources', any: [calendarId] }])],
  [
    'resources-below',
    'a wildcard stands for every name below a host',
    'policy.resources',
    judge([{ type: 'resources', any: ['https://*.example.org'] }], { resource: 'https://a.b.example.org' }),
  ],
  [
    'resources-port',
    'a wildcard may have a port',
    'policy.resources',
    judge([{ type: 'resources', any: ['https://*.example.org:8443'] }], { resource: 'https://a.example.org:8443' }),
  ],
  [
    'scopes',
    'every scope is on the list',
    'policy.scopes',
    judge([{ type: 'scopes', any: ['events.read', 'events.write'] }], { scope: ['events.read', 'events.write'] }),
  ],
  [
    'scopes-openid',
    'openid is always among the scopes',
    'policy.scopes',
    judge([{ type: 'scopes', any: ['events.read'] }], { scope: ['events.read', 'openid'] }),
  ],
  [
    'scopes-none',
    'a request that needs no scope has none beside the list',
    'policy.scopes',
    judge([{ type: 'scopes', any: ['events.read'] }], { scope: [] }),
  ],
  [
    'purposes',
    'every purpose is on the list',
    'policy.purposes',
    judge([{ type: 'purposes', any: ['planning', 'billing'] }], { purposes: ['planning'] }),
  ],
  [
    'chain-none',
    'a token that its agent got directly came through no service',
    'policy.chain',
    judge([{ type: 'chain', max: 0, through: [agentId] }]),
  ],
  [
    'chain-through',
    'a chain goes through listed services',
    'policy.chain',
    judge([{ type: 'chain', max: 1, through: [agentId] }], { levels: 1, services: [agentId] }),
  ],
  [
    'hours',
    'hours hold within the window of the zone',
    'policy.hours',
    judge([office], { now: friday(9) }),
    { ends: friday(17) },
  ],
  [
    'hours-begin',
    'from is within the window',
    'policy.hours',
    judge([office], { now: friday(8) }),
    { ends: friday(17) },
  ],
  [
    'hours-over-midnight',
    'a window over midnight belongs to the day on which it begins',
    'policy.hours',
    judge([paris('22:00', '06:00', [5])], { now: friday(24 + 2) }),
    { ends: friday(24 + 5) },
  ],
  [
    'hours-all-day',
    'a window from a time to itself has 24 hours',
    'policy.hours',
    judge([paris('12:00', '12:00', [5])], { now: friday(24 + 10) }),
    { ends: friday(24 + 11) },
  ],
  [
    'hours-always',
    'windows that follow each other have no end',
    'policy.hours',
    judge([paris('00:00', '00:00')], { now: friday(9) }),
  ],
  [
    'hours-skipped',
    'the hour before the one that summer time skips is a window like any',
    'policy.hours',
    judge([paris('01:00', '02:30')], { now: spring(30) }),
    { ends: spring(60) },
  ],
  [
    'hours-twice-first',
    'a window in the hour that comes twice ends with the first',
    'policy.hours',
    judge([paris('02:00', '03:00')], { now: autumn(30) }),
    { ends: autumn(120) },
  ],
  [
    'hours-twice-half',
    'half of the hour that comes twice is a window twice',
    'policy.hours',
    judge([paris('02:00', '02:30')], { now: autumn(70) }),
    { ends: autumn(90) },
  ],
  [
    'hours-west',
    'the day is that of the zone',
    'policy.hours',
    judge([{ ...office, zone: 'America/New_York', days: [5] }], { now: friday(22) }),
    { ends: friday(23) },
  ],
  [
    'all',
    'all conditions must hold, each by itself',
    'policy.all-hold',
    judge([until, { type: 'scopes', any: ['events.read'] }, { type: 'scopes', any: ['events.read', 'x'] }]),
    { ends: now + 600 },
  ],
  [
    'others-elsewhere',
    'the conditions that need a body, an answer or a count are judged elsewhere',
    'policy.order',
    judge([{ type: 'calls', max: 0, per: 'day' }, { ...invite }, { type: 'approval', resource: calendarId, of: '*' }]),
  ],
]

const unmet = {
  until: [
    [
      'over',
      'until ends at its time',
      'policy.until',
      'the clock is at time',
      moment(now + 600),
      refused('condition_ended'),
    ],
  ],
  resources: [
    [
      'another',
      'another resource is not on the list',
      'policy.resources',
      'the resource is another',
      replace('/input/resource', evilId),
      refused('condition_resource'),
    ],
    [
      'port',
      'a port is part of the identifier',
      'policy.resources',
      'the resource has a port',
      replace('/input/resource', `${calendarId}:8443`),
      refused('condition_resource'),
    ],
  ],
  'resources-below': [
    [
      'host-itself',
      'a wildcard does not stand for the host itself',
      'policy.resources',
      'the resource is the host',
      replace('/input/resource', 'https://example.org'),
      refused('condition_resource'),
    ],
    [
      'longer-label',
      'a wildcard ends at a dot',
      'policy.resources',
      'the resource ends with the same letters',
      replace('/input/resource', 'https://aexample.org'),
      refused('condition_resource'),
    ],
    [
      'with-port',
      'a wildcard without a port stands for names at none',
      'policy.resources',
      'the resource has a port',
      replace('/input/resource', 'https://a.example.org:8443'),
      refused('condition_resource'),
    ],
  ],
  'resources-port': [
    [
      'no-port',
      'a wildcard with a port stands for names at that port',
      'policy.resources',
      'the resource has no port',
      replace('/input/resource', 'https://a.example.org'),
      refused('condition_resource'),
    ],
  ],
  scopes: [
    [
      'one-more',
      'one scope that is not listed is enough',
      'policy.scopes',
      'a scope is added',
      add('/input/scope/-', 'events.delete'),
      refused('condition_scope'),
    ],
    [
      'prefix',
      'scopes are compared exactly',
      'policy.scopes',
      'a scope is shorter',
      replace('/input/scope', ['events']),
      refused('condition_scope'),
    ],
  ],
  'scopes-openid': [
    [
      'profile',
      'of identity scopes only openid is free',
      'policy.scopes',
      'profile is asked for',
      replace('/input/scope', ['events.read', 'profile']),
      refused('condition_scope'),
    ],
  ],
  purposes: [
    [
      'none',
      'without purposes the condition never holds',
      'policy.purposes',
      'the token has no purposes',
      remove('/input/purposes'),
      refused('condition_purpose'),
    ],
    [
      'another',
      'one purpose that is not listed is enough',
      'policy.purposes',
      'a purpose is added',
      replace('/input/purposes', ['planning', 'selling']),
      refused('condition_purpose'),
    ],
  ],
  'chain-through': [
    [
      'deeper',
      'a chain is no longer than max',
      'policy.chain',
      'there are two levels',
      replace('/input/levels', 2),
      refused('condition_chain'),
    ],
    [
      'another',
      'each service is listed',
      'policy.chain',
      'the service is another',
      replace('/input/services', [evilId]),
      refused('condition_chain'),
    ],
  ],
  hours: [
    ['end', 'to is not within the window', 'policy.hours', 'the clock is at to', moment(friday(17)), outside],
    [
      'before',
      'hours do not hold before from',
      'policy.hours',
      'the clock is a minute before from',
      moment(friday(8) - 60),
      outside,
    ],
    ['saturday', 'hours do not hold on other days', 'policy.hours', 'it is Saturday', moment(friday(24 + 9)), outside],
  ],
  'hours-over-midnight': [
    [
      'day-before',
      'the morning of the listed day belongs to the day before',
      'policy.hours',
      'it is the morning of Friday',
      moment(friday(2)),
      outside,
    ],
    ['end', 'a window over midnight has an end', 'policy.hours', 'the clock is at to', moment(friday(24 + 5)), outside],
  ],
  'hours-all-day': [
    ['over', 'a window of 24 hours ends', 'policy.hours', 'a day has gone by', moment(friday(24 + 11)), outside],
  ],
  'hours-skipped': [
    [
      'in-the-gap',
      'the time that summer time skips is never shown',
      'policy.hours',
      'the clocks were put forward',
      moment(spring(60)),
      outside,
    ],
  ],
  'hours-twice-half': [
    [
      'between',
      'between the two halves the window does not hold',
      'policy.hours',
      'the clock shows 02:45 for the first time',
      moment(autumn(45)),
      outside,
    ],
  ],
  'hours-west': [
    [
      'utc',
      'the day of another zone does not count',
      'policy.hours',
      'it is Saturday in New York',
      moment(friday(24 + 6)),
      outside,
    ],
  ],
  all: [
    [
      'second',
      'of two conditions of one type both must hold',
      'policy.all-hold',
      'the second list of scopes is another',
      replace('/input/list/2/any', ['x']),
      refused('condition_scope'),
    ],
  ],
}

export function conditions() {
  const kind = openKind('conditions')
  for (const [id, title, clauses, input, expect = {}] of held)
    kind.accept(id, title, { clauses: [clauses].flat(), input, expect })
  for (const [of, rows] of Object.entries(unmet)) refuseAll(kind, of, rows)
  return kind
}

const scopesOf = (...any) => ({ type: 'scopes', any })
const narrowed = [
  ['nothing', 'nothing together is nothing', [[], []], []],
  [
    'two-parties',
    'the conditions of all parties stand one after the other',
    [[until], [scopesOf('events.read')]],
    [until, scopesOf('events.read')],
  ],
  ['same', 'of two equal conditions one may go', [[until], [until]], [until]],
  ['earlier', 'an earlier until implies a later one', [[{ ...until, time: now + 900 }], [until]], [until]],
  ['scopes-within', 'fewer scopes imply more', [[scopesOf('a', 'b')], [scopesOf('a')]], [scopesOf('a')]],
  [
    'scopes-crossed',
    'conditions are never merged',
    [[scopesOf('a', 'b')], [scopesOf('b', 'c')]],
    [scopesOf('a', 'b'), scopesOf('b', 'c')],
  ],
  [
    'resources-below',
    'a name below a host implies the wildcard',
    [[{ type: 'resources', any: ['https://*.example.org'] }], [{ type: 'resources', any: ['https://a.example.org'] }]],
    [{ type: 'resources', any: ['https://a.example.org'] }],
  ],
  [
    'calls-other-window',
    'counts of different windows imply nothing of each other',
    [[{ type: 'calls', max: 5, per: 'minute' }], [{ type: 'calls', max: 10, per: 'hour' }]],
    [
      { type: 'calls', max: 5, per: 'minute' },
      { type: 'calls', max: 10, per: 'hour' },
    ],
  ],
  [
    'calls-fewer',
    'fewer calls imply more of the same window',
    [[{ type: 'calls', max: 10, per: 'day' }], [{ type: 'calls', max: 5, per: 'day' }]],
    [{ type: 'calls', max: 5, per: 'day' }],
  ],
  [
    'until-of-calls',
    'no until goes from a list with calls of a grant',
    [
      [
        { ...until, time: now + 900 },
        { type: 'calls', max: 3, per: 'grant' },
      ],
      [until],
    ],
    [{ ...until, time: now + 900 }, { type: 'calls', max: 3, per: 'grant' }, until],
  ],
  [
    'chain',
    'a shorter chain through fewer services implies a longer one',
    [[{ type: 'chain', max: 3, through: [agentId, authId] }], [{ type: 'chain', max: 1, through: [agentId] }]],
    [{ type: 'chain', max: 1, through: [agentId] }],
  ],
  [
    'data-of-another',
    'data of another resource implies nothing here',
    [[{ type: 'data', resource: calendarId, fields: ['/a'] }], [{ type: 'data', resource: evilId, fields: ['/a'] }]],
    [
      { type: 'data', resource: calendarId, fields: ['/a'] },
      { type: 'data', resource: evilId, fields: ['/a'] },
    ],
  ],
  [
    'approval-of-all',
    'approval of all operations implies that of one',
    [
      [{ type: 'approval', resource: calendarId, of: ['invite'] }],
      [{ type: 'approval', resource: calendarId, of: '*' }],
    ],
    [{ type: 'approval', resource: calendarId, of: '*' }],
  ],
  [
    '32',
    'together they may be 32',
    [Array.from({ length: 16 }, (_, n) => scopesOf(`a${n}`)), Array.from({ length: 16 }, (_, n) => scopesOf(`b${n}`))],
    undefined,
  ],
]

export function narrowedConditions() {
  const kind = openKind('narrowed-conditions')
  for (const [id, title, lists, shortest] of narrowed)
    kind.accept(id, title, {
      clauses: ['policy.narrow'],
      input: { lists },
      expect: { longest: lists.flat(), shortest: shortest ?? lists.flat() },
    })
  kind.refuse('32', '33', 'more than 32 together are refused', {
    ...{
      clauses: ['policy.narrow', 'error.access-denied'],
      change: 'one more is added',
      patch: add('/input/lists/1/-', scopesOf('b16')),
    },
    expect: refusal('access_denied', 'conditions_too_long', 'conditions'),
  })
  return kind
}
