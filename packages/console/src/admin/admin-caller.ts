import type { Reporter } from '@countersign/audit/internal'
import type { AuthServerEvent } from '@countersign/auth-server'
import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { checkReplay, type Verified } from '@countersign/verify'
import { enrolAdminKey, useAdminKey } from '../operator/admin-keys.js'
import type { AdminCaller, AdminContext } from './admin-context.js'

/** A link has a secret of 43 characters. */
const longestLink = 100

/**
 * Identifies the admin who calls: by the signature of this very request, with a key that no script can read. There is no cookie, so none
 * can be stolen, and none that a browser sends along counts.
 * @throws AAuthError or HttpSigError
 */
export async function adminOf({ verified, key }: SignedCall, context: AdminContext): Promise<AdminCaller> {
  const name = await useAdminKey(context.store, key, context.now())
  if (name === undefined) throw refusal('signed_out', { status: 401 })
  // After the key: requests of strangers must not fill the replay set.
  await checkReplay({ replay: context.replay, verified, development: context.development })
  // Lockout: last, so that neither strangers nor copies of this admin's requests use up what the admin may ask for.
  context.limit.take(key)
  const report = reportBy(context.report, name)
  return { name, key, report, operator: context.operatorOf(report) }
}

/**
 * Signs a browser in by a link: from now on its key is that of the admin whom the link names. Wrong links are not counted: guessing
 * 256 bits is hopeless, and a count that strangers can fill would keep admins out.
 */
export async function enrol(link: string, { key }: SignedCall, context: AdminContext): Promise<{ name: string }> {
  const name = link.length > longestLink ? undefined : await enrolAdminKey(context, { secret: link, thumbprint: key })
  if (name === undefined) throw refusal('invitation_invalid')
  return { name }
}

/** A request whose signature and body have verified. */
export interface SignedCall {
  readonly verified: Verified
  /** The thumbprint of the key that signed. */
  readonly key: string
}

/**
 * Requires a signature with an inline key, that covers the body, for this origin. The body is read only then.
 * @throws AAuthError or HttpSigError
 */
export async function signedBy(message: ReceivedMessage, { verifier }: AdminContext): Promise<SignedCall> {
  const head = await verifier.verifyHead(message)
  const { caller } = head
  if (caller.level !== 'pseudonymous')
    throw refusal('credential_not_accepted', { about: 'sign with the key of the browser of the admin page' })
  return { verified: await verifier.verifyBody(head), key: caller.key.thumbprint }
}

const byOperator: ReadonlySet<string> = new Set([
  'blocked',
  'unblocked',
  'ended_by_operator',
  'invited',
  'admin_removed',
  'admin_read',
  'key_made',
  'key_revoked',
])

/** Names the admin in the events of what an operator does. */
function reportBy(report: Reporter<AuthServerEvent>, by: string): Reporter<AuthServerEvent> {
  const named = (event: AuthServerEvent): AuthServerEvent =>
    byOperator.has(event.type) ? ({ ...event, by } as AuthServerEvent) : event
  return {
    within: (tx, event) => report.within(tx, named(event)),
    alone: event => report.alone(named(event)),
    record: (tx, event) => report.record(tx, named(event)),
    tell: event => report.tell(named(event)),
    forget: report.forget,
  }
}

/**
 * Refuses requests that another page caused, or that came by another name.
 * @throws AAuthError 421 for another host, 403 for another origin
 */
export function checkFromHere(message: ReceivedMessage, { origin }: Pick<AdminContext, 'origin'>): void {
  const [host, ...moreHosts] = headerValues(message, 'host')
  // DNS rebinding: a page of another site whose name leads here still sends its own name.
  if (moreHosts.length > 0 || host !== new URL(origin).host) throw refusal('authority_not_served')
  // CSRF: browsers say which page a request comes from.
  for (const from of headerValues(message, 'origin')) if (from !== origin) throw notFromHere()
  const isApi = message.method === 'POST'
  const sites = isApi ? ['same-origin'] : ['same-origin', 'none', 'cross-site', 'same-site']
  for (const site of headerValues(message, 'sec-fetch-site')) if (!sites.includes(site)) throw notFromHere()
  if (isApi && headerValues(message, 'origin').length !== 1) throw notFromHere()
  // Clickjacking: the page stands in no frame.
  for (const dest of headerValues(message, 'sec-fetch-dest'))
    if (!['document', 'script', 'style', 'empty', 'image'].includes(dest)) throw notFromHere()
}

function notFromHere(): AAuthError {
  return refusal('page_not_from_here')
}
