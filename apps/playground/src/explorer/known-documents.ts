import { type Known, knownFrom } from '../analysis/known.js'
import type { Party } from './contract.js'
import type { Recorder } from './recorder.js'

/** Most documents that are kept; the parties publish some twenty. */
const mostDocuments = 100

/** What the parties have published since the playground began, as its messages carried it: the keys that messages are judged by. */
export function createPublished(recorder: Recorder, parties: readonly Party[]): () => Known {
  let known: Known = { parties, documents: {} }
  recorder.listen(event => {
    if (event.type !== 'message' || event.message.kind !== 'discovery') return
    const next = knownFrom([event.message], known)
    if (Object.keys(next.documents).length <= mostDocuments) known = next
  })
  return () => known
}
