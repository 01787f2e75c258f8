import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { condition as anyCondition } from '../analysis/universe.test.fixture.js'
import { type Condition, explainCondition, type Words } from '../index.js'

const mail = 'https://mail.example'
const words: Words = {
  resource: mail,
  scope_descriptions: { 'mail.read': 'Read your mail', 'mail.send': 'Send mail' },
  purposes: { support: 'Support' },
  operations: { send: 'Send a mail', purge: { description: 'Delete for ever', grave: true } },
  data_views: {
    titles: { description: 'Titles', fields: ['/items/*/title'] },
    senders: { description: 'Senders', fields: ['/items/*/from', '/items/*/name'] },
  },
}

/** Both sentences of a condition, at the resource whose words are known. */
const both = (condition: Condition): [en: string, de: string] => [
  explainCondition(condition, { language: 'en', words }),
  explainCondition(condition, { language: 'de', words }),
]

test('resources are shown as hosts', () => {
  expect(both({ type: 'resources', any: [mail] })).toEqual(['Only at mail.example', 'Nur bei mail.example'])
  expect(both({ type: 'resources', any: [mail, 'https://*.corp.example', 'https://a.example:8443'] })).toEqual([
    'Only at mail.example, all sites below corp.example and a.example:8443',
    'Nur bei mail.example, allen Adressen unterhalb von corp.example und a.example:8443',
  ])
})

test('scopes are shown in the words of the resource', () => {
  expect(both({ type: 'scopes', any: ['mail.read'] })).toEqual([
    'Only this permission: Read your mail',
    'Nur diese Berechtigung: Read your mail',
  ])
  expect(both({ type: 'scopes', any: ['mail.read', 'mail.send', 'mail.read'] })).toEqual([
    'Only these permissions: Read your mail; Send mail',
    'Nur diese Berechtigungen: Read your mail; Send mail',
  ])
})

test('a name without words is quoted, that of a member of every object too', () => {
  expect(both({ type: 'scopes', any: ['constructor', '__proto__'] })).toEqual([
    'Only these permissions: “constructor”; “__proto__”',
    'Nur diese Berechtigungen: „constructor“; „__proto__“',
  ])
  expect(explainCondition({ type: 'purposes', any: ['support'] }, { language: 'en' })).toBe(
    'Only for this purpose: “support”',
  )
})

test('purposes are shown in the words of the resource', () => {
  expect(both({ type: 'purposes', any: ['support'] })).toEqual([
    'Only for this purpose: Support',
    'Nur für diesen Zweck: Support',
  ])
  expect(both({ type: 'purposes', any: ['support', 'billing'] })).toEqual([
    'Only for these purposes: Support; “billing”',
    'Nur für diese Zwecke: Support; „billing“',
  ])
})

test('until has the date of the zone it is shown in', () => {
  const until: Condition = { type: 'until', time: 1_798_758_000 }
  expect(both(until)).toEqual(['Until 31 December 2026, 23:00 (UTC)', 'Bis 31. Dezember 2026, 23:00 Uhr (UTC)'])
  expect(explainCondition(until, { language: 'en', zone: 'Europe/Paris' })).toBe(
    'Until 1 January 2027, 00:00 (Europe/Paris time)',
  )
  expect(explainCondition(until, { language: 'de', zone: 'Europe/Paris' })).toBe(
    'Bis 1. Januar 2027, 00:00 Uhr (Zeitzone Europe/Paris)',
  )
  expect(both({ type: 'until', time: Number.MAX_SAFE_INTEGER })).toEqual([
    'Until after the year 9999',
    'Bis nach dem Jahr 9999',
  ])
})

describe('hours', () => {
  const hours = (days: number[], from: string, to: string, zone = 'Europe/Paris') =>
    both({ type: 'hours', zone, days, from, to })

  test('name days in a row by the first and the last', () => {
    expect(hours([1, 2, 3, 4, 5], '09:00', '18:00')).toEqual([
      'Monday to Friday, 09:00 to 18:00 (Europe/Paris time)',
      'Montag bis Freitag, 09:00 bis 18:00 Uhr (Zeitzone Europe/Paris)',
    ])
    expect(hours([6, 5, 3, 2, 1, 1], '09:00', '18:00')[0]).toMatch(/^Monday to Wednesday, Friday and Saturday, 09:00/)
    expect(hours([7], '09:00', '18:00')[1]).toMatch(/^Sonntag, 09:00/)
    expect(hours([1, 2, 3, 4, 5, 6, 7], '09:00', '18:00', 'UTC')).toEqual([
      'Every day, 09:00 to 18:00 (UTC)',
      'Täglich, 09:00 bis 18:00 Uhr (UTC)',
    ])
  })

  test('say which day a window over midnight ends', () => {
    expect(hours([5], '22:00', '06:00', 'America/New_York')).toEqual([
      'Friday, 22:00 to 06:00 on the next day (America/New York time)',
      'Freitag, 22:00 bis 06:00 Uhr am nächsten Tag (Zeitzone America/New York)',
    ])
    expect(hours([5], '09:00', '09:00')[0]).toBe('Friday, 09:00 to 09:00 on the next day (Europe/Paris time)')
    expect(hours([5], '18:00', '00:00')).toEqual([
      'Friday, 18:00 to 24:00 (Europe/Paris time)',
      'Freitag, 18:00 bis 24:00 Uhr (Zeitzone Europe/Paris)',
    ])
  })

  test('say so where a day is whole, or a week', () => {
    expect(hours([6, 7], '00:00', '00:00')).toEqual([
      'Saturday and Sunday, all day (Europe/Paris time)',
      'Samstag und Sonntag, ganztägig (Zeitzone Europe/Paris)',
    ])
    expect(hours([1, 2, 3, 4, 5, 6, 7], '07:00', '07:00')).toEqual(['At any time', 'Jederzeit'])
  })
})

test('calls are shown as a number in a time', () => {
  const calls = (max: number, per: 'minute' | 'hour' | 'day' | 'grant') => both({ type: 'calls', max, per })
  expect(calls(10, 'day')).toEqual(['At most 10 calls a day', 'Höchstens 10 Aufrufe pro Tag'])
  expect(calls(1, 'hour')).toEqual(['At most 1 call an hour', 'Höchstens 1 Aufruf pro Stunde'])
  expect(calls(12_345, 'minute')).toEqual(['At most 12,345 calls a minute', 'Höchstens 12.345 Aufrufe pro Minute'])
  expect(calls(3, 'grant')).toEqual(['At most 3 calls in all', 'Insgesamt höchstens 3 Aufrufe'])
  expect(calls(0, 'day')).toEqual(['No calls at all', 'Gar keine Aufrufe'])
})

test('a chain is shown by how many stand between', () => {
  const services = ['https://a.example', 'https://b.example']
  expect(both({ type: 'chain', max: 0, through: services })).toEqual([
    'Not passed on to other services',
    'Keine Weitergabe an andere Dienste',
  ])
  expect(both({ type: 'chain', max: 1 })).toEqual(['Passed on at most once', 'Höchstens einmal weitergegeben'])
  expect(both({ type: 'chain', max: 2, through: services })).toEqual([
    'Passed on at most 2 times, and only by a.example or b.example',
    'Höchstens 2-mal weitergegeben, und nur von a.example oder b.example',
  ])
})

describe('data', () => {
  const data = (...fields: string[]) => both({ type: 'data', resource: mail, fields })

  test('names the views of the resource whose fields are all there', () => {
    expect(data('/items/*/title')).toEqual([
      'Only these parts of the answer: Titles',
      'Nur diese Teile der Antwort: Titles',
    ])
    expect(data('/items/*/name', '/items/*/title', '/items/*/from')[0]).toBe(
      'Only these parts of the answer: Titles; Senders',
    )
    expect(data('/items/*/title', '/items/*/from')[0]).toBe(
      'Only these parts of the answer: Titles; “items › each entry › from”',
    )
  })

  test('shows places without words as they are', () => {
    expect(data('/a~1b/~0', '')).toEqual([
      'Only these parts of the answer: “a/b › ~”; everything',
      'Nur diese Teile der Antwort: „a/b › ~“; alles',
    ])
    expect(data('/items/*')[1]).toBe('Nur diese Teile der Antwort: „items › jeder Eintrag“')
  })

  test('of another resource is not shown in the words of this one', () => {
    expect(both({ type: 'data', resource: 'https://other.example', fields: ['/items/*/title'] })).toEqual([
      'other.example: Only these parts of the answer: “items › each entry › title”',
      'other.example: Nur diese Teile der Antwort: „items › jeder Eintrag › title“',
    ])
  })
})

test('arguments tell of each place what may stand there', () => {
  expect(
    both({
      type: 'arguments',
      resource: mail,
      of: 'send',
      where: [
        { at: '/to/*', in: ['bob@x.example', 1.5, true, false, null] },
        { at: '/from', in: ['me'] },
        { at: '/count', max: 1000 },
        { at: '/least', min: -0.5 },
        { at: '/link', prefix: 'https://bob.example/' },
        { at: '/text', maxLength: 2000 },
        { at: '/subject' },
      ],
    }),
  ).toEqual([
    'For “Send a mail”, only these details: “to › each entry”: “bob@x.example”, 1.5, yes, no or no value; “from”: “me”; “count”: at most 1,000; “least”: at least -0.5; “link”: begins with “https://bob.example/”; “text”: at most 2,000 characters or entries; “subject”: anything',
    'Für „Send a mail“ nur diese Angaben: „to › jeder Eintrag“: „bob@x.example“, 1,5, ja, nein oder kein Wert; „from“: „me“; „count“: höchstens 1.000; „least“: mindestens -0,5; „link“: beginnt mit „https://bob.example/“; „text“: höchstens 2.000 Zeichen oder Einträge; „subject“: beliebig',
  ])
  const of = (value: number) =>
    explainCondition(
      { type: 'arguments', resource: mail, of: 'other', where: [{ at: '/n', max: value }] },
      { language: 'en', words },
    )
  expect(of(1e300)).toBe('For “other”, only these details: “n”: at most 1e+300')
})

test('an approval names what the user is asked about', () => {
  expect(both({ type: 'approval', resource: mail, of: ['send', 'purge'] })).toEqual([
    'You are asked each time before this is done: Send a mail; Delete for ever',
    'Sie werden jedes Mal gefragt, bevor dies geschieht: Send a mail; Delete for ever',
  ])
  expect(both({ type: 'approval', resource: mail, of: '*' })).toEqual([
    'You are asked each time before anything is done',
    'Sie werden jedes Mal gefragt, bevor etwas geschieht',
  ])
})

describe('text by others', () => {
  test('cannot end its quotation marks, nor hide or turn what stands around it', () => {
    const where = [{ at: '/to', in: ['bob”; “text”: anything', 'eve\u202e', 'a\nb', 'x\u200by'] }]
    expect(both({ type: 'arguments', resource: mail, of: 'send', where })[0]).toBe(
      'For “Send a mail”, only these details: “to”: “bob\\u{201d}; \\u{201c}text\\u{201d}: anything”, “eve\\u{202e}”, “a\\u{a}b” or “x\\u{200b}y”',
    )
    const turned = { ...words, purposes: { support: 'Support\u202e\nfor\u0000 all' } }
    expect(explainCondition({ type: 'purposes', any: ['support'] }, { language: 'en', words: turned })).toBe(
      'Only for this purpose: Support for all',
    )
  })

  test('is not filled in again', () => {
    const where = [{ at: '/{value}', prefix: '{place} $& $1' }]
    expect(
      explainCondition({ type: 'arguments', resource: mail, of: '{list}', where }, { language: 'en', words }),
    ).toBe('For “{list}”, only these details: “{value}”: begins with “{place} $& $1”')
  })

  test('a description of nothing but blanks is none', () => {
    const blank: Words = {
      resource: mail,
      operations: { send: ' \u200b ' },
      data_views: { a: { description: ' ', fields: ['/a'] } },
    }
    expect(
      explainCondition({ type: 'approval', resource: mail, of: ['send'] }, { language: 'en', words: blank }),
    ).toMatch(/ “send”$/)
    expect(
      explainCondition({ type: 'data', resource: mail, fields: ['/a'] }, { language: 'en', words: blank }),
    ).toMatch(/ “a”$/)
  })
})

test('each condition is one line in both languages, and no place of a text stays open', () => {
  fc.assert(
    fc.property(anyCondition, condition => {
      const [en, de] = both(condition)
      for (const sentence of [en, de]) expect(sentence).toMatch(/^[^\n<>{}]*[^\n<>{}.]$/)
      expect(en).not.toContain('undefined')
      expect(de).not.toContain('undefined')
    }),
    { numRuns: Math.min(numRuns, 10_000) },
  )
})
