// What a message, a token or a condition is made of, for people. Types only.

/** A rule of the protocol, and where it stands. */
export interface Clause {
  readonly id: string
  /** The number of its section, such as `3.4`. */
  readonly section: string
  /** The page of the protocol at that section. */
  readonly href: string
}

/** A covered component of a signature. */
export interface AnalyzedComponent {
  /** As in Signature-Input: `@path`, `"x-list";sf`. */
  readonly name: string
  /** Undefined: the request does not have it. */
  readonly value?: string
  /** What stands in its place, in words: `the request line`, `the header content-type`. */
  readonly from: string
  /** The header that it is the value of, in lower case; absent for parts of the request line. */
  readonly header?: string
  /** Counts the components from 0: the same number in the list, the base and the headers. */
  readonly color: number
}

/** A line of the signature base. */
export interface BaseLine {
  readonly text: string
  /** The component that it is of; absent for `@signature-params`. */
  readonly color?: number
}

/** A parameter of a signature. */
export interface AnalyzedParameter {
  readonly name: string
  readonly value: string
  readonly words: string
}

/** What a signature covers, and how its base comes about. */
export interface AnalyzedSignature {
  readonly label: string
  readonly components: readonly AnalyzedComponent[]
  /** Empty when the base cannot be built: a covered component is missing. */
  readonly base: readonly BaseLine[]
  readonly parameters: readonly AnalyzedParameter[]
  /** How Signature-Key names the key, in words. */
  readonly key: string
}

/** A claim of a token. */
export interface AnalyzedClaim {
  readonly name: string
  /** Its value as text; JSON where it is no String. */
  readonly value: string
  /** What the value says, in words: a time, conditions, a key. One line each. */
  readonly words: readonly string[]
  readonly meaning: string
  /** Who checks it; absent: nobody. */
  readonly checkedBy?: string
  readonly clause?: Clause
}

/** A token found in a message. */
export interface AnalyzedToken {
  /** Where it stands: `Signature-Key of the request`. */
  readonly at: string
  readonly jwt: string
  /** `agent token`, or what its `typ` says. */
  readonly name: string
  readonly says?: string
  readonly header: ReadonlyArray<readonly [name: string, value: string]>
  readonly claims: readonly AnalyzedClaim[]
  /** Its life, relative to the message. */
  readonly life?: string | undefined
  /** Who signs it, who holds it, who checks it. */
  readonly parties: ReadonlyArray<readonly [role: string, who: string]>
}

/** How one check ended. `not judged`: the page cannot see what the receiver sees. */
export type CheckResult = 'passed' | 'failed' | 'not reached' | 'not judged'

/** One check of a verifier. */
export interface AnalyzedCheck {
  readonly id: string
  readonly title: string
  readonly result: CheckResult
  /** What was found, in one sentence; empty for a check that was not reached. */
  readonly finding: string
  /** The reason of the refusal, as in docs/reasons.md. */
  readonly reason?: string
  /** What to change, when it failed. */
  readonly fix?: string
  /** Milliseconds that the check took here; absent when it was not repeated here. */
  readonly ms?: number
  /** The time is that of several checks, which the library makes at once. */
  readonly together?: true
  /** The attack that it stops. */
  readonly why: string
  readonly clause: Clause
  /** Whether the result is the receiver's own, from its response. */
  readonly byReceiver?: true
}

/** A challenge in words. */
export interface AnalyzedChallenge {
  readonly value: string
  /** What the agent must do next. */
  readonly asks: string
  readonly parts: ReadonlyArray<readonly [name: string, value: string]>
  /** What is wrong with it. */
  readonly wrong?: string
}

/** A message taken apart. */
export interface MessageAnalysis {
  readonly signature?: AnalyzedSignature | undefined
  readonly tokens: readonly AnalyzedToken[]
  readonly challenge?: AnalyzedChallenge
  readonly checks: readonly AnalyzedCheck[]
  /** The whole in one sentence. */
  readonly verdict: string
  readonly ok: boolean
}

/** The outcome of taking a pasted text apart. */
export interface PasteAnalysis extends Partial<MessageAnalysis> {
  readonly kind: 'request' | 'response' | 'token' | 'challenge' | 'conditions' | 'base' | 'nothing'
  readonly verdict: string
  readonly ok: boolean
  /** Everything that is wrong, and what would be right. */
  readonly findings: readonly PasteFinding[]
  /** What was assumed in order to judge. */
  readonly notes: readonly string[]
  /** The headers of a message, as pasted. */
  readonly headers?: ReadonlyArray<readonly [string, string]>
  /** Conditions in words. */
  readonly conditions?: readonly string[]
}

/** One thing that is wrong with a pasted text. */
export interface PasteFinding {
  readonly reason: string
  readonly at?: string | undefined
  readonly wrong: string
  readonly right: string
  readonly received?: string | undefined
  readonly expected?: string | undefined
  readonly clause?: Clause
}
