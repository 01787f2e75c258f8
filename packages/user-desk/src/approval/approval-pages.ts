import { named, type Transaction } from '@countersign/audit/internal'
import type { ApprovalAnswer, ApprovalRow, Approvals, RequestOf } from '@countersign/auth-server/internal'
import { agentsOf, exchangeFacts, requestFacts } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { consentView } from '../consent/consent-view.js'
import { verifyBefore } from '../consent/grave-scopes.js'
import type { ApprovalPages, ConsentContext, OpenRequest, ShownQuestion } from '../consent/open-request.js'
import { approvalPage } from '../pages/approval-page.js'
import type { ShownCall } from '../pages/approval-view.js'
import { pageResponse } from '../pages/page-response.js'

/** What the pages for approvals need. */
export type ApprovalPagesContext = Omit<ConsentContext, 'approvalPages'> & { readonly approvals: Approvals }

/** Creates the pages on which users approve single calls. */
export function approvalPagesOf(context: ApprovalPagesContext): ApprovalPages {
  return {
    async check(open) {
      await questionOf(open, context)
    },
    async show(message, shown) {
      const question = await questionOf(shown, context)
      const look = context.looks.of(message)
      const { row, session, user, way, ...frame } = shown
      const view = await consentView(row, { ...frame, csrf: session.csrf, user, way, held: [] }, context)
      const leadsTo = 'redirect_uri' in way ? way.redirect_uri : undefined
      return pageResponse(approvalPage({ ...view, call: callOf(question) }, look), { look, leadsTo })
    },
    decide: (message, shown, o) => decide(message, { shown, ...o }, named(context, message)),
  }
}

/** The question of a request, if it is open and for this user: nobody else may answer it. */
async function questionOf(
  { row, user }: OpenRequest<RequestOf<'call'>>,
  { approvals, blocks }: ApprovalPagesContext,
): Promise<ApprovalRow> {
  await blocks.check({ agents: agentsOf(row) })
  const question = await approvals.find(row.operation)
  if (question?.status !== 'open') throw endedError()
  // Phishing: an attacker's agent sends its own link to a victim, whose yes would be for the attacker's call.
  if (question.user_sub !== user.sub) {
    throw refusal('user_mismatched')
  }
  return question
}

async function decide<R extends RequestOf<'call'>>(
  message: ReceivedMessage,
  o: {
    readonly shown: ShownQuestion<R>
    readonly form: ReadonlyMap<string, string>
    readonly check?: () => Promise<void>
  },
  context: ApprovalPagesContext,
): Promise<R | Response | undefined> {
  const { shown, form, check } = o
  const { row, session, user, action, returnTo, way } = shown
  const question = await questionOf(shown, context)
  const answer = answerIn(form)
  if (answer === 'approve' && question.grave === 1) {
    const leadsTo = 'redirect_uri' in way ? way.redirect_uri : undefined
    const open = { row, session, user }
    const yes = { form, open, grave: [question.operation], action, returnTo, leadsTo }
    const verification = await verifyBefore(message, yes, context)
    if (verification !== undefined) return verification
  }
  await check?.()
  const browser = way.type === 'inbox' ? undefined : session.id
  const given = { user: user.sub, answer, request: row, browser }
  return context.approvals.answer(given, tx => reportAnswer(tx, { row, question, answer }, context))
}

function answerIn(form: ReadonlyMap<string, string>): ApprovalAnswer {
  const answer = form.get('decision')
  if (answer === 'approve' || answer === 'deny' || answer === 'stop') return answer
  throw refusal('form_incomplete', { about: 'neither yes nor no' })
}

/** The events of an answer: they name the operation, and no value of the call (APR-35). */
async function reportAnswer(
  tx: Transaction,
  {
    row,
    question,
    answer,
  }: { readonly row: RequestOf<'call'>; readonly question: ApprovalRow; readonly answer: ApprovalAnswer },
  { report }: ApprovalPagesContext,
): Promise<void> {
  const { upstream } = row
  const user = question.user_sub
  const about = {
    ...(upstream === undefined ? {} : { exchange: exchangeFacts(upstream) }),
    flow: row.way,
    ...requestFacts(row),
    approval: question.id,
    operation: question.operation,
    user,
  } as const
  if (answer === 'approve') return report.within(tx, { type: 'consented', by: 'user', ...about })
  await report.within(tx, { type: 'declined', ...about })
  if (answer === 'stop')
    await report.within(tx, { type: 'approvals_stopped', user, agent: row.agent, resource: row.resource })
}

/** A call, as pages show it. */
export function callOf({ operation, words, grave, display }: ApprovalRow): ShownCall {
  return {
    operation,
    words,
    grave: grave === 1,
    display: display === null ? undefined : (JSON.parse(display) as string[]),
  }
}

function endedError(): AAuthError {
  return refusal('request_ended')
}
