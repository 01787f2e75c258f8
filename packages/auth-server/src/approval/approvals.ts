import type { Also } from '@countersign/audit/internal'
import type { Conditions } from '@countersign/conditions'
import type { Store } from '@countersign/store'
import { checkStopped, type Stopped } from '../grant/stopped.js'
import type { RequestOf } from '../request/read-request.js'
import type { NewRequest } from '../request/request-row.js'
import { writeNotices } from '../revocation/notices.js'
import type { ApprovalRow } from '../tables/approval-tables.js'
import type { Tables } from '../tables/tables.js'
import { isUser } from '../users/users.js'
import { answerQuestion, type GivenAnswer } from './answer.js'
import { type AskContext, type AskedBy, type AskedQuestion, askQuestion, type NewQuestion } from './ask.js'
import { type GrantHolder, grantConditions, hasLivingGrant } from './grant-holder.js'
import { isInboxOn } from './inbox.js'

/** A question that waits in a user's inbox, for the operator to tell them. No value of the call is in it. */
export interface ApprovalNotice {
  /** `sub` of the user. */
  readonly user: string
  /** Names the question: it is answered at `/account/approval?question=…`. */
  readonly question: string
}

/** The approvals of single calls at one auth server. */
export interface Approvals {
  /** Stores a question. @throws AAuthError `rate_limited` */
  // unchecked options asked: only packages of ours call it, and TypeScript checks them
  ask(asked: {
    readonly request: NewRequest
    readonly question: NewQuestion
    readonly by: AskedBy
  }): Promise<AskedQuestion>
  /** The question of this name, whatever became of it. */
  find(id: string): Promise<ApprovalRow | undefined>
  /** Stores an answer; undefined where there is nothing to answer any more. */
  answer<R extends RequestOf<'call'>>(given: GivenAnswer<R>, also?: Also): Promise<R | undefined>
  /** Ends an approval whose code was used twice. Resolves with it. */
  endReused(id: string, also?: Also<ApprovalRow>): Promise<ApprovalRow | undefined>
  isUser(sub: string): Promise<boolean>
  hasLivingGrant(holder: GrantHolder): Promise<boolean>
  isInboxOn(sub: string): Promise<boolean>
  /**
   * The conditions that the user chose for the grant under which the call is made: the one used last that has its scope and purposes. A
   * yes to one call must not let out what that grant holds back.
   */
  // unchecked options what: only packages of ours call it, and TypeScript checks them
  grantConditions(
    whose: GrantHolder & { readonly holder: string | null },
    what: { readonly scope: readonly string[]; readonly purposes: readonly string[] | undefined },
  ): Promise<Conditions>
  /** @throws AAuthError `access_denied` (`approval_stopped`) */
  checkStopped(stopped: Stopped): Promise<void>
}

/** What approvals are set up with. */
export interface ApprovalSetup extends AskContext {
  readonly issuer: string
  /** Called when notices of ended grants are on disk. */
  readonly onEnded: () => void
  readonly onApproval: ((notice: ApprovalNotice) => unknown) | undefined
}

/** Queries over the tables. */
export function approvalsIn(store: Store<Tables>, setup: ApprovalSetup): Approvals {
  const { issuer, now, onEnded } = setup
  return {
    async ask(asked) {
      const stored = await askQuestion(store, asked, setup)
      if (stored.isNew && asked.by.flow === 'inbox')
        tell({ user: asked.question.user_sub, question: stored.id }, setup.onApproval)
      return stored
    },
    find: id => store.db.selectFrom('auth_server_approvals').selectAll().where('id', '=', id).executeTakeFirst(),
    async answer(given, also) {
      const decided = await answerQuestion(store, given, { issuer, now, also })
      if (decided?.status === 'stopped') onEnded()
      return decided
    },
    async endReused(id, also) {
      const ended = await store.write(async tx => {
        const row = await tx
          .updateTable('auth_server_approvals')
          .set({ ended: now() })
          .where('id', '=', id)
          .where('ended', 'is', null)
          .returningAll()
          .executeTakeFirst()
        if (row === undefined) return undefined
        await writeNotices(tx, [row], { by: 'urgent', issuer, now: now() })
        await also?.(tx, row)
        return row
      })
      if (ended !== undefined) onEnded()
      return ended
    },
    isUser: sub => isUser(store.db, sub),
    hasLivingGrant: holder => hasLivingGrant(store.db, holder, now()),
    isInboxOn: sub => isInboxOn(store.db, sub),
    grantConditions: (whose, what) => grantConditions(store.db, whose, { ...what, now: now() }),
    checkStopped: stopped => checkStopped(store.db, stopped),
  }
}

/** What tells the user is the operator's: that it fails must not refuse a question that is stored. */
function tell(notice: ApprovalNotice, onApproval: ApprovalSetup['onApproval']): void {
  if (onApproval === undefined) return
  void (async () => onApproval(notice))().catch(() => undefined)
}
