import { type HeadJudgement, isSigned, pathOf, type ReceivedMessage, refusedHead } from '@countersign/httpsig'
import type { Verifier } from '@countersign/verify'
import { hasBearer } from './bearer.js'
import { tokenPath } from './metadata.js'
import type { Mode } from './observe.js'
import type { Route } from './requirement.js'

interface HeadContext {
  readonly verifier: Verifier
  readonly mode: Mode
}

/** What the head of a request says for a route: an unsigned one, where a signature is needed, is refused without its body. */
export function judgeRouteHead(head: ReceivedMessage, route: Route, { verifier, mode }: HeadContext): HeadJudgement {
  // What is only observed is handed on with its body.
  if (mode === 'observe') return 'whole'
  const judged = verifier.judgeHead(head, { requiredComponents: route.components })
  if (judged !== 'whole' || isSigned(head)) return judged
  const isOpen = route.level === 'anonymous' || (route.alsoAccept !== undefined && hasBearer(head))
  return isOpen ? 'whole' : refusedHead(head)
}

/** The same for what the resource answers itself. */
export function judgeOwnHead(head: ReceivedMessage, { verifier }: HeadContext): HeadJudgement {
  if (pathOf(head.target) !== tokenPath || head.method !== 'POST') return 'whole'
  return isSigned(head) ? verifier.judgeHead(head) : refusedHead(head)
}

/** A guard must not let pass what it has not read. @throws TypeError */
export function checkRead({ dangerouslyUnseenBody, headFault }: ReceivedMessage): void {
  if (dangerouslyUnseenBody || headFault !== undefined)
    throw new TypeError('a request was let pass whose body was not read')
}
