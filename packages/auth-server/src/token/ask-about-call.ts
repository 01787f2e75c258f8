import type { AskedBy, AskedQuestion } from '../approval/ask.js'
import { pollInterval } from '../bound/polls.js'
import type { AskedCall } from './decide-call.js'
import { checkedWayBack, type PendingAnswer, reportRequested, type WayBack } from './pending-answer.js'
import type { TokenCall, TokenContext } from './token-context.js'

/** What an agent polls with, while a question waits in its user's inbox. */
export interface InboxAnswer {
  readonly request_token: string
  /** Seconds between two polls. */
  readonly interval: number
  /** Seconds. */
  readonly expires_in: number
}

/**
 * Stores a question that its user answers in a browser, to which the agent sends them.
 * @param o.count runs once all is checked, and before anything is stored
 * @throws AAuthError `invalid_request` without a `redirect_uri` of the agent; `rate_limited`
 */
export async function askAboutCallInBrowser(
  asked: AskedCall,
  o: { readonly wayBack: WayBack; readonly call: TokenCall; readonly count: () => Promise<void> | void },
  context: TokenContext,
): Promise<PendingAnswer> {
  const way = await checkedWayBack(o.wayBack, { call: o.call, agent: asked.request.principal.agent })
  await o.count()
  const { token, expires_in } = await askAboutCall(asked, { flow: 'browser', ...way }, context)
  return { request_token: token, expires_in }
}

/** Stores a question for the inbox of its user. */
export async function askAboutCallInInbox(
  asked: AskedCall,
  call: TokenCall,
  context: TokenContext,
): Promise<InboxAnswer> {
  await call.once()
  const { token, expires_in } = await askAboutCall(asked, { flow: 'inbox' }, context)
  return { request_token: token, interval: pollInterval, expires_in }
}

/** Stores a question, and reports it. */
export async function askAboutCall(
  { request, question }: AskedCall,
  by: AskedBy,
  context: Pick<TokenContext, 'approvals' | 'report'>,
): Promise<AskedQuestion> {
  const stored = await context.approvals.ask({ request, question, by })
  const { flow } = by
  reportRequested({ flow, id: stored.request, request, approval: stored.id, operation: question.operation }, context)
  return stored
}
