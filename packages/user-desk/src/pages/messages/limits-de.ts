import type { limitsEn } from './limits-en.js'

/** The texts of limits in German. */
export const limitsDe: typeof limitsEn = {
  title: 'Grenzen setzen',
  optional: '(wenn Sie möchten)',
  given: 'Grenzen, die ohnehin gelten',
  by: {
    operator: 'Vom Betreiber dieses Servers festgelegt.',
    agent: 'Vom Agenten selbst festgelegt.',
    before: 'Von Ihnen festgelegt, als Sie einen Teil davon schon einmal erlaubt haben.',
    upstream: 'Für den Zugriff festgelegt, aus dem dieser hervorgeht.',
  },
  purposes: 'Nur für:',
  howLong: 'Wie lange',
  durations: {
    once: 'Dieses eine Mal',
    day: 'Für einen Tag',
    month: 'Für 30 Tage',
    open: 'Bis Sie es zurücknehmen',
  },
  onceMeans: 'Ein einziger Aufruf innerhalb der nächsten Stunde. Für den nächsten werden Sie wieder gefragt.',
  hours: 'An welchen Tagen und wann',
  days: {
    monday: 'Mo',
    tuesday: 'Di',
    wednesday: 'Mi',
    thursday: 'Do',
    friday: 'Fr',
    saturday: 'Sa',
    sunday: 'So',
  },
  from: 'Von',
  to: 'Bis',
  zone: 'Zeitzone',
  hoursMean: 'Nichts gewählt: jederzeit.',
  calls: 'Höchste Zahl der Aufrufe am Tag',
  callsMean: 'Jedes Nachsehen und jede Änderung ist ein Aufruf. Leer: so viele, wie er möchte.',
  view: 'Was er zu sehen bekommt',
  viewAll: 'Alles, worum er bittet',
  ask: 'Jedes Mal fragen, bevor er dies tut',
  unfit: 'Diese Grenzen passen nicht zusammen.',
  unfitMeans: 'Geben Sie beide Uhrzeiten an oder keine, und eine ganze Zahl von Aufrufen. Noch ist nichts erlaubt.',
  narrow: 'Grenzen hinzufügen',
  narrowLabel: 'Grenzen bei {resource} hinzufügen',
  narrowWhom: 'Was {agent} bei {resource} tun darf',
  narrowButton: 'Diese Grenzen hinzufügen',
  narrowMeans:
    'Sie kommen zu denen hinzu, die schon gelten. Um mehr zu erlauben, nehmen Sie den Zugriff zurück; dann fragt der Agent Sie neu.',
  allCounted:
    'Hier haben Sie eine feste Zahl von Aufrufen erlaubt. Dazu lassen sich keine Grenzen hinzufügen; Sie können den Zugriff zurücknehmen.',
  someCounted:
    'Was Sie hier für eine feste Zahl von Aufrufen erlaubt haben, endet, wenn Sie Grenzen hinzufügen; dann fragt der Agent Sie neu.',
  noneOffered: 'Diese Stelle sagt nicht, dass sie Grenzen einhält. Sie können den Zugriff zurücknehmen.',
  chooseFit: 'Wählen Sie mindestens eine Grenze, beide Uhrzeiten oder keine, und eine ganze Zahl von Aufrufen.',
  back: 'Zurück zu den Agenten mit Zugriff',
  narrowed: 'Die Grenzen sind gesetzt.',
}
