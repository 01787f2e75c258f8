import { basename } from 'node:path'
import { printJson, printLines, shown, table, UsageError } from '@countersign/fetch/internal'
import { checkFiles, logLines, recordIn, reportSkipped, timeOf } from '../log/log-lines.js'

/** The flags of `countersign trace`. */
export interface TraceFlags {
  readonly json?: boolean
}

/** A record of the action. */
export interface TracedRecord {
  /** Milliseconds since 1970. */
  readonly time: number
  /** The file of the record. */
  readonly file: string
  /** The parsed line. */
  readonly record: Readonly<Record<string, unknown>>
}

/** The records of one action. */
export interface Trace {
  /** In order of time; records of the same time in the order of files and lines. */
  readonly records: readonly TracedRecord[]
  /** Lines that are not JSON objects. */
  readonly skipped: number
}

/** Longest audit id that a token may have. */
const longestTxn = 512
/** Most records of one action: a log with the same id in every line must not fill the memory. */
const mostRecords = 10_000
/** Most challenges kept from standard input, which can be read only once. */
const mostChallenges = 10_000
/** The members that are not printed as facts: every record has them. */
const usual: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'name', 'msg', 'event'])

/**
 * `countersign trace TXN FILE…`: prints the records of one user action in order, from the logs of all parties.
 * Exit code 0: there are records; 1: there are none; 2: a file cannot be read.
 */
export async function trace(txn: string, files: readonly string[], flags: TraceFlags): Promise<void> {
  if (txn === '' || txn.length > longestTxn) throw new UsageError('the audit id has 1 to 512 characters')
  checkFiles(files)
  const found = await traceIn(txn, files)
  reportSkipped(found.skipped)
  if (found.records.length === 0) process.exitCode = 1
  if (flags.json) printJson({ txn, ...found })
  else printLines(linesOf(txn, found).join('\n'))
}

/**
 * Gathers the records of one action: those with its audit id, and the challenges that its token exchanges answered. The resource
 * that made such a challenge did not know the audit id yet, and recorded the challenge with an id of its own.
 * @param files paths, `-` for standard input
 * @throws UsageError for more than 10 000 records, or a file that cannot be read
 */
export async function traceIn(txn: string, files: readonly string[]): Promise<Trace> {
  // bound: one call
  const records: TracedRecord[] = []
  const input: string[] = []
  let skipped = 0
  const take = (record: TracedRecord['record'], file: string): void => {
    records.push({ time: timeOf(record), file: nameOf(file), record })
    if (records.length > mostRecords)
      throw new UsageError('more than 10 000 records have this id: it does not identify one action')
  }
  for (const file of files) {
    for await (const line of logLines(file)) {
      if (file === '-' && line.includes('"resource_token"')) keepChallenge(line, input)
      // Most lines belong to other actions and need no parsing.
      const mentions = line.includes(JSON.stringify(txn))
      const record = mentions || !line.startsWith('{') ? recordIn(line) : {}
      if (record === undefined) skipped++
      else if (record['txn'] === txn || record['resource_txn'] === txn) take(record, file)
    }
  }
  const joined = new Set(
    records.flatMap(({ record: { resource_txn: id } }) => (typeof id === 'string' && id !== txn ? [id] : [])),
  )
  for (const file of joined.size === 0 ? [] : files)
    for await (const record of challengesIn(file === '-' ? input : logLines(file)))
      if (joined.has(String(record['txn']))) take(record, file)
  return { records: records.toSorted((a, b) => a.time - b.time), skipped }
}

/** Only the challenges: a resource that uses the id of another action for its token must not add records of that action. */
async function* challengesIn(lines: Iterable<string> | AsyncIterable<string>): AsyncGenerator<TracedRecord['record']> {
  for await (const line of lines) {
    const record = line.includes('"resource_token"') ? recordIn(line) : undefined
    if (record?.['event'] === 'resource_token') yield record
  }
}

function keepChallenge(line: string, kept: string[]): void {
  // bound: one call: mostChallenges
  kept.push(line)
  if (kept.length > mostChallenges) kept.shift()
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : basename(file)
}

function linesOf(txn: string, { records }: Trace): string[] {
  const first = records[0]
  if (first === undefined) return [`no record of ${shown(txn)}`]
  const last = records.at(-1) ?? first
  const files = new Set(records.map(({ file }) => file)).size
  const seconds = ((last.time - first.time) / 1000).toFixed(2)
  return [
    `${shown(txn)}: ${counted(records.length, 'record')} in ${counted(files, 'log')}, ${seconds} s`,
    ...table(records.map(record => rowOf(record, txn))),
  ]
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function rowOf({ time, file, record }: TracedRecord, txn: string): string[] {
  const facts = Object.entries(record).flatMap(([name, value]) =>
    usual.has(name) || (name === 'txn' && value === txn) || value === undefined || value === null
      ? []
      : [`${shown(name)}=${factOf(value)}`],
  )
  return [
    new Date(time).toISOString(),
    `${textOf(record['name'])} (${shown(file)})`,
    textOf(record['event']),
    facts.join(' '),
  ]
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? shown(value) : '?'
}

function factOf(value: unknown): string {
  return Array.isArray(value) && value.every(item => typeof item === 'string') ? shown(value.join(',')) : shown(value)
}
