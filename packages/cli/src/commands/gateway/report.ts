import { printJson, printLines, shown, table } from '@countersign/fetch'
import { checkFiles, logLines, recordIn, reportSkipped, timeOf } from '../../log/log-lines.js'

/** Flags of `countersign gateway report`. */
export interface GatewayReportFlags {
  readonly json?: boolean
}

/** Requests that enforcing would have refused for one reason. */
export interface Refusals {
  /** The path as the configuration has it; none where no route is for it. */
  readonly route?: string
  readonly code: string
  readonly status?: number
  /** What the answer would have asked for. */
  readonly ask?: string
  /** The level that was verified; none where verification failed. */
  readonly level?: string
  readonly agent?: string
  readonly description?: string
  /** They were refused indeed, although the gateway only observes. */
  readonly anyway?: true
  count: number
  /** Milliseconds since 1970. */
  first: number
  last: number
}

/** What logs say of a gateway that only observes. */
export interface GatewayReport {
  passed: number
  refused: number
  /** Of those, refused although the gateway only observes. */
  refusedAnyway: number
  /** Most frequent first. */
  readonly refusals: readonly Refusals[]
  /** Refusals that were counted and not written, since there were too many, by code. */
  readonly leftOut: Readonly<Record<string, number>>
  /** Refusals of reasons beyond the first 10 000. */
  readonly others: number
  /** Lines that were no JSON objects. */
  readonly skipped: number
}

/** Agents are invented at will: what differs beyond this is only counted. */
const mostReasons = 10_000
/** Reasons a table shows. */
const mostRows = 100
const mostCodes = 200

/**
 * `countersign gateway report FILE…`: what a gateway that observes would have refused, and why.
 * Exit code 0: it could be said; 1: no record is of a gateway that observes; 2: a file cannot be read.
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
 * Counts what logs say.
 * @param files paths, `-` for standard input
 */
export async function reportOn(files: readonly string[]): Promise<GatewayReport> {
  const reasons = new Map<string, Refusals>()
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
        if (!count(record, reasons)) counts.others++
      }
    }
  const missing = [...leftOut.values()].reduce((sum, value) => sum + value, 0)
  return {
    ...counts,
    refused: counts.refused + missing,
    refusals: [...reasons.values()].toSorted((a, b) => b.count - a.count || a.first - b.first),
    leftOut: Object.fromEntries(leftOut),
  }
}

/** @returns whether there was room for its reason */
function count(record: Readonly<Record<string, unknown>>, reasons: Map<string, Refusals>): boolean {
  const words = ['route', 'code', 'ask', 'aauth_level', 'agent', 'description'].map(name => word(record[name]))
  const [route, code = '?', ask, level, agent, description] = words
  const status = Number.isInteger(record['status']) ? Number(record['status']) : undefined
  const anyway = record['observed'] === false
  const key = JSON.stringify([route, code, status, ask, level, agent, description, anyway])
  const known = reasons.get(key)
  const at = timeOf(record)
  if (known !== undefined) {
    known.count++
    known.first = Math.min(known.first, at)
    known.last = Math.max(known.last, at)
    return true
  }
  if (reasons.size >= mostReasons) return false
  const facts = { route, status, ask, level, agent, description }
  const said = Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined))
  reasons.set(key, { ...said, ...(anyway && { anyway }), code, count: 1, first: at, last: at })
  return true
}

/** A log may hold anything: text is shortened, all else is no word. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 256) : undefined
}

/** @returns how many of them were refused although the gateway only observes */
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
      ? [`  ${refusedAnyway} of them were refused: a gateway that observes does not pass them on either`]
      : []),
    ...Object.entries(leftOut).map(([code, count]) => `  and ${count} ${code} that the log only counts`),
    ...(unseen > 0 ? [`  and ${unseen} more reasons: --json has them all`] : []),
    ...(others > 0 ? [`  and ${others} of more reasons than are told apart`] : []),
  ]
  const head = `${refused} of ${passed + refused} requests would have been refused`
  if (rows.length === 0) return [head, ...notes]
  const columns = ['count', 'route', 'code', 'level', 'agent', 'would ask for', 'first', 'last', 'why']
  return [head, ...table([columns, ...rows]), ...notes]
}

function rowOf({
  route,
  code,
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
  const who = [level ?? '(unverified)', agent ?? '-', ask ?? '-'].map(shown)
  const why = shown(description ?? '-')
  const times = [textOfTime(first), textOfTime(last)]
  return [String(count), shown(route ?? '(no route)'), which, ...who, ...times, anyway ? `${why} (refused)` : why]
}

function textOfTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}
