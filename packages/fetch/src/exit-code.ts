/** Exit codes of every command, so that a script can decide what to do next. */
export const exitCode = {
  /** Done; for `fetch`, a status below 400. */
  ok: 0,
  /** Refused: a status of 400 or more, or an inspected message or token that does not verify. */
  refused: 1,
  /** Started wrongly: an unknown flag, a missing argument, a missing file, a wrong value. */
  usage: 2,
  /** No answer: refused connections, names that do not resolve, TLS, timeouts. Running it again may help. */
  network: 3,
  /** A user must agree first, and there was no way to ask. */
  needsUser: 4,
  /** A fault of `countersign` itself: please report it. */
  internal: 5,
} as const

/** One of the codes in {@link exitCode}. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]
