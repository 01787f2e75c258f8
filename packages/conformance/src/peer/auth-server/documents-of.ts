import { Refusal } from '../shared/refusal.js'

/** What a check of a document or token refuses, with the status of one that came in a form. @see protocol §8 */
export async function asOf<Result>(status: number, check: () => Promise<Result>): Promise<Result> {
  try {
    return await check()
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) throw new Refusal(status, error.error, error.details)
    throw error
  }
}
