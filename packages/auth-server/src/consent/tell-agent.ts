import type { ReceivedMessage } from '@countersign/httpsig'
import type { Reason } from '@countersign/protocol'
import { answerUrl, asAAuthError, seeOther } from '@countersign/protocol/internal'
import { callerOf } from '../block/parties.js'
import { checkStillListed } from '../request/redirect-uri.js'
import { refusedEvent } from '../request/refused-event.js'
import { codeOf } from '../secret/request-token.js'
import type { RequestRow } from '../tables/tables.js'
import type { ConsentContext, LinkedRequest, OpenRequest } from './open-request.js'

/** Refusals after which this user is not asked, whatever they do. After all others the request waits, for them or for who may answer. */
const final: ReadonlySet<Reason> = new Set(['approval_stopped', 'asked_too_often', 'caller_blocked', 'request_ended'])

/** Sends the browser back to the agent with the answer. */
export function answerRedirect(
  row: RequestRow,
  request_token: string,
  { issuer }: Pick<ConsentContext, 'issuer'>,
): Response {
  const { code_secret, redirect_uri, state } = row
  const outcome = code_secret === null ? { error: 'access_denied' } : { code: codeOf(request_token, code_secret) }
  return seeOther(answerUrl(redirect_uri, { ...outcome, state, iss: issuer.issuer }))
}

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
    return answerRedirect(refused, open.request_token, context)
  }
}

/**
 * Ends a request after a refusal that is final, so that an agent that polls is told, and reports it.
 * @throws what was thrown, where it is not final or the request is decided by now, and what `check` throws
 */
export async function endRefused(
  message: ReceivedMessage,
  { row, session, user }: OpenRequest,
  o: {
    readonly thrown: unknown
    readonly context: Pick<ConsentContext, 'requests' | 'blocks' | 'report'>
    readonly check?: () => Promise<void>
  },
): Promise<RequestRow> {
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
