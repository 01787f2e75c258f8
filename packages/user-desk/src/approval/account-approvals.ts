import type { ApprovalRow, RequestBy, StoredRequest, Tables } from '@countersign/auth-server/internal'
import {
  allowAsking,
  approvedCalls,
  countInbox,
  inboxOf,
  isInboxOn,
  questionsOf,
  setInbox,
  sha256,
  stopsOf,
} from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { queryOf } from '@countersign/httpsig/internal'
import { type AAuthError, isIdentifier } from '@countersign/protocol'
import { refusal, seeOther } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { requestIdOf } from '@countersign/verify/internal'
import type { AccountContext, OwnQuestions } from '../account/account-context.js'
import { userForm } from '../account/signed-in.js'
import type { ConsentContext, ShownQuestion } from '../consent/open-request.js'
import type { BrowserSession, SessionUser } from '../login/entrance.js'
import { approvalsPage } from '../pages/approvals-page.js'
import type { ApprovalsDone, ApprovalsView } from '../pages/approvals-view.js'
import { pageResponse } from '../pages/page-response.js'
import { callOf } from './approval-pages.js'

type Context = AccountContext & ConsentContext

/** Where users see their approvals. */
export const approvalsPath = '/account/approvals'
/** Where a user answers one question of the inbox. */
export const approvalPath = '/account/approval'

const happened: readonly ApprovalsDone[] = ['approved', 'refused', 'stopped', 'allowed', 'on', 'off']

/** Shows open questions, the switch of the inbox, agents that were told to stop, and what was approved. */
export async function showApprovals(message: ReceivedMessage, context: Context): Promise<Response> {
  const { session, cookies } = await context.login.sessions.begin(message)
  const { user } = session
  if (user === undefined) return context.login.signIn(message, { returnTo: approvalsPath })
  const look = context.looks.of(message)
  const done = new URLSearchParams(queryOf(message.target)).get('done')
  const view = await viewOf(context, { csrf: session.csrf, user })
  const html = approvalsPage({ ...view, done: happened.find(each => each === done) }, look)
  return pageResponse(html, { look, cookies })
}

async function viewOf(
  { store, now }: Context,
  { csrf, user }: { readonly csrf: string; readonly user: SessionUser },
): Promise<ApprovalsView> {
  const [isOn, questions, stops, history] = await Promise.all([
    isInboxOn(store.db, user.sub),
    inboxOf(store.db, user.sub, now()),
    stopsOf(store.db, user.sub),
    approvedCalls(store.db, user.sub),
  ])
  return {
    csrf,
    user,
    inbox: isOn ? 'on' : 'off',
    questions: questions.map(row => ({
      id: row.id,
      agent: row.agent,
      resource: row.resource,
      call: callOf(row),
      until: row.expires,
    })),
    stops: stops.map(({ agent, resource, created }) => ({ agent, resource, since: created })),
    history: history.map(row => ({
      agent: row.agent,
      delegate: row.agent_delegate === '' ? undefined : row.agent_delegate,
      resource: row.resource,
      call: callOf(row),
      at: row.decided ?? row.created,
    })),
  }
}

/** Turns the inbox on or off. */
export async function turnInbox(message: ReceivedMessage, context: Context): Promise<Response> {
  const { form, user } = await userForm(message, context)
  const turn = form.get('turn')
  if (turn !== 'on' && turn !== 'off') throw incompleteError()
  const on = turn === 'on'
  await context.store.write(async tx => {
    await setInbox(tx, user.sub, { on, now: context.now() })
    await context.report.within(tx, { type: 'inbox_turned', user: user.sub, on, ...requestIdOf(message) })
  })
  return seeOther(`${approvalsPath}?done=${turn}`, [])
}

/** Lets an agent ask again that was told to stop. */
export async function allowAgain(message: ReceivedMessage, context: Context): Promise<Response> {
  const { form, user } = await userForm(message, context)
  const [agent, resource] = [form.get('agent'), form.get('resource')]
  const { development, store, report } = context
  if (!isIdentifier(agent, { development }) || !isIdentifier(resource, { development })) throw incompleteError()
  await store.write(async tx => {
    if (!(await allowAsking(tx, { user_sub: user.sub, agent, resource }))) return
    await report.within(tx, { type: 'approvals_allowed', user: user.sub, agent, resource, ...requestIdOf(message) })
  })
  return seeOther(`${approvalsPath}?done=allowed`, [])
}

/** Shows one question of the inbox. */
export async function showQuestion(message: ReceivedMessage, context: Context): Promise<Response> {
  const id = new URLSearchParams(queryOf(message.target)).get('question') ?? ''
  const session = await context.login.sessions.current(message)
  if (session?.user === undefined) return context.login.signIn(message, { returnTo: questionPath(id) })
  const shown = await findQuestion(id, { session, user: session.user }, context)
  return context.approvalPages.show(message, shown)
}

/** Takes the answer to a question of the inbox. */
export async function answerQuestionHere(message: ReceivedMessage, context: Context): Promise<Response> {
  const { form, session, user } = await userForm(message, context)
  const shown = await findQuestion(form.get('question') ?? '', { session, user }, context)
  // The agent may ask the equal question anew while the page is open, for another purpose: that was not read yet.
  if (form.get('shown') !== shown.hidden['shown']) return seeOther(shown.returnTo, [])
  const decided = await context.approvalPages.decide(message, shown, { form })
  if (decided === undefined) throw unknownError()
  if (decided instanceof Response) return decided
  return seeOther(`${approvalsPath}?done=${doneOf(decided)}`, [])
}

function doneOf({ status }: StoredRequest): ApprovalsDone {
  if (status === 'granted') return 'approved'
  return status === 'stopped' ? 'stopped' : 'refused'
}

function questionPath(id: string): string {
  return `${approvalPath}?${new URLSearchParams({ question: id })}`
}

/** A question that waits in the inbox of this user. Another user's is as unknown as one that never was (ACC-10). */
async function findQuestion(
  id: string,
  { session, user }: { readonly session: BrowserSession; readonly user: SessionUser },
  { requests, note }: Context,
): Promise<ShownQuestion> {
  const row = await requests.findInInbox(id, user.sub)
  if (row === undefined) throw unknownError()
  note?.({ row, user })
  const hidden = { question: id, shown: askedMark(row) }
  return {
    row,
    session,
    user,
    action: approvalPath,
    hidden,
    returnTo: questionPath(id),
    way: { type: 'inbox', asked: row.created, until: row.expires },
  }
}

/** A hash of what an equal question may ask for otherwise: the call itself is the same. */
function askedMark({ scope, purpose, purposes }: RequestBy<'inbox'>): string {
  return sha256(JSON.stringify([scope, purpose, purposes]))
}

/** What the account pages know of a user's questions. */
export function ownQuestionsIn(store: Store<Tables>, now: () => number): OwnQuestions {
  return {
    count: sub => countInbox(store.db, sub, now()),
    stops: sub => stopsOf(store.db, sub),
    async copy(sub) {
      const [isOn, stops, questions] = await Promise.all([
        isInboxOn(store.db, sub),
        stopsOf(store.db, sub),
        questionsOf(store.db, sub),
      ])
      return {
        approvals_inbox: isOn ? 'on' : 'off',
        told_to_stop: stops.map(({ agent, resource, created }) => ({ agent, resource, since: timeOf(created) })),
        approvals: questions.map(copyOf),
      }
    },
  }
}

function copyOf(row: ApprovalRow): object {
  const { agent, agent_delegate: delegate, resource, operation, words, status } = row
  const times = { asked: timeOf(row.created), decided: timeOf(row.decided), ended: timeOf(row.ended) }
  const { display = null } = callOf(row)
  return { agent, delegate, resource, operation, words, display, answer: status, ...times }
}

function timeOf(seconds: number | null | undefined): string | null {
  return seconds === null || seconds === undefined ? null : new Date(seconds * 1000).toISOString()
}

function incompleteError(): AAuthError {
  return refusal('form_incomplete')
}

function unknownError(): AAuthError {
  return refusal('request_ended', { about: 'an open question', status: 404 })
}
