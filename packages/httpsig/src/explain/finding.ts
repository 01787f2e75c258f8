import type { HttpSigReason, SignatureDiagnosis } from '../reason/reason.js'

/**
 * What a finding is named by: the reason for which a verifier refuses, or, where the signature holds for a changed message, the
 * mistake of its signer. docs/reasons.md has what each means.
 */
export type FindingReason = HttpSigReason | SignatureDiagnosis

/** One thing that is wrong, and what to change. */
export interface SignatureFinding {
  readonly reason: FindingReason
  /** The component, header or parameter at fault. */
  readonly at?: string
  /** What to change: one sentence. Of the message it quotes only names of components. */
  readonly change: string
  /** What the message has, tokens shortened. */
  readonly received?: string
  /** What was signed, or would be right; tokens shortened. */
  readonly expected?: string
}
