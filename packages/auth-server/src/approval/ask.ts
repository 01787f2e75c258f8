import { randomUUID } from 'node:crypto'
import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { addRequest, type QuotaOptions, requestLock } from '../bound/request-quota.js'
import { type NewRequest, type NewWay, rowOf } from '../request/request-row.js'
import { newUserCode } from '../request/user-code.js'
import { newRequestToken, requestHash, requestLifetime } from '../secret/request-token.js'
import type { ApprovalRow } from '../tables/approval-tables.js'
import type { RequestRow, Tables } from '../tables/tables.js'
import type { ApprovalLimits } from './approval-limits.js'

/** Seconds that a question waits in an inbox: its user is not at hand, as one who was sent here by the agent is. */
export const inboxLifetime = 3600
const day = 86_400

/** A call that a user is to be asked about. */
export interface NewQuestion
  extends Pick<ApprovalRow, 'user_sub' | 'holder' | 'agent_jkt' | 'operation' | 'digest' | 'words'> {
  readonly grave: boolean
  readonly display: readonly string[] | undefined
  /** The user has given the caller something, or policy has named them. */
  readonly known: boolean
}

/** How the user is asked, and how the answer goes back. */
export type AskedBy = Exclude<NewWay, { readonly flow: 'device' }> | { readonly flow: 'device' }

/** A question that is stored. */
export interface AskedQuestion {
  /** Names it. */
  readonly id: string
  /** Names the request in events. */
  readonly request: string
  readonly token: string
  /** Devices only. */
  readonly user_code: string
  /** Seconds. */
  readonly expires_in: number
  /** An equal one was open: it stays the only one, under the new token. */
  readonly isNew: boolean
}

/** What asking works with. */
export interface AskContext extends QuotaOptions {
  readonly limits: Required<ApprovalLimits>
}

/**
 * Stores a question and the request that waits for its answer. An equal open question is the same one: its request gets a new token,
 * and the one of before is worth nothing. So one yes never gives two tokens.
 * @throws AAuthError `rate_limited` (`approvals_exceeded`, `quota_exceeded`); then nothing is stored
 * @see protocol §9.4, clause approval.limits
 */
export function askQuestion(
  store: Store<Tables>,
  asked: { readonly request: NewRequest; readonly question: NewQuestion; readonly by: AskedBy },
  context: AskContext,
): Promise<AskedQuestion> {
  const token = newRequestToken()
  const user_code = newUserCode()
  return store.write(
    async tx => {
      const now = context.now()
      const fresh = rowsOf(asked, { hash: requestHash(token), user_code, now })
      const answer = { token, user_code, expires_in: fresh.request.expires - now }
      const equal = await renewEqual(tx, fresh, now)
      if (equal !== undefined) return { ...answer, ...equal, isNew: false }
      await checkLimits(tx, fresh.question, { limits: context.limits, now })
      await addRequest(tx, fresh.request, context)
      await tx.insertInto('auth_server_approvals').values(fresh.question).execute()
      return { ...answer, id: fresh.question.id, request: fresh.request.id, isNew: true }
    },
    // Counts, then adds: of a burst that comes at once, no more than the limit pass.
    { alone: requestLock },
  )
}

interface Fresh {
  readonly request: RequestRow
  readonly question: ApprovalRow
}

function rowsOf(
  asked: { readonly request: NewRequest; readonly question: NewQuestion; readonly by: AskedBy },
  o: { readonly hash: string; readonly user_code: string; readonly now: number },
): Fresh {
  const { by } = asked
  const { display, grave, known, ...named } = asked.question
  const way = by.flow === 'device' ? { ...by, user_code: o.user_code } : by
  const row = rowOf(asked.request, { way, now: o.now })
  const expires = o.now + (by.flow === 'inbox' ? inboxLifetime : requestLifetime)
  const id = randomUUID()
  const request: RequestRow = { ...row, request_hash: o.hash, operation: id, expires }
  const question: ApprovalRow = {
    ...named,
    id,
    agent: row.agent,
    agent_delegate: row.agent_delegate,
    resource: row.resource,
    grave: grave ? 1 : 0,
    display: display === undefined ? null : JSON.stringify(display),
    inbox: by.flow === 'inbox' ? 1 : 0,
    known: known ? 1 : 0,
    status: 'open',
    created: o.now,
    expires,
    decided: null,
    exp: null,
    ended: null,
  }
  return { request, question }
}

/** The equal question that is open, asked anew: it gets the token, the way back and the time of this one. */
async function renewEqual(
  tx: Transaction<Tables>,
  { request, question }: Fresh,
  now: number,
): Promise<{ readonly id: string; readonly request: string } | undefined> {
  const { user_sub, agent, agent_delegate, agent_jkt, resource, operation, digest } = question
  const open = await tx
    .selectFrom('auth_server_approvals')
    .select(['id', 'holder'])
    .where(({ and }) =>
      and({ user_sub, agent, agent_delegate, agent_jkt, resource, operation, digest, status: 'open' }),
    )
    .where('expires', '>', now)
    .execute()
  const equal = open.find(({ holder }) => holder === question.holder)
  if (equal === undefined) return undefined
  const { id: _, operation: __, created, site, status, user_sub: ___, ...renewed } = request
  const waiting = await tx
    .updateTable('auth_server_requests')
    .set(renewed)
    .where('operation', '=', equal.id)
    .where('status', '=', 'pending')
    .where('expires', '>', now)
    .returning('id')
    .executeTakeFirst()
  if (waiting === undefined) return undefined
  await tx
    .updateTable('auth_server_approvals')
    .set({ expires: question.expires, inbox: question.inbox })
    .where('id', '=', equal.id)
    .execute()
  return { id: equal.id, request: waiting.id }
}

/** Approval fatigue: users who are asked again and again say yes to be left alone. */
async function checkLimits(
  tx: Transaction<Tables>,
  { user_sub, agent, agent_delegate, known }: ApprovalRow,
  { limits, now }: { readonly limits: Required<ApprovalLimits>; readonly now: number },
): Promise<void> {
  const recent = await tx
    .selectFrom('auth_server_approvals')
    .select(['agent', 'agent_delegate', 'known', 'status', 'created', 'expires'])
    .where('user_sub', '=', user_sub)
    .where('created', '>', now - day)
    .orderBy('created')
    .execute()
  const ofAgent = recent.filter(row => row.agent === agent && row.status === 'open' && row.expires > now)
  const ofDelegate = agent_delegate === '' ? [] : ofAgent.filter(row => row.agent_delegate === agent_delegate)
  const ofDay = recent.filter(row => row.known === known)
  const waits = [
    waitFor(
      ofDelegate.map(({ expires }) => expires),
      limits.delegate,
    ),
    waitFor(
      ofAgent.map(({ expires }) => expires),
      limits.agent,
    ),
    waitFor(
      ofDay.map(({ created }) => created + day),
      limits.day,
    ),
  ].flatMap(until => until ?? [])
  if (waits.length === 0) return
  throw refusal('approvals_exceeded', { retryAfter: Math.max(1, Math.ceil(Math.max(...waits) - now)) })
}

/** When there is room for one more; undefined where there is. */
function waitFor(ends: readonly number[], most: number): number | undefined {
  if (ends.length < most) return undefined
  return ends.toSorted((a, b) => a - b)[ends.length - most]
}
