import type { approvalsEn } from './approvals-en.js'

/** The texts about approvals of single calls in German. */
export const approvalsDe: typeof approvalsEn = {
  approval: {
    title: 'Einen Aufruf von {agent} freigeben?',
    asks: 'bittet Sie, einen einzelnen Aufruf an {resource} freizugeben',
    does: 'Was der Aufruf bei {at} täte',
    valueBegins: ' Wert: ',
    valueEnds: ', Ende des Werts. ',
    empty: 'leer',
    valuesNote:
      'Was in einem Rahmen steht, ist ein Wert, den der Agent gewählt hat. Die Worte darum herum sind die von {at}.',
    noMore: '{at} sagt nicht mehr über diesen Aufruf.',
    graveMeans: 'Geben Sie das nur frei, wenn Sie es wirklich wollen. Danach bestätigen Sie noch, dass Sie es sind.',
    deny: 'Nein',
    approve: 'Einmal freigeben',
    stop: 'Nein, und nicht mehr fragen',
    stopMeans:
      '{agent} fragt Sie dann nichts mehr, was {resource} betrifft, und was Sie dort erlaubt haben, ruht, bis Sie das ändern.',
    once: 'Ein Ja gilt für genau diesen einen Aufruf und höchstens fünf Minuten lang. Beim nächsten werden Sie wieder gefragt.',
    waits: 'Gefragt am {asked}. Die Frage endet am {until}.',
    historyAt: 'Was Sie freigegeben und was Sie beendet haben, steht unter {account}.',
  },
  approvals: {
    title: 'Freigaben',
    waitingOne: '1 offene Frage',
    waitingMany: '{count} offene Fragen',
    open: 'Offene Fragen',
    noneOpen: 'Hier wartet kein Agent auf eine Antwort von Ihnen.',
    asks: '{agent} fragt nach einem einzelnen Aufruf an {resource}:',
    until: 'Offen bis {time}.',
    answer: 'Ansehen und antworten',
    answerOf: 'Ansehen und antworten: die Frage von {agent} zu {resource}',
    inbox: 'Eingang',
    inboxOn:
      'Er ist an: Ein Agent, dem Sie Zugriff gegeben haben, kann hier eine Frage zu einem einzelnen Aufruf ablegen. Eine Frage wartet eine Stunde.',
    inboxOff:
      'Er ist aus: Ein Agent kann Sie nach einem einzelnen Aufruf nur fragen, indem er Sie auf eine Seite dieses Servers schickt. Schalten Sie ihn ein, um Fragen hier zu beantworten, auch wenn Sie gerade woanders sind.',
    turnOn: 'Eingang einschalten',
    turnOff: 'Eingang ausschalten',
    stopped: 'Fragen nicht mehr',
    stoppedMeans: 'Diese Agenten fragen Sie dort nichts, und was Sie ihnen dort erlaubt haben, ruht.',
    rests:
      'Das ruht, weil Sie diesem Agenten gesagt haben, dass er nicht mehr fragen soll. Ändern können Sie das unter {place}.',
    since: 'Seit dem {date}',
    allow: 'Wieder fragen lassen',
    allowOf: 'Wieder fragen lassen: {agent} zu {resource}',
    history: 'Freigegebene Aufrufe',
    noHistory: 'Sie haben noch keinen einzelnen Aufruf freigegeben.',
    kept: 'Freigegebene Aufrufe werden 90 Tage aufbewahrt.',
    done: {
      approved: 'Freigegeben. Der Agent macht von selbst weiter.',
      refused: 'Abgelehnt. Der Agent erfährt das.',
      stopped: 'Abgelehnt. Der Agent soll Sie dort nicht mehr fragen, und was Sie ihm dort erlaubt hatten, ruht.',
      allowed: 'Der Agent darf Sie wieder fragen, und was Sie ihm dort erlaubt haben, gilt wieder.',
      on: 'Der Eingang ist an.',
      off: 'Der Eingang ist aus.',
    },
  },
}
