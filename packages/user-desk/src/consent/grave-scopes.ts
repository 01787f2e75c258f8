import { resourceScopes } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { isFresh } from '../account/fresh.js'
import { type VerifyContext, verifyUser, verifyWays } from '../account/verify.js'
import { valueInTime } from '../pages/in-time.js'
import { pageResponse } from '../pages/page-response.js'
import { wordsNow } from '../pages/shown-words.js'
import { verifyPage } from '../pages/verify-page.js'
import type { ConsentContext, OpenRequest } from './open-request.js'

/** A form that says yes. */
export interface GraveYes {
  readonly form: ReadonlyMap<string, string>
  readonly open: OpenRequest
  /** What it allows that is grave, or may be. */
  readonly grave: readonly string[]
  /** Where the form leads. */
  readonly action: string
  /** The page that shows the question again. */
  readonly returnTo: string
  readonly leadsTo: string | undefined
}

/**
 * Before a consent to grave scopes the user is verified: another person at an unlocked screen can click. The same form then comes with the
 * user's passkey.
 * @returns the page that asks for it; undefined once the user was verified at most a minute ago
 * @throws AAuthError `invalid_request` (`passkey_invalid`)
 * @see protocol §6.3, clause consent.grave.fresh
 */
export async function verifyBefore(
  message: ReceivedMessage,
  yes: GraveYes,
  context: VerifyContext & Pick<ConsentContext, 'looks'>,
): Promise<Response | undefined> {
  const { form, grave, action, returnTo, leadsTo } = yes
  const { session, user } = yes.open
  if (grave.length === 0 || isFresh(user, context.now())) return undefined
  const credential = form.get('credential')
  if (credential !== undefined) {
    await verifyUser(message, { credential, session, user }, context)
    return undefined
  }
  const ways = await verifyWays(session, { user, returnTo }, context)
  const fields = Object.fromEntries([...form].filter(([name]) => name !== 'csrf'))
  const look = context.looks.of(message)
  const html = verifyPage({ csrf: session.csrf, user, action, fields, returnTo, ways }, look)
  return pageResponse(html, { look, leadsTo, script: 'passkey' })
}

/**
 * Those of remembered scopes that the user is asked about once more: what the resource calls grave by now, and what it says other words of
 * than the user agreed to. Where its metadata are not at hand, any may be.
 * @see protocol §6.3, clauses consent.grave and consent.words.changed
 */
export async function askedAnewAmong(
  {
    resource,
    scope,
    agreed,
  }: {
    readonly resource: string
    readonly scope: readonly string[]
    /** The words of that time, by scope. */
    readonly agreed: Readonly<Record<string, string>>
  },
  { discovery }: Pick<ConsentContext, 'discovery'>,
): Promise<readonly string[]> {
  const own = resourceScopes([...scope])
  if (own.length === 0) return []
  const metadata = await valueInTime(discovery.limited().resource(resource))
  if (metadata === undefined) return own
  const isGrave = (name: string): boolean => metadata.grave_scopes?.includes(name) === true
  return own.filter(name => isGrave(name) || agreed[name] !== wordsNow(name, metadata))
}
