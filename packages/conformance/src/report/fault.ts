import { type Answered, answeredWith, errorCodes, type Refusal, refusalProblem, refusalWords } from '../case/refusal.js'
import type { CaseResult, Step } from '../case/verdict.js'
import type { Exchange } from '../wire/message.js'

/** How much a fault hides: behind the first three, little else can be decided. */
export type FaultKind = 'unreachable' | 'control' | 'checks nothing' | 'wrong'

/** One thing that went wrong in a case. */
export interface Fault {
  readonly kind: FaultKind
  /** Faults with one key have one cause. */
  readonly key: string
  /** The cause, in one sentence. */
  readonly sentence: string
  /** The same, where several titles have this cause. */
  readonly commonSentence?: string | undefined
  /** What was tried or looked at. */
  readonly title: string
  /** What should have come back and what came. */
  readonly detail?: string | undefined
  /** Of a refusal that is another one, or of a refused control: what was answered. */
  readonly answer?: string | undefined
  /** Whether a request passed that must be refused. */
  readonly isAccepted?: boolean | undefined
  /** What shows it: the messages of the step, or else the last ones of the case before it. */
  readonly shown: Shown
}

/** Messages, and what a program of the implementation printed. */
export type Shown = Pick<Step, 'exchange' | 'output'>

/**
 * What went wrong in a case. Where a message was wrong, looks at messages are left out: what they say follows from it. Of several looks
 * the first counts.
 */
export function faultsOf(result: CaseResult): readonly Fault[] {
  const { steps } = result
  const wrong = steps.filter(({ ok }) => !ok)
  const messages = wrong.filter(({ kind }) => kind !== 'check')
  if (messages.length > 0) return messages.map(step => messageFault(result, step))
  const [look] = wrong
  return [look === undefined ? undecidedFault(result) : lookFault(steps, look)]
}

function lookFault(steps: readonly Step[], look: Step): Fault {
  const { title, detail } = look
  const shown = lastShown(steps.slice(0, steps.indexOf(look) + 1))
  const rule = ruleOf(title)
  const commonSentence = `This does not hold: ${rule}.`
  return {
    kind: 'wrong',
    key: `look ${rule}`,
    sentence: `This does not hold: ${title}.`,
    commonSentence,
    title,
    detail,
    shown,
  }
}

/** Most titles begin with what was tried, and end with what must hold then. One word after a colon is a value. */
function ruleOf(title: string): string {
  const parts = title.split(': ')
  const from = parts.findLastIndex(part => part.includes(' '))
  return parts.slice(Math.max(from, 0)).join(': ')
}

/** A case that ended without a wrong step: what it needs did not come about. */
function undecidedFault({ reason = '', steps }: CaseResult): Fault {
  // What stands in parentheses differs from control to control.
  const why = reason.replace(/^could not decide: /, '').replace(/ \([^()]*\)$/, '')
  const sentence = `What cases begin with does not work: ${why}.`
  return { kind: 'control', key: `undecided ${why}`, sentence, title: reason, shown: lastShown(steps) }
}

function lastShown(steps: readonly Step[]): Shown {
  const exchange = steps.findLast(step => step.exchange !== undefined)?.exchange
  const output = steps.findLast(step => step.output !== undefined)?.output
  return { ...(exchange === undefined ? {} : { exchange }), ...(output === undefined ? {} : { output }) }
}

function messageFault(result: CaseResult, step: Step): Fault {
  const { title, detail, exchange, refusal } = step
  const about = { title, detail, shown: step }
  // After each group a valid request must be accepted, as a control must.
  const isControl = step.kind === 'control' || (step.kind === 'accepted' && result.id.startsWith('after:'))
  const kind: FaultKind = isControl ? 'control' : 'wrong'
  if (exchange === undefined) return { ...about, kind, ...failedProgram(title) }
  const { response, trouble = 'nothing came back' } = exchange
  if (exchange.isUnreachable === true)
    return { ...about, kind: 'unreachable', key: 'unreachable', sentence: `It cannot be reached: ${trouble}.` }
  if (response === undefined)
    return { ...about, kind, key: `no response: ${trouble}`, sentence: `Requests get no response: ${trouble}.` }
  const answer = answerWords(answeredWith(response))
  if (isControl) return { ...about, kind, ...refusedControl(answer), answer }
  if (refusal !== undefined) return { ...about, kind, ...wrongRefusal(exchange, refusal) }
  return { ...about, kind, key: `refuses ${answer}`, sentence: `It answers ${answer} to what must be accepted.` }
}

type About = Pick<Fault, 'key' | 'sentence' | 'commonSentence' | 'isAccepted' | 'answer'>

/** A program did not do what must be done before anything can be said. */
function failedProgram(title: string): About {
  const rule = ruleOf(title)
  const sentenceOf = (words: string): string => `What cases begin with does not work: ${words}.`
  return { key: `program ${rule}`, sentence: sentenceOf(title), commonSentence: sentenceOf(rule) }
}

function refusedControl(answer: string): About {
  return { key: `control ${answer}`, sentence: `It answers ${answer} to requests that are right.` }
}

function wrongRefusal(exchange: Exchange, refusal: Refusal): About {
  const wanted = refusalWords(refusal)
  const problem = refusalProblem(exchange, refusal)
  if (problem?.kind === 'accepted')
    return { key: `accepts ${wanted}`, sentence: `It accepts what must be refused: ${wanted}.`, isAccepted: true }
  if (problem?.kind === 'challenge')
    return { key: problem.text, sentence: `It refuses as it must, but ${problem.text}.` }
  const answered = exchange.response === undefined ? { status: 0 } : answeredWith(exchange.response)
  const { status, error } = answered
  const answer = answerWords(answered)
  if (error !== undefined && errorCodes.has(error) && status < 500)
    return { key: `${wanted} not ${answer}`, sentence: `It answers ${answer} where it must answer ${wanted}.`, answer }
  // A server that does not know the codes of the protocol knows none of them, whichever must come.
  const words = error === undefined ? `${status} without an error code` : `${status} ${error}`
  const sentence = `It answers ${words} where it must refuse as the protocol says, with ${wanted}.`
  return { key: `other ${words}`, sentence, answer }
}

function answerWords({ status, error, reason }: Answered): string {
  return [status, error, reason].filter(word => word !== undefined).join(' ')
}
