/** A mistake in how the command was started: printed without a stack, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A server that the command needs does not answer: printed without a stack, exit code 3. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
}
