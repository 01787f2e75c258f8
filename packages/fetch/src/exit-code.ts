/** Exit codes of `countersign`: one table for every command, so that a script can tell what to do next. */
export const exitCode = {
  /** Done: for `fetch`, an answer below 400. */
  ok: 0,
  /** Refused for good: an answer of 400 or more, or something inspected that does not verify. */
  refused: 1,
  /** Started wrongly: an unknown flag, a missing argument, a file that is not there, an option with a wrong value. */
  usage: 2,
  /** No answer: refused connections, names that do not resolve, TLS, timeouts. Running it again may help. */
  network: 3,
  /** A user must agree first, and nobody was there to ask. */
  needsUser: 4,
  /** A fault of `countersign` itself: please report it. */
  internal: 5,
} as const

/** One of the codes in {@link exitCode}. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]
