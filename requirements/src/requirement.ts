/** One thing the protocol requires, or one attack it must withstand. */
export interface Requirement {
  /** Clause id (`sig.covered.query`) or case id of the attack catalogue (`COV-04`). */
  readonly id: string
  /** Section of docs/protocol.md, e.g. `3.4`. */
  readonly section: string
  /** For a case: the id of the clause it attacks. */
  readonly clause?: string
  /** What must hold, in one sentence. */
  readonly text: string
  /** `built`: some passing test must cite it. `later`: it belongs to something that does not exist yet. */
  readonly status: 'built' | 'later'
  /** `long`: only `npm run test:all` proves it, since its tests start and kill processes. */
  readonly tier?: 'long'
}
