import type { CaseResult, Step } from '../case/verdict.js'
import type { Cause, FailedCase } from './causes.js'
import type { Shown } from './fault.js'
import { groundsOf } from './grounds.js'
import { bytesText, counted, oneLine, printable, shortened, someOf, wrapped } from './text.js'

/** Causes that are printed with the bytes of their first case. */
const mostCauses = 4
/** Further causes of which the sentence is printed. */
const mostSentences = 12
/** Cases of a cause that are printed with what was tried. */
const mostCases = 6
/** Cases of a cause that are named where all of them tried the same. */
const mostIds = 16

/** What came back in words may be as long as a response. */
const longestDetail = 400

const margin = '   '

/** A block for each cause: what it is, which cases fail by it, and the bytes of the first. */
export function causesText(causes: readonly Cause[]): string[] {
  const inShort = causes.slice(mostCauses, mostCauses + mostSentences)
  const rest = causes.length - mostCauses - inShort.length
  return [
    ...causes.slice(0, mostCauses).flatMap((cause, at) => ['', ...aboutCause(cause, at), ...evidence(cause)]),
    ...(inShort.length > 0 ? [''] : []),
    ...inShort.flatMap((cause, at) =>
      numbered(`${cause.sentence} ${effectOf(cause, mostCauses + at)}`, mostCauses + at),
    ),
    ...(rest > 0 ? [`and ${counted(rest, 'more cause')}`] : []),
  ]
}

/** A block for each cause, with the bytes of all that went wrong in its cases. A case of several causes comes once. */
export function wholeCausesText(causes: readonly Cause[]): string[] {
  const shown = new Set<CaseResult>()
  const once = (result: CaseResult): string[] => {
    if (shown.has(result)) return [`--- ${result.id}: it is above`]
    shown.add(result)
    return failureText(result).split('\n')
  }
  return causes.flatMap((cause, at) => [
    '',
    ...numbered(cause.sentence, at),
    ...wrapped(effectOf(cause, at), margin),
    ...lastSentText(cause),
    '',
    ...cause.cases.flatMap(({ result }) => once(result)),
  ])
}

/** A failed case with the bytes of all that went wrong. */
export function failureText(result: CaseResult): string {
  const { id, title, reason, steps } = result
  const wrong = steps.filter(({ ok }) => !ok)
  const grounds = groundsOf(result)
  const said = [printable(reason ?? ''), ...(grounds === undefined ? [] : [printable(grounds)])]
  return [`--- ${id}: ${title}`, ...said, ...wrong.flatMap(stepText), ''].join('\n')
}

function stepText({ title, detail, exchange, output }: Step): string[] {
  const said = [`* ${printable(title)}`, ...(detail === undefined ? [] : [`  ${printable(detail)}`])]
  const printed = output === undefined ? [] : bytesText('| ', Buffer.from(output))
  if (exchange === undefined) return [...said, ...printed]
  return [...said, ...printed, ...bytesText('> ', exchange.sent), ...bytesText('< ', exchange.received)]
}

function aboutCause(cause: Cause, at: number): string[] {
  const ids = cause.cases.map(({ result }) => result.id)
  const tried = new Set(cause.cases.map(({ fault }) => fault.title))
  const isOneThing = tried.size === 1 || cause.kind !== 'wrong'
  const named = isOneThing ? wrapped(someOf(ids, mostIds), margin) : triedText(cause.cases)
  return [
    ...numbered(cause.sentence, at),
    ...wrapped(effectOf(cause, at), margin),
    // The only case is named with its messages.
    ...(ids.length === 1 ? [] : named),
  ]
}

function numbered(text: string, at: number): string[] {
  return wrapped(`${at + 1}. ${printable(text)}`, '', margin)
}

/** How many cases a cause makes fail, in one sentence; `at` is its place among the causes. */
export function effectOf({ kind, cases }: Cause, at: number): string {
  const count = cases.length
  const fail = count === 1 ? '1 case fails by it.' : `${count} cases fail by it.`
  if (kind === 'wrong') return fail
  const undecided = `${counted(count, 'case')} could not decide.`
  const effects = { control: undecided, unreachable: `${undecided} The first is ${cases[0].result.id}.` }
  return `${at === 0 ? 'Mend this first: ' : ''}${kind === 'checks nothing' ? fail : effects[kind]}`
}

/** What each case tried. */
function triedText(cases: readonly FailedCase[]): string[] {
  const named = cases.slice(0, mostCases)
  const width = Math.max(...named.map(({ result }) => result.id.length)) + 2
  const lines = named.map(({ result, fault, more }) => {
    const others = more === 0 ? '' : ` (and ${more} more)`
    const tried = oneLine(printable(fault.title), 80 - margin.length - width - others.length)
    return `${margin}${result.id.padEnd(width)}${tried}${others}`
  })
  return cases.length > mostCases ? [...lines, `${margin}and ${cases.length - mostCases} more`] : lines
}

/** The messages that show a cause first. */
function evidence(cause: Cause): string[] {
  if (cause.before !== undefined) return lastSentText(cause)
  const { result, fault } = cause.cases[0]
  const { title, detail, shown } = fault
  const said = detail === undefined ? title : `${title}: ${detail}`
  const head = [
    ...wrapped(`${result.id}: ${result.title}`, margin, '  '),
    ...wrapped(shortened(printable(said), longestDetail), `${margin}  `),
    ...wrapped(printable(groundsOf(result) ?? ''), `${margin}  `),
  ]
  return ['', ...head, ...messagesText(shown)]
}

function lastSentText({ before }: Cause): string[] {
  if (before === undefined) return []
  const { id, title, exchange } = before
  return [
    '',
    ...wrapped(`The last request before that, of ${id}: ${printable(title)}`, margin, '  '),
    ...messagesText({ exchange }),
  ]
}

/** Longer lines and more lines are cut: `checks.json` and the page have all of them. */
const short = { longestLine: 150, mostLines: 14 }

function messagesText({ exchange, output = '' }: Shown): string[] {
  const printed = bytesText(`${margin}| `, Buffer.from(output), short)
  if (exchange === undefined) return printed
  const { sent, received } = exchange
  return [...printed, ...bytesText(`${margin}> `, sent, short), ...bytesText(`${margin}< `, received, short)]
}
