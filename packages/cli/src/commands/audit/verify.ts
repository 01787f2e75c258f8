import { existsSync } from 'node:fs'
import { AuditError, type AuditFault, type AuditReport, verifyAudit } from '@countersign/audit'
import { printJson, printLines, shown, UsageError } from '@countersign/fetch/internal'
import { keyIn, textIn } from './audit-input.js'

/** The flags of `countersign audit verify`. */
export interface AuditVerifyFlags {
  readonly key?: readonly string[]
  readonly checkpoint?: readonly string[]
  readonly witness?: string
  readonly json?: boolean
}

/**
 * `countersign audit verify FOLDER`: verifies an exported audit log offline.
 * Exit code 0: nothing was changed; 1: there are faults; 2: the folder, a key or a checkpoint cannot be read.
 */
export async function verifyFolder(folder: string, flags: AuditVerifyFlags): Promise<void> {
  if (!existsSync(folder)) throw new UsageError(`there is no folder ${shown(folder)}`)
  const { checkpoint: files = [], witness, key: keys = [undefined] } = flags
  const report = await verifyAudit({
    folder,
    publicKeys: keys.map(keyIn),
    kept: files.map(textIn),
    ...(witness !== undefined && { witness: keyIn(witness) }),
  }).catch((error: unknown) => {
    throw error instanceof AuditError ? new UsageError(error.message) : error
  })
  if (!report.ok) process.exitCode = 1
  if (flags.json === true) printJson(report, 2)
  else printLines(linesOf(report, files).join('\n'))
}

function linesOf(report: AuditReport, files: readonly string[]): string[] {
  const { ok, size, events, first, checkpoints, faults, isCut } = report
  const found = `${counted(events, 'event')} of a log of ${size}, ${counted(checkpoints, 'checkpoint')}`
  return [
    ok ? `verified: ${found}` : `NOT verified: ${found}`,
    // Events that were removed too early, or by hand, look the same as those of a retention that has ended.
    ...(first > 0
      ? [`not in the export: events 0 to ${first - 1}. Why, it cannot tell: compare with how long events must be kept`]
      : []),
    ...(ok && files.length === 0
      ? ['no checkpoint was given: a log that was replaced as a whole, or cut, would not be noticed']
      : []),
    ...faults.map(fault => `- ${inWords(fault, files)}`),
    ...(isCut ? ['- and more'] : []),
  ]
}

const counted = (count: number, name: string): string => `${count} ${name}${count === 1 ? '' : 's'}`

const range = (first: number, last: number): string =>
  first === last ? `event ${first}` : `events ${first} to ${last}`

function inWords(fault: AuditFault, files: readonly string[]): string {
  switch (fault.kind) {
    case 'changed':
      return `event ${fault.index} was changed: line ${fault.line} of events.jsonl`
    case 'removed':
      return `missing: ${range(fault.first, fault.last)}`
    case 'inserted':
      return `line ${fault.line} of events.jsonl was never logged`
    case 'moved':
      return `event ${fault.index} was moved: to line ${fault.line} of events.jsonl`
    case 'misnumbered':
      return `numbered wrongly: ${range(fault.first, fault.last)}`
    case 'fork':
      return `fork: the log has signed another history at ${counted(fault.size, 'event')}`
    case 'truncated':
      return `ends too early: with ${counted(fault.size, 'event')}, where a checkpoint that was kept has ${fault.expected}`
    case 'root':
      return `the tree is not the one that was signed: it differs between ${fault.after} and ${fault.size} events`
    case 'tile':
      return `missing or wrong: ${fault.path}`
    case 'missing':
      return fault.size === undefined
        ? `missing: ${fault.path}`
        : `missing in ${fault.path}: the newest checkpoint, of ${counted(fault.size, 'event')}`
    case 'witness':
      return 'the newest checkpoint has no cosignature of the witness'
    case 'signature':
      return unsigned(fault, files)
  }
}

function unsigned({ of, at = 0 }: Extract<AuditFault, { kind: 'signature' }>, files: readonly string[]): string {
  const what = {
    checkpoint: 'the newest checkpoint',
    checkpoints: `the checkpoint in line ${at} of checkpoints.jsonl`,
    kept: `the checkpoint in ${shown(files[at] ?? '')}`,
  }[of]
  return `${what} is none, is not signed by this key, or is of another log`
}
