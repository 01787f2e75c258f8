import type { StoredRequest } from '@countersign/auth-server/internal'
import { callerOf, checkStillListed, refusedEvent } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { Reason } from '@countersign/protocol'
import { asAAuthError } from '@countersign/protocol/internal'
import type { ConsentContext, LinkedRequest, OpenRequest } from './open-request.js'

/** Refusals after which this user is not asked, whatever they do. After all others the request waits, for them or for who may answer. */
const final: ReadonlySet<Reason> = new Set(['approval_stopped', 'asked_too_often', 'caller_blocked', 'request_ended'])

/**
 * Answers a request that waits. Where it ends without a question, the agent is told no by its `redirect_uri`: on a page alone, it would
 * wait until the request ends.
 * @throws AAuthError, shown as a page
 * @see protocol §6.3, clause consent.told
 */
export async function orTellAgent(
  message: ReceivedMessage,
  { open, context }: { readonly open: LinkedRequest; readonly context: ConsentContext },
  answer: () => Promise<Response>,
): Promise<Response> {
  try {
    return await answer()
  } catch (thrown) {
    const refused = await endRefused(message, open, {
      thrown,
      context,
      check: () => checkStillListed(open.row, context),
    })
    return context.decided(refused, open.request_token)
  }
}

/**
 * Ends a request after a refusal that is final, so that an agent that polls is told, and reports it.
 * @throws what was thrown, where it is not final or the request is decided by now, and what `check` throws
 */
export async function endRefused<R extends StoredRequest>(
  message: ReceivedMessage,
  { row, session, user }: OpenRequest<R>,
  o: {
    readonly thrown: unknown
    readonly context: Pick<ConsentContext, 'requests' | 'blocks' | 'report'>
    readonly check?: () => Promise<void>
  },
): Promise<R> {
  const { requests, blocks, report } = o.context
  const error = asAAuthError(o.thrown)
  if (!final.has(error.reason)) throw o.thrown
  // Others of its chain may be blocked; where it is itself, no browser is sent to it.
  await blocks.check({ agents: [callerOf(row)] })
  await o.check?.()
  const status = error.reason === 'approval_stopped' ? 'stopped' : 'denied'
  const here = { browser: session.id, user: user.sub, status } as const
  const told = refusedEvent(error, message, { page: { row, user } })
  const refused = await requests.refuse(row, here, tx => report.within(tx, told))
  if (refused === undefined) throw o.thrown
  return refused
}
