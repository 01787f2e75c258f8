import type { AskedBy, AskedQuestion } from '../approval/ask.js'
import { pollInterval } from '../bound/polls.js'
import { exchangeFacts } from '../exchange/exchange.js'
import type { AskedCall } from './decide-call.js'
import { checkedWayBack, type PendingAnswer, type WayBack } from './pending-answer.js'
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

/** Stores a question, and reports it: no value of the call is in the event (APR-35). */
export async function askAboutCall(
  { request, question }: AskedCall,
  by: AskedBy,
  { approvals, onEvent }: Pick<TokenContext, 'approvals' | 'onEvent'>,
): Promise<AskedQuestion> {
  const stored = await approvals.ask({ request, question, by })
  const { principal, resource, scope, txn, resource_txn, upstream } = request
  onEvent({
    type: 'requested',
    flow: by.flow,
    request: stored.request,
    approval: stored.id,
    operation: question.operation,
    ...principal,
    resource,
    scope,
    ...(txn === undefined ? {} : { txn }),
    ...(resource_txn === undefined ? {} : { resource_txn }),
    ...(upstream === undefined ? {} : { exchange: exchangeFacts(upstream) }),
  })
  return stored
}
