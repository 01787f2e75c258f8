/** A mistake of whoever started the command: printed without a stack, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Something that the command needs gives no answer: printed without a stack, exit code 3. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
}
