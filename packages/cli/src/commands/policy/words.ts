import type { Condition, ConsideredRequest, Period } from '@countersign/conditions'
import { shown } from '@countersign/fetch/internal'

/** The languages of the policy commands. */
export type Language = 'en' | 'de'

/** The texts of the policy commands; conditions themselves are put into words by `@countersign/conditions`. */
export interface PolicyWords {
  readonly policy: (count: number) => string
  readonly ofToken: (claim: string) => string
  readonly everything: string
  readonly can: string
  readonly cannot: (numbers: readonly number[]) => string
  readonly impliedBy: (numbers: readonly number[]) => string
  readonly holds: string
  readonly fails: string
  readonly notReached: string
  readonly allowed: string
  readonly refused: (number: number) => string
  readonly withheld: string
  readonly answer: (json: string) => string
  readonly same: string
  readonly possible: string
  readonly impossible: string
  readonly nothing: string
  readonly because: (file: string, number: number, sentence: string) => string
  readonly request: (at: string, resource: string) => string
  readonly scope: (names: string) => string
  readonly purposes: (names: string) => string
  readonly noPurposes: string
  readonly used: (count: number, per: Period) => string
  readonly chain: (services: string) => string
  readonly operation: (name: string) => string
  readonly noOperation: string
  readonly body: (json: string) => string
  readonly noBody: string
  readonly unapproved: string
  readonly answers: (json: string) => string
  readonly otherAnswer: string
}

const en: PolicyWords = {
  policy: count => (count === 1 ? '1 condition, which must hold' : `${count} conditions, which must all hold`),
  ofToken: claim => `${claim} of the token; its signature was not verified (countersign inspect does)`,
  everything: 'no conditions: everything is allowed',
  can: 'can hold: there are requests that this policy allows',
  cannot: numbers =>
    numbers.length === 1
      ? `can never hold: condition ${numbers.join()} alone refuses every request`
      : `can never hold: conditions ${listed(numbers, 'and')} together refuse every request`,
  impliedBy: numbers => `follows from ${numbers.length === 1 ? 'condition' : 'conditions'} ${listed(numbers, 'and')}`,
  holds: 'holds',
  fails: 'fails',
  notReached: 'not judged',
  allowed: 'allowed',
  refused: number => `refused: condition ${number} does not hold`,
  withheld: 'none of the answer goes out: it is no JSON that can be shown in part',
  answer: json => `of the answer goes out: ${json}`,
  same: 'both allow the same requests',
  possible: 'becomes possible:',
  impossible: 'becomes impossible:',
  nothing: 'nothing',
  because: (file, number, sentence) => `${file} refuses it by condition ${number}: ${sentence}`,
  request: (at, resource) => `a request to ${resource} at ${at}`,
  scope: names => `that uses the scope ${names}`,
  purposes: names => `under a token for the purposes ${names}`,
  noPurposes: 'under a token without purposes',
  used: (count, per) =>
    per === 'grant' ? `after ${count} calls under this grant` : `after ${count} calls in the same ${per}`,
  chain: services => `that came through ${services}`,
  operation: name => `for the operation ${name}`,
  noOperation: 'that changes something and names no operation',
  body: json => `with the body ${json}`,
  noBody: 'with any body, JSON or not',
  unapproved: 'that no user has approved',
  answers: json => `whose answer shows ${json}`,
  otherAnswer: 'whose answer is not JSON',
}

const germanPeriods: Readonly<Record<Period, string>> = {
  minute: 'in derselben Minute',
  hour: 'in derselben Stunde',
  day: 'am selben Tag',
  grant: 'unter dieser Erlaubnis',
}

const de: PolicyWords = {
  policy: count => (count === 1 ? '1 Bedingung, die gelten muss' : `${count} Bedingungen, die alle gelten müssen`),
  ofToken: claim => `${claim} des Tokens; seine Signatur wurde nicht geprüft (das tut countersign inspect)`,
  everything: 'keine Bedingungen: alles ist erlaubt',
  can: 'erfüllbar: es gibt Anfragen, die diese Richtlinie erlaubt',
  cannot: numbers =>
    numbers.length === 1
      ? `unerfüllbar: Bedingung ${numbers.join()} allein lehnt jede Anfrage ab`
      : `unerfüllbar: die Bedingungen ${listed(numbers, 'und')} lehnen zusammen jede Anfrage ab`,
  impliedBy: numbers => `folgt aus ${numbers.length === 1 ? 'Bedingung' : 'den Bedingungen'} ${listed(numbers, 'und')}`,
  holds: 'gilt',
  fails: 'verletzt',
  notReached: 'nicht geprüft',
  allowed: 'erlaubt',
  refused: number => `abgelehnt: Bedingung ${number} gilt nicht`,
  withheld: 'nichts von der Antwort geht hinaus: sie ist kein JSON, das in Teilen gezeigt werden kann',
  answer: json => `von der Antwort geht hinaus: ${json}`,
  same: 'beide erlauben dieselben Anfragen',
  possible: 'wird möglich:',
  impossible: 'wird unmöglich:',
  nothing: 'nichts',
  because: (file, number, sentence) => `${file} lehnt sie mit Bedingung ${number} ab: ${sentence}`,
  request: (at, resource) => `eine Anfrage an ${resource} um ${at}`,
  scope: names => `mit der Berechtigung ${names}`,
  purposes: names => `mit einem Token für die Zwecke ${names}`,
  noPurposes: 'mit einem Token ohne Zwecke',
  used: (count, per) => `nach ${count} Aufrufen ${germanPeriods[per]}`,
  chain: services => `die über ${services} kam`,
  operation: name => `für die Operation ${name}`,
  noOperation: 'die etwas ändert und keine Operation nennt',
  body: json => `mit dem Inhalt ${json}`,
  noBody: 'mit beliebigem Inhalt, JSON oder nicht',
  unapproved: 'die niemand bestätigt hat',
  answers: json => `deren Antwort ${json} zeigt`,
  otherAnswer: 'deren Antwort kein JSON ist',
}

const texts: Readonly<Record<Language, PolicyWords>> = { en, de }

export function wordsOf(language: Language): PolicyWords {
  return texts[language]
}

function listed(numbers: readonly number[], and: string): string {
  return numbers.length < 2 ? numbers.join() : `${numbers.slice(0, -1).join(', ')} ${and} ${numbers.at(-1)}`
}

/** A request in words: what every request has, and what the condition that refuses it looks at. */
export function requestInWords(request: ConsideredRequest, refusedBy: Condition, words: PolicyWords): string {
  const at = new Date(request.now * 1000).toISOString().replace('.000Z', 'Z')
  return [words.request(at, shown(request.resource)), ...detailsOf(request, refusedBy, words)].join(', ')
}

function detailsOf(request: ConsideredRequest, refusedBy: Condition, words: PolicyWords): readonly string[] {
  const { scope, purposes, services, operation, body, answer, used } = request
  switch (refusedBy.type) {
    case 'until':
    case 'hours':
    case 'resources':
      return []
    case 'scopes':
      return [words.scope(scope.map(shown).join(' '))]
    case 'purposes':
      return [purposes === undefined ? words.noPurposes : words.purposes(purposes.map(shown).join(' '))]
    case 'calls':
      return [words.used(used[refusedBy.per], refusedBy.per)]
    case 'chain':
      return [words.chain(services.map(shown).join(', '))]
    case 'data':
      return [answer === undefined ? words.otherAnswer : words.answers(shown(answer))]
    case 'arguments':
      if (operation === undefined) return [words.noOperation]
      return [words.operation(shown(operation)), body === undefined ? words.noBody : words.body(shown(body))]
    case 'approval':
      return operation === undefined ? [words.noOperation] : [words.operation(shown(operation)), words.unapproved]
  }
}
