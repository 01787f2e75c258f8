import { AAuthError } from '@countersign/protocol'

/**
 * Runs a check of what the caller brought along. What is wrong there is a fault of the request, not of the caller's own
 * credentials: 400 instead of 401.
 * @see protocol §8
 */
export async function ofRequest<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof AAuthError) || error.status !== 401) throw error
    throw new AAuthError(error.code, error.description, { status: 400, cause: error.cause })
  }
}
