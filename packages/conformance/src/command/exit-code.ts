import { ConfigurationError } from '../config/configuration-error.js'
import { NoAnswerError } from '../no-answer-error.js'
import { PortError } from '../port-error.js'

/** The exit code for an error that ends a run: 2 started wrongly, 3 no answer, 5 a fault of the suite. */
export function exitCodeOf(error: unknown): 2 | 3 | 5 {
  if (error instanceof ConfigurationError || error instanceof PortError) return 2
  return error instanceof NoAnswerError ? 3 : 5
}
