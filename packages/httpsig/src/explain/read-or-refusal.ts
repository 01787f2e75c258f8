import { HttpSigError } from '../error.js'

/** What `read` returns, or the refusal that it throws. */
export function readOrRefusal<T>(read: () => T): T | HttpSigError {
  try {
    return read()
  } catch (error) {
    if (error instanceof HttpSigError) return error
    throw error
  }
}
