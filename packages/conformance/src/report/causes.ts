import type { CaseResult } from '../case/verdict.js'
import type { Exchange } from '../wire/message.js'
import { type Fault, type FaultKind, faultsOf } from './fault.js'

/** One fault of an implementation, and all cases in which it shows. */
export interface Cause {
  readonly kind: FaultKind
  /** The cause, in one sentence. */
  readonly sentence: string
  /** Where it shows, in the order of the run: at least one case. */
  readonly cases: readonly [FailedCase, ...FailedCase[]]
  /** Of a server that cannot be reached any more: the last request that reached it. */
  readonly before?: LastSent | undefined
}

/** A case in which a cause shows. */
export interface FailedCase {
  readonly result: CaseResult
  /** The first of its faults that has this cause. */
  readonly fault: Fault
  /** How many more of its faults have it. */
  readonly more: number
}

/** The last request that was sent. */
export interface LastSent {
  readonly id: string
  readonly title: string
  readonly exchange: Exchange
}

/** Kinds, in the order in which they should be mended. */
const kinds: readonly FaultKind[] = ['unreachable', 'control', 'checks nothing', 'wrong']

/**
 * Groups what went wrong in failed cases by its cause. First comes what hides other faults: a server that has gone, refused controls, and
 * requests that pass without a signature. Then the order is that of the run.
 * @param results of a whole run
 * @param failed the failed cases that are grouped
 */
export function causesOf(results: readonly CaseResult[], failed: readonly CaseResult[]): readonly Cause[] {
  const seen = failed.flatMap(result => faultsOf(result).map(fault => ({ result, fault })))
  const common = commonCause(
    results,
    seen.map(({ fault }) => fault),
  )
  const causes = new Map<string, Array<{ result: CaseResult; fault: Fault }>>()
  for (const { result, fault } of seen) {
    const same = common(fault)
    causes.set(same.key, [...(causes.get(same.key) ?? []), { result, fault: same }])
  }
  const grouped = [...causes.values()].flatMap(found => causeOf(found, results) ?? [])
  return kinds.flatMap(kind => grouped.filter(one => one.kind === kind))
}

function causeOf(
  found: ReadonlyArray<{ result: CaseResult; fault: Fault }>,
  results: readonly CaseResult[],
): Cause | undefined {
  const cases: FailedCase[] = []
  for (const { result, fault } of found) {
    const known = cases.findIndex(one => one.result === result)
    const before = cases[known]
    if (before === undefined) cases.push({ result, fault, more: 0 })
    else cases[known] = { ...before, more: before.more + 1 }
  }
  const [first, ...rest] = cases
  if (first === undefined) return undefined
  const kind = kinds.find(one => found.some(({ fault }) => fault.kind === one)) ?? 'wrong'
  const titles = new Set(cases.map(({ fault }) => fault.title))
  const { sentence, commonSentence = sentence } = first.fault
  const before = kind === 'unreachable' ? lastSent(results) : undefined
  return { kind, sentence: titles.size > 1 ? commonSentence : sentence, cases: [first, ...rest], before }
}

/** Gives faults that follow from another one the cause of that one. */
function commonCause(results: readonly CaseResult[], faults: readonly Fault[]): (fault: Fault) => Fault {
  // What answers valid requests so answers all requests so.
  const controls = new Map(faults.flatMap(fault => (fault.kind === 'control' ? [[fault.answer, fault] as const] : [])))
  const isUnchecked = checksNothing(results)
  return fault => {
    const control = fault.answer === undefined ? undefined : controls.get(fault.answer)
    if (control !== undefined) return { ...fault, key: control.key, sentence: control.sentence }
    if (fault.isAccepted !== true || !isUnchecked) return fault
    const sentence = 'It accepts requests without a signature, and with them what must be refused.'
    return { ...fault, kind: 'checks nothing', key: 'checks nothing', sentence }
  }
}

/** Whether after every group a request without a signature has passed. */
function checksNothing(results: readonly CaseResult[]): boolean {
  const looks = results.filter(({ id }) => id.startsWith('after:'))
  const passed = ({ steps }: CaseResult): boolean =>
    steps.some(({ kind, ok, exchange }) => kind === 'refused' && !ok && (exchange?.response?.status ?? 400) < 400)
  return looks.length > 0 && looks.every(passed)
}

/** The last request that was sent before the first that could not be sent. */
function lastSent(results: readonly CaseResult[]): LastSent | undefined {
  const sent = results.flatMap(({ id, steps }) =>
    steps.flatMap(({ title, exchange }) => (exchange === undefined ? [] : [{ id, title, exchange }])),
  )
  const gone = sent.findIndex(({ exchange }) => exchange.isUnreachable === true)
  return sent[gone - 1]
}
