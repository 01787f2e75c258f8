import { AuditError, type ProvenEvent, verifyProof } from '@countersign/audit'
import { moment, printJson, printLines, shown, UsageError } from '@countersign/fetch/internal'
import { keyIn, textIn } from './audit-input.js'
import { shownMembers } from './shown-members.js'

/** The flags of `countersign audit proof`. */
export interface AuditProofFlags {
  readonly key?: string
  readonly json?: boolean
}

/**
 * `countersign audit proof FILE`: verifies offline that an event stands in an audit log, and prints it.
 * Exit code 0: it does; 1: the proof is wrong; 2: the file or the key cannot be read.
 */
export function proof(file: string, flags: AuditProofFlags): void {
  const verdict = verdictOn(textIn(file), keyIn(flags.key))
  if ('reason' in verdict) process.exitCode = 1
  if (flags.json === true) printJson(verdict, 2)
  else printLines('reason' in verdict ? `NOT verified: ${verdict.reason}` : linesOf(verdict).join('\n'))
}

function linesOf({ event, size }: ProvenEvent): string[] {
  const { index, type, time } = event
  return [
    `verified: event ${index} of a log of ${size}`,
    `${moment(time, Date.now() / 1000)} ${shown(type)}`,
    `  id: ${shown(event.id)}`,
    ...Object.entries(shownMembers(event)).map(([name, value]) => `  ${shown(name)}: ${shown(value)}`),
  ]
}

type Verdict = ProvenEvent | { readonly reason: string }

function verdictOn(text: string, publicKey: string): Verdict {
  try {
    return verifyProof({ proof: text, publicKey })
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    if (error.message.includes('public key')) throw new UsageError(error.message)
    return { reason: error.message }
  }
}
