import { AAuthError } from '@countersign/protocol'
import { restated } from '@countersign/protocol/internal'

/**
 * Runs a check of a token inside the request. Its refusals are 400, not 401: the caller's own credentials are in order.
 * @see protocol §8
 */
export async function asRequestFault<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof AAuthError) || error.status !== 401) throw error
    throw restated(error, { status: 400 })
  }
}
