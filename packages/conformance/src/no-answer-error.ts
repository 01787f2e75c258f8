/** The implementation under test does not answer at all: exit code 3. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
}
