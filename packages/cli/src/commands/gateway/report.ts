import { printJson, printLines, shown, table } from '@countersign/fetch/internal'
import { checkFiles, logLines, recordIn, reportSkipped, timeOf } from '../../log/log-lines.js'

/** The flags of `countersign gateway report`. */
export interface GatewayReportFlags {
  readonly json?: boolean
}

/** Refusals that are alike in all but time. */
export interface Refusals {
  /** The path of the route in the configuration; undefined where no route matched. */
  readonly route?: string
  readonly code: string
  /** The name of the reason, see docs/reasons.md; absent in logs of older versions. */
  readonly reason?: string
  readonly status?: number
  /** What the challenge of the response would have asked for. */
  readonly ask?: string
  /** The verified level; undefined where verification failed. */
  readonly level?: string
  readonly agent?: string
  readonly description?: string
  /** The requests were refused although the gateway only observes. */
  readonly anyway?: true
  count: number
  /** Milliseconds since 1970. */
  first: number
  last: number
}

/** The counts from the logs of a gateway that only observes. */
export interface GatewayReport {
  passed: number
  refused: number
  /** The refused requests that were refused although the gateway only observes. */
  refusedAnyway: number
  /** Most frequent first. */
  readonly refusals: readonly Refusals[]
  /** Refusals that the log only counts because there were too many, by code. */
  readonly leftOut: Readonly<Record<string, number>>
  /** Refusals beyond the first 10 000 different ones. */
  readonly others: number
  /** Lines that are not JSON objects. */
  readonly skipped: number
}

/** Most different refusals that are told apart: strangers can invent any number of agents. */
const mostDifferent = 10_000
/** Most rows of the table. */
const mostRows = 100
const mostCodes = 200

/**
 * `countersign gateway report FILE…`: counts what a gateway that observes would have refused, and says why.
 * Exit code 0: there are records; 1: no record is of a gateway that observes; 2: a file cannot be read.
 */
export async function gatewayReport(files: readonly string[], flags: GatewayReportFlags): Promise<void> {
  checkFiles(files)
  const report = await reportOn(files)
  reportSkipped(report.skipped)
  if (report.passed + report.refused === 0) process.exitCode = 1
  if (flags.json) printJson(report)
  else printLines(textOf(report).join('\n'))
}

/**
 * Counts the records of logs.
 * @param files paths, `-` for standard input
 */
export async function reportOn(files: readonly string[]): Promise<GatewayReport> {
  // bound: one call: mostDifferent
  const refusals = new Map<string, Refusals>()
  // bound: one call: mostCodes
  const leftOut = new Map<string, number>()
  const counts = { passed: 0, refused: 0, refusedAnyway: 0, others: 0, skipped: 0 }
  for (const file of files)
    for await (const line of logLines(file)) {
      const record = recordIn(line)
      if (record === undefined) counts.skipped++
      else if (record['left_out'] !== undefined) counts.refusedAnyway += addLeftOut(record['kinds'], leftOut)
      else if (typeof record['observed'] !== 'boolean') continue
      else if (record['event'] === 'passed') counts.passed++
      else if (record['event'] === 'refused') {
        counts.refused++
        if (!record['observed']) counts.refusedAnyway++
        if (!countRefusal(record, refusals)) counts.others++
      }
    }
  const missing = [...leftOut.values()].reduce((sum, value) => sum + value, 0)
  return {
    ...counts,
    refused: counts.refused + missing,
    refusals: [...refusals.values()].toSorted((a, b) => b.count - a.count || a.first - b.first),
    leftOut: Object.fromEntries(leftOut),
  }
}

/** @returns false when it differs from all and there is no room for one more */
function countRefusal(record: Readonly<Record<string, unknown>>, refusals: Map<string, Refusals>): boolean {
  const names = ['route', 'code', 'reason', 'ask', 'aauth_level', 'agent', 'description']
  const [route, code = '?', reason, ask, level, agent, description] = names.map(name => textIn(record[name]))
  const status = Number.isInteger(record['status']) ? Number(record['status']) : undefined
  const anyway = record['observed'] === false
  const key = JSON.stringify([route, code, reason, status, ask, level, agent, description, anyway])
  const known = refusals.get(key)
  const at = timeOf(record)
  if (known !== undefined) {
    known.count++
    known.first = Math.min(known.first, at)
    known.last = Math.max(known.last, at)
    return true
  }
  if (refusals.size >= mostDifferent) return false
  const facts = { route, reason, status, ask, level, agent, description }
  const present = Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined))
  refusals.set(key, { ...present, ...(anyway && { anyway }), code, count: 1, first: at, last: at })
  return true
}

/** The text of a member, shortened: a log may hold anything. */
function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 256) : undefined
}

/** @returns the number that was refused although the gateway only observes */
function addLeftOut(kinds: unknown, leftOut: Map<string, number>): number {
  if (typeof kinds !== 'object' || kinds === null) return 0
  let anyway = 0
  for (const [kind, value] of Object.entries(kinds)) {
    const [, mark, code] = /^(observed|anyway) ([a-z_]{1,64})$/.exec(kind) ?? []
    if (code === undefined || !Number.isSafeInteger(value) || value < 0) continue
    if (!leftOut.has(code) && leftOut.size >= mostCodes) continue
    leftOut.set(code, (leftOut.get(code) ?? 0) + value)
    if (mark === 'anyway') anyway += value
  }
  return anyway
}

function textOf({ passed, refused, refusedAnyway, refusals, leftOut, others }: GatewayReport): string[] {
  if (passed + refused === 0) return ['no record of a gateway that observes: start it with --observe']
  const rows = refusals.slice(0, mostRows).map(rowOf)
  const unseen = refusals.length - rows.length
  const notes = [
    ...(refusedAnyway > 0
      ? [`  ${refusedAnyway} of them were refused: a gateway that observes does not let these through either`]
      : []),
    ...Object.entries(leftOut).map(([code, count]) => `  and ${count} ${code} that the log only counts`),
    ...(unseen > 0 ? [`  and ${unseen} more rows: --json has them all`] : []),
    ...(others > 0 ? [`  and ${others} more, beyond the ${mostDifferent} different refusals that are told apart`] : []),
  ]
  const head = `${refused} of ${passed + refused} requests would have been refused`
  if (rows.length === 0) return [head, ...notes]
  const columns = ['count', 'route', 'code', 'reason', 'level', 'agent', 'would ask for', 'first', 'last', 'why']
  return [head, ...table([columns, ...rows]), ...notes]
}

function rowOf({
  route,
  code,
  reason,
  status,
  ask,
  level,
  agent,
  count,
  first,
  last,
  description,
  anyway,
}: Refusals): string[] {
  const which = status === undefined ? shown(code) : `${status} ${shown(code)}`
  const facts = [reason ?? '-', level ?? '(unverified)', agent ?? '-', ask ?? '-'].map(shown)
  const why = shown(description ?? '-')
  const times = [textOfTime(first), textOfTime(last)]
  return [String(count), shown(route ?? '(no route)'), which, ...facts, ...times, anyway ? `${why} (refused)` : why]
}

function textOfTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}
