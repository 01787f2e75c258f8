import type { Reporter } from '@countersign/audit/internal'
import { checkOptions } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { AuthServerEvent } from '../event/event.js'
import type { Tables } from '../tables/tables.js'
import type { UpstreamAccount } from '../users/user-claims.js'
import { takenBackEvent, type UserAccess } from './access.js'

/** What one agent, or one delegate of it, may do for a user at one resource. Times are Unix seconds. */
export interface AgentAccess {
  readonly agent: string
  /** Absent: the agent itself. */
  readonly delegate?: string
  readonly resource: string
  /** Identity scopes included. */
  readonly scope: readonly string[]
  readonly since: number
  readonly lastUsed: number
  /** When it ends unless it is used. */
  readonly until: number
}

/** Agents with access, 20 a page. */
export interface AgentAccessPage {
  readonly access: readonly AgentAccess[]
  /** From 1. */
  readonly page: number
  readonly pages: number
}

/** What is taken back: all that every given member fits. */
export interface TakeBack {
  readonly agent: string
  /** Empty: the agent itself. Default: the agent and all its delegates. */
  readonly delegate?: string
  readonly resource?: string
  readonly scope?: string
}

/** An account at a login provider, as `account` of `hostSession` or an OpenID provider names it. */
export type AccountName = Pick<UpstreamAccount, 'issuer' | 'subject'>

/** The access that a user gave to agents, for an application that lists it beside its own connected apps. */
export interface AppAccess {
  /**
   * Which agents may act for the user of this account; none for an account that has not signed in here.
   * @param page from 1; default 1
   */
  list(account: AccountName, page?: number): Promise<AgentAccessPage>
  /**
   * Takes access back, as the user would on the account page; resources are told.
   * @returns how many grants ended or lost a scope, once that is on disk
   * @throws TypeError without an agent, or for an unknown member
   * @see protocol §6.6
   */
  takeBack(account: AccountName, what: TakeBack): Promise<number>
}

/** For the application that an auth server is mounted in. */
export function appAccess(store: Store<Tables>, access: UserAccess, report: Reporter<AuthServerEvent>): AppAccess {
  const subOf = async ({ issuer, subject }: AccountName): Promise<string | undefined> => {
    const row = await store.db
      .selectFrom('auth_server_identities')
      .select('sub')
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirst()
    return row?.sub
  }
  return {
    async list(account, page = 1) {
      const sub = await subOf(account)
      if (sub === undefined) return { access: [], page: 1, pages: 1 }
      const { access: all, ...shown } = await access.list(sub, page)
      return {
        page: shown.page,
        pages: shown.pages,
        access: all.map(({ agent, delegate, resource, scope, since, lastUsed, until }) => ({
          agent,
          ...(delegate === undefined ? {} : { delegate }),
          resource,
          scope,
          since,
          lastUsed,
          until,
        })),
      }
    },
    async takeBack(account, what) {
      const texts = { agent: 'string', delegate: 'string', resource: 'string', scope: 'string' } as const
      // A misspelt member would take back more than was meant.
      checkOptions('takeBack', what, texts, ['agent'])
      const sub = await subOf(account)
      if (sub === undefined) return 0
      return access.takeBack(sub, what, (tx, count) => report.within(tx, takenBackEvent(sub, what, count)))
    },
  }
}
