import type { Messages } from './en.js'

/** Conditions in German. */
export const de: Messages = {
  locale: 'de-DE',
  quoted: '„{text}“',
  elsewhere: '{host}: {sentence}',
  resources: 'Nur bei {places}',
  below: 'allen Adressen unterhalb von {host}',
  permissions: { one: 'Nur diese Berechtigung: {list}', many: 'Nur diese Berechtigungen: {list}' },
  purposes: { one: 'Nur für diesen Zweck: {list}', many: 'Nur für diese Zwecke: {list}' },
  until: 'Bis {date}, {time} Uhr ({zone})',
  untilFar: 'Bis nach dem Jahr 9999',
  zone: 'Zeitzone {zone}',
  hours: {
    always: 'Jederzeit',
    allDay: '{days}, ganztägig ({zone})',
    sameDay: '{days}, {from} bis {to} Uhr ({zone})',
    nextDay: '{days}, {from} bis {to} Uhr am nächsten Tag ({zone})',
    everyDay: 'Täglich',
    run: '{first} bis {last}',
    days: ['Montag', 'Dienstag', 'Mittwoch', 'Donnerstag', 'Freitag', 'Samstag', 'Sonntag'],
  },
  calls: {
    none: 'Gar keine Aufrufe',
    minute: { one: 'Höchstens 1 Aufruf pro Minute', many: 'Höchstens {max} Aufrufe pro Minute' },
    hour: { one: 'Höchstens 1 Aufruf pro Stunde', many: 'Höchstens {max} Aufrufe pro Stunde' },
    day: { one: 'Höchstens 1 Aufruf pro Tag', many: 'Höchstens {max} Aufrufe pro Tag' },
    grant: { one: 'Insgesamt höchstens 1 Aufruf', many: 'Insgesamt höchstens {max} Aufrufe' },
  },
  chain: {
    never: 'Keine Weitergabe an andere Dienste',
    any: { one: 'Höchstens einmal weitergegeben', many: 'Höchstens {max}-mal weitergegeben' },
    through: {
      one: 'Höchstens einmal weitergegeben, und nur von {services}',
      many: 'Höchstens {max}-mal weitergegeben, und nur von {services}',
    },
  },
  data: 'Nur diese Teile der Antwort: {list}',
  arguments: 'Für {operation} nur diese Angaben: {list}',
  approval: 'Sie werden jedes Mal gefragt, bevor dies geschieht: {list}',
  approvalOfAll: 'Sie werden jedes Mal gefragt, bevor etwas geschieht',
  place: { every: 'jeder Eintrag', whole: 'alles' },
  rule: {
    anything: '{place}: beliebig',
    in: '{place}: {values}',
    min: '{place}: mindestens {value}',
    max: '{place}: höchstens {value}',
    prefix: '{place}: beginnt mit {value}',
    maxLength: '{place}: höchstens {value} Zeichen oder Einträge',
  },
  value: { yes: 'ja', no: 'nein', none: 'kein Wert' },
}
