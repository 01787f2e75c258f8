import { Refusal } from '../shared/refusal.js'
import type { Context } from './context.js'
import type { Asked } from './state.js'

/** What a check of a document or token refuses, with the status of one that came in a form. @see protocol §8 */
export async function asOf<Result>(status: number, check: () => Promise<Result>): Promise<Result> {
  try {
    return await check()
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) throw new Refusal(status, error.error, error.details)
    throw error
  }
}

/** What was asked for, in the words that the resource has now. */
export async function asPublished({ documents }: Pick<Context, 'documents'>, asked: Asked): Promise<Asked> {
  const metadata = await documents.metadata('aauth-resource', asked.resource).catch(() => asked.metadata)
  return { ...asked, metadata }
}
