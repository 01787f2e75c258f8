import { AAuthError } from '@countersign/protocol'
import { withinDeadline } from './deadline.js'
import type { FetchedDocument, Fetcher } from './fetcher.js'
import { Unreachable } from './unreachable.js'

/** Seconds a fetch may take, whatever the fetcher does. */
const timeout = 5

/**
 * Fetches a document without sharing the fetch with other callers.
 * @throws AAuthError when the fetcher refuses, Unreachable when there was no response in time
 */
export async function fetchDocument(fetcher: Fetcher, url: string, maxBytes: number): Promise<FetchedDocument> {
  try {
    return await withinDeadline({ seconds: timeout }, signal => fetcher(url, { maxBytes, signal }))
  } catch (cause) {
    // An AAuthError of the fetcher is a refusal; any other error is the network's.
    throw cause instanceof AAuthError ? cause : Object.assign(new Unreachable('no answer', { cause }), { url })
  }
}
