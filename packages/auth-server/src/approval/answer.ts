import type { Also } from '@countersign/audit/internal'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { isPolled, type RequestOf, readAgain } from '../request/read-request.js'
import { endQuestion } from '../revocation/end-approvals.js'
import { codeLifetime, newCodeSecret, requestLifetime } from '../secret/request-token.js'
import type { RequestRow, Tables } from '../tables/tables.js'
import { isUser } from '../users/users.js'
import { hasLivingGrant } from './grant-holder.js'
import { dropOldest } from './history.js'
import { stopAsking } from './stops.js'

/** What a user says to a question. */
export type ApprovalAnswer = 'approve' | 'deny' | 'stop'

/** An answer, and where it was given. */
export interface GivenAnswer<R extends RequestOf<'call'> = RequestOf<'call'>> {
  /** `sub` of the user: nobody else's question is answered. */
  readonly user: string
  readonly answer: ApprovalAnswer
  /** The request as it was shown: one that was asked anew since is another. */
  readonly request: R
  /** The browser that claimed the request; undefined for the inbox. */
  readonly browser: string | undefined
}

/**
 * Stores the answer to a question, and the code that an approval gives, both or neither.
 * @returns the request as it is now; undefined where it was answered already, has expired, or is another's
 * @see protocol §9.4
 */
// unchecked options o: only the desk, the console and tests call it, and TypeScript checks them
export function answerQuestion<R extends RequestOf<'call'>>(
  store: Store<Tables>,
  given: GivenAnswer<R>,
  o: { readonly issuer: string; readonly now: () => number; readonly also?: Also | undefined },
): Promise<R | undefined> {
  const secret = newCodeSecret()
  return store.write(async tx => {
    const decided = await answerIn(tx, given, { issuer: o.issuer, secret, now: o.now() })
    if (decided !== undefined) await o.also?.(tx)
    return decided
  })
}

async function answerIn<R extends RequestOf<'call'>>(
  tx: Transaction<Tables>,
  { user, answer, request, browser }: GivenAnswer<R>,
  { issuer, secret, now }: { readonly issuer: string; readonly secret: string; readonly now: number },
): Promise<R | undefined> {
  // The account was deleted while the page was open.
  if (!(await isUser(tx, user))) return undefined
  const id = request.operation
  const found = await tx
    .selectFrom('auth_server_requests')
    .selectAll()
    .where('operation', '=', id)
    .where('request_hash', '=', request.request_hash)
    .where('status', '=', 'pending')
    .where('expires', '>', now)
    .executeTakeFirst()
  // A browser answers what it has claimed, the inbox what waits there.
  const row = found && readAgain(request, found)
  if (row === undefined || browser !== (row.way === 'inbox' ? undefined : row.browser)) return undefined
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
  return readAgain(request, decided)
}

/**
 * A question that was stored while its grant ended must not outlive it, either. Those of callers that the user has given nothing need no
 * grant, and an exchange is judged by its upstream token.
 */
async function isGrantAlive(tx: Transaction<Tables>, row: RequestOf<'call'>, now: number): Promise<boolean> {
  const { known, holder } = await tx
    .selectFrom('auth_server_approvals')
    .select(['known', 'holder'])
    .where('id', '=', row.operation)
    .executeTakeFirstOrThrow()
  if (known === 0 || holder === null || row.upstream !== undefined) return true
  return hasLivingGrant(tx, { ...row, user_sub: holder }, now)
}

/** Only an approval keeps what was shown, for the user's history. False where the question is not open, or another user's (ACC-10). */
async function closeQuestion(
  tx: Transaction<Tables>,
  { id, user, answer }: Pick<GivenAnswer, 'user' | 'answer'> & { readonly id: string },
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
  row: RequestOf<'call'>,
  answer: ApprovalAnswer,
  { secret, now }: { readonly secret: string; readonly now: number },
): Partial<RequestRow> {
  if (answer !== 'approve') return { status: answer === 'stop' ? 'stopped' : 'denied' }
  // Who polls has as long as a request waits; who comes back from the browser is there at once.
  const polls = isPolled(row)
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
