import type { Violation } from './check/check.js'
import { type Evidence, groupBy } from './check/evidence.js'
import { recoveries } from './check/recovery.js'
import { ofType } from './history.js'

/** How one fault went, or a pair. */
export interface FaultReport {
  readonly faults: string
  readonly times: number
  /** Milliseconds until every flow worked again: the median and the longest. */
  readonly median: number
  readonly longest: number
}

/** What a run has shown. */
export interface Report {
  readonly seed: number
  readonly minutes: number
  readonly counts: Readonly<Record<string, number>>
  /** Milliseconds that all flows take once, side by side, without a fault. */
  readonly baseline: number
  readonly faults: readonly FaultReport[]
  readonly violations: readonly Violation[]
}

/** Sums up a run. */
export function reportOf(
  { records, reads }: Evidence,
  o: {
    readonly seed: number
    readonly milliseconds: number
    readonly baseline: number
    readonly violations: readonly Violation[]
  },
): Report {
  const requests = ofType(records, 'request')
  const groups = groupBy(recoveries(records), ({ faults }) => faults.join(' + '))
  const faults = [...groups].map(([name, all]): FaultReport => {
    const sorted = all.map(({ milliseconds }) => milliseconds).toSorted((one, other) => one - other)
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0
    return { faults: name, times: all.length, median, longest: sorted.at(-1) ?? 0 }
  })
  return {
    seed: o.seed,
    minutes: Math.round(o.milliseconds / 6000) / 10,
    counts: {
      requests: requests.length,
      'requests without an answer': requests.filter(({ failure }) => failure !== undefined).length,
      'answers 503': requests.filter(({ status }) => status === 503).length,
      'grants acknowledged': ofType(records, 'granted').filter(({ way }) => way !== 'refresh').length,
      'grants in the database': reads.grants.length,
      'ends acknowledged': ofType(records, 'revocation').filter(({ outcome }) => outcome === 'ok').length,
      'denials acknowledged': ofType(records, 'decision').filter(
        ({ decision, outcome }) => decision === 'deny' && outcome === 'ok',
      ).length,
      'requests that reached the API': ofType(records, 'effect').length,
      'audit events': reads.audit.events.length,
      rounds: new Set(ofType(records, 'fault').map(({ round }) => round)).size,
    },
    baseline: o.baseline,
    faults,
    violations: o.violations,
  }
}

/** A report for people. */
export function shown(report: Report): string {
  const { seed, minutes, counts, faults, violations, baseline } = report
  const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`
  const rows = faults.map(
    each =>
      `  ${each.faults}: ${each.times} ×, works again after ${seconds(each.median)}, at most ${seconds(each.longest)}`,
  )
  const broken = violations.map(({ invariant, what }) => `  ${invariant}: ${what}`)
  return [
    `seed ${seed}, ${minutes} minutes; without a fault all flows take ${seconds(baseline)}`,
    ...Object.entries(counts).map(([name, count]) => `  ${count} ${name}`),
    'recovery',
    ...rows,
    violations.length === 0 ? 'every invariant held' : `${violations.length} violations`,
    ...broken,
  ].join('\n')
}
