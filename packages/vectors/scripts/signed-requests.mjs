// Whole requests: signature, caller and token together, as a verifier judges them.
import { refuseAll } from './expected.mjs'
import { openKind } from './kind.mjs'
import { signedRequest } from './signed.mjs'
import { acceptedRequests } from './signed-accepted.mjs'
import {
  bodyFaults,
  changesOnTheWay,
  headerFaults,
  keyFaults,
  publishedFaults,
  targetFaults,
  timeFaults,
} from './signed-faults.mjs'
import { addReceivers, addUnsigned } from './signed-places.mjs'
import { addTokenRequests } from './signed-token-faults.mjs'
import { now } from './world.mjs'

export function signedRequests() {
  const kind = openKind('signed-requests', made => {
    const { input, base } = signedRequest(made)
    return { input, facts: { base } }
  })
  for (const [id, title, clauses, made, expect] of acceptedRequests)
    kind.accept(id, title, { at: now, receiver: 'calendar', clauses: [clauses].flat(), made, expect })
  refuseAll(kind, 'inline-get', [...targetFaults, ...headerFaults, ...keyFaults, ...timeFaults, ...changesOnTheWay])
  refuseAll(kind, 'inline-post', bodyFaults)
  refuseAll(kind, 'published-get', publishedFaults)
  addUnsigned(kind)
  addReceivers(kind)
  addTokenRequests(kind)
  return kind
}
