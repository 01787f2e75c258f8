import type { LoginTables } from '@countersign/auth-server/internal'
import { sessionIdle, sessionLife } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { seeOther } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { AccountContext } from './account-context.js'
import { waysPath } from './paths.js'
import { userForm } from './signed-in.js'

/** A browser in which a user is signed in. Times are Unix seconds. */
export interface UserSession {
  /** The browser's id, which is no secret. */
  readonly id: string
  /** The browser and system; empty where they are not known. */
  readonly name: string
  /** The id of the login method. */
  readonly provider: string
  readonly created: number
  readonly lastUsed: number
  /** It is the browser that asks. */
  readonly isThis: boolean
}

/** The live sessions of a user, used last first. */
export async function sessionsOf(
  db: Store<LoginTables>['db'],
  { sub, current, now }: { readonly sub: string; readonly current: string; readonly now: number },
): Promise<UserSession[]> {
  const rows = await db
    .selectFrom('auth_server_sessions')
    .select(['browser', 'name', 'provider', 'created', 'last_used'])
    .where('sub', '=', sub)
    .where('last_used', '>', now - sessionIdle)
    .where('created', '>', now - sessionLife)
    .orderBy('last_used', 'desc')
    .execute()
  return rows.map(({ browser, name, provider, created, last_used }) => ({
    id: browser,
    name,
    provider,
    created,
    lastUsed: last_used,
    isThis: browser === current,
  }))
}

/** Signs the user out of another browser, or of all others. */
export async function endSessions(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { form, session, user } = await userForm(message, context)
  const one = form.get('session')
  await context.store.write(tx => {
    const mine = tx.deleteFrom('auth_server_sessions').where('sub', '=', user.sub)
    return (one === undefined ? mine.where('browser', '!=', session.id) : mine.where('browser', '=', one)).execute()
  })
  return seeOther(waysPath, [])
}
