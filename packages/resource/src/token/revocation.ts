import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { asAAuthError, checkContentCoding, isGrantName, parseForm, refusal } from '@countersign/protocol/internal'
import { type Caller, checkReplay, refuseSeen, type Verified } from '@countersign/verify'
import { requestIdOf } from '@countersign/verify/internal'
import { aauthOf } from '../guard/aauth.js'
import { signatureComponents } from '../guard/components.js'
import { isReplay } from '../guard/failures.js'
import type { Guard } from '../guard/guarded-request.js'
import { verifyBody, verifyHead } from '../guard/verify-request.js'
import { available } from '../limit/available.js'
import type { Revocation, RevocationSet } from '../revocation/revocation-set.js'
import { ownCredentials } from './own-credentials.js'
import { ownRefusal } from './own-refusal.js'

/** Seconds that the last token of a grant may still live: an hour, and the tolerance of clocks. */
const longestLife = 3660 // REV-06

/**
 * Answers `POST revocation_endpoint`: an auth server says that a grant has ended. It signs with its published key as an agent.
 * @see protocol §6.6
 */
export async function answerRevocation(
  message: ReceivedMessage,
  guard: Guard,
  revocations: RevocationSet,
): Promise<Response> {
  let caller: Caller | undefined
  try {
    if (message.method !== 'POST') throw refusal('method_not_allowed')
    const per = { accept: ownCredentials, agents: guard.refusal.authServers, peer: guard.clientOf(message) }
    // Only auth servers of this resource are looked up: nothing is fetched for others (REV-04).
    const head = await verifyHead(message, guard, per).catch(throwUnlisted)
    caller = head.caller
    const issuer = issuerOf(caller, message)
    const revocation = { issuer, ...(await noticeOf(await verifyBody(head, guard, per), guard)) }
    if (revocation.exp > guard.refusal.now()) await keep(revocation, revocations)
    guard.tell({ type: 'revoked', issuer: revocation.issuer, grant: revocation.grant, ...requestIdOf(message) })
    return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
  } catch (thrown) {
    const error = asAAuthError(thrown)
    const aauth = caller === undefined ? {} : { aauth: aauthOf(caller) }
    guard.tell({ type: 'refused', error, ...aauth, ...requestIdOf(message) })
    return ownRefusal(error, guard.refusal.now)
  }
}

function throwUnlisted(thrown: unknown): never {
  const error = asAAuthError(thrown)
  throw error.code === 'policy_denied' ? notAnAuthServer() : error
}

function notAnAuthServer(): AAuthError {
  return refusal('caller_not_allowed', { about: 'only an auth server of this resource may revoke grants' })
}

async function noticeOf(verified: Verified, guard: Guard): Promise<Pick<Revocation, 'grant' | 'exp'>> {
  const { message } = verified
  if (message.target.includes('?')) throw refusal('parameters_in_url')
  const notice = parseNotice(message, guard.refusal.now())
  await passOnce(verified, guard)
  return notice
}

/** A delegate of the auth server's origin is not the auth server: only its published key speaks for it (REV-04). */
function issuerOf(caller: Caller, message: ReceivedMessage): string {
  if (caller.level === 'identified' && caller.token === undefined) return caller.agent
  if (caller.level === 'identified') throw notAnAuthServer()
  throw refusal('signature_missing', { required_components: signatureComponents(message, []) })
}

function parseNotice(message: ReceivedMessage, now: number): Pick<Revocation, 'grant' | 'exp'> {
  checkContentCoding(message) // DIG-11
  const form = parseForm(message.body, headerValues(message, 'content-type')[0])
  const grant = form.get('grant')
  const exp = form.get('exp')
  if (grant === undefined || exp === undefined) throw refusal('parameter_missing', { about: 'grant or exp' })
  if (!isGrantName(grant)) throw refusal('parameter_malformed', { about: 'grant must be 1 to 64 of A-Z a-z 0-9 - _' })
  if (!/^\d{1,12}$/.test(exp) || Number(exp) > now + longestLife)
    throw refusal('parameter_malformed', { about: 'exp must be Unix seconds, at most an hour and 60 seconds ahead' })
  return { grant, exp: Number(exp) }
}

async function passOnce(verified: Verified, guard: Guard): Promise<void> {
  const { replay, siteOf, development } = guard
  const check = { replay, verified, partition: 'token', siteOf, development } as const
  try {
    await refuseSeen(check)
    await checkReplay(check) // REV-08
  } catch (error) {
    if (isReplay(error)) guard.failures.note(guard.clientOf(verified.message))
    throw error
  }
}

/** 204 must mean that every instance refuses the grant: what cannot be kept is told again by the auth server. */
async function keep(revocation: Revocation, revocations: RevocationSet): Promise<void> {
  if ((await available(revocations.add(revocation), 'handling')) === 'kept') return
  throw refusal('capacity_exceeded', { about: 'revoked grants of this auth server', retryAfter: 60 })
}
