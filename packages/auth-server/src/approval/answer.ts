import type { Also } from '@countersign/audit/internal'
import type { Store } from '@countersign/store'
import { endQuestion } from '../revocation/end-approvals.js'
import { codeLifetime, newCodeSecret, requestLifetime } from '../secret/request-token.js'
import type { RequestRow, Tables } from '../tables/tables.js'
import { isUser } from '../users/users.js'
import { hasLivingGrant } from './grant-holder.js'
import { dropOldest } from './history.js'
import { stopAsking } from './stops.js'

type Transaction = Store<Tables>['db']

/** What a user says to a question. */
export type ApprovalAnswer = 'approve' | 'deny' | 'stop'

/** An answer, and where it was given. */
export interface GivenAnswer {
  /** The question. */
  readonly id: string
  /** `sub` of the user: nobody else's question is answered. */
  readonly user: string
  readonly answer: ApprovalAnswer
  /** The request as it was shown, by its hash: one that was asked anew since is another. */
  readonly request: string
  /** The browser that claimed the request; undefined for the inbox. */
  readonly browser: string | undefined
}

/**
 * Stores the answer to a question, and the code that a yes gives, both or neither.
 * @returns the request as it is now; undefined where it was answered already, has expired, or is another's
 * @see protocol §9.4
 */
export function answerQuestion(
  store: Store<Tables>,
  given: GivenAnswer,
  o: { readonly issuer: string; readonly now: () => number; readonly also?: Also<RequestRow> | undefined },
): Promise<RequestRow | undefined> {
  const secret = newCodeSecret()
  return store.write(async tx => {
    const decided = await answerIn(tx, given, { issuer: o.issuer, secret, now: o.now() })
    if (decided !== undefined) await o.also?.(tx, decided)
    return decided
  })
}

async function answerIn(
  tx: Transaction,
  { id, user, answer, request, browser }: GivenAnswer,
  { issuer, secret, now }: { readonly issuer: string; readonly secret: string; readonly now: number },
): Promise<RequestRow | undefined> {
  // The account was deleted while the page was open.
  if (!(await isUser(tx, user))) return undefined
  const row = await tx
    .selectFrom('auth_server_requests')
    .selectAll()
    .where('operation', '=', id)
    .where('request_hash', '=', request)
    .where('status', '=', 'pending')
    .where('expires', '>', now)
    .executeTakeFirst()
  // A browser answers what it has claimed, the inbox what waits there.
  const isHere = row !== undefined && (row.answer === 'inbox' ? browser === undefined : row.browser === browser)
  if (!isHere) return undefined
  if (answer === 'approve' && !(await isGrantAlive(tx, row, now))) {
    await endQuestion(tx, { id, user_sub: user }, 'denied')
    return undefined
  }
  if (!(await closeQuestion(tx, { id, user, answer }, now))) return undefined
  const decided = await tx
    .updateTable('auth_server_requests')
    .set({ user_sub: user, ...outcomeOf(row, answer, { secret, now }) })
    .where('request_hash', '=', row.request_hash)
    .returningAll()
    .executeTakeFirstOrThrow()
  if (answer === 'stop') await stopAsking(tx, { ...row, user_sub: user }, { issuer, now })
  return decided
}

/**
 * A question that was stored while its grant ended must not outlive it, either. Those of callers that the user has given nothing need no
 * grant, and an exchange is judged by its upstream token.
 */
async function isGrantAlive(tx: Transaction, row: RequestRow, now: number): Promise<boolean> {
  const { known, holder } = await tx
    .selectFrom('auth_server_approvals')
    .select(['known', 'holder'])
    .where('id', '=', row.operation ?? '')
    .executeTakeFirstOrThrow()
  if (known === 0 || holder === null || row.upstream !== null) return true
  return hasLivingGrant(tx, { ...row, user_sub: holder }, now)
}

/** Only a yes keeps what was shown, for the user's history. False where the question is not open, or another user's (ACC-10). */
async function closeQuestion(
  tx: Transaction,
  { id, user, answer }: Omit<GivenAnswer, 'browser' | 'request'>,
  now: number,
): Promise<boolean> {
  const closed =
    answer === 'approve' ? ({ status: 'approved' } as const) : ({ status: 'refused', display: null } as const)
  const { numUpdatedRows } = await tx
    .updateTable('auth_server_approvals')
    .set({ ...closed, decided: now })
    .where(({ and }) => and({ id, user_sub: user, status: 'open' }))
    .where('expires', '>', now)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows > 0n && answer === 'approve') await dropOldest(tx, user, now)
  return numUpdatedRows > 0n
}

function outcomeOf(
  row: RequestRow,
  answer: ApprovalAnswer,
  { secret, now }: { readonly secret: string; readonly now: number },
): Partial<RequestRow> {
  if (answer !== 'approve') return { status: answer === 'stop' ? 'stopped' : 'denied' }
  // Who polls has as long as a request waits; who comes back from the browser is there at once.
  const polls = row.user_code !== null || row.answer === 'inbox'
  const longest = now + (polls ? requestLifetime : codeLifetime)
  return {
    status: 'granted',
    granted_scope: row.scope,
    // An approval tells nothing of the user.
    claims: '{}',
    code_secret: secret,
    expires: polls ? Math.max(now + codeLifetime, Math.min(row.expires, longest)) : longest,
  }
}
