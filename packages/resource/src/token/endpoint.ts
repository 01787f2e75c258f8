import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { identityScopes, parseScope } from '@countersign/protocol'
import { asAAuthError, checkContentCoding, parseForm, refusal } from '@countersign/protocol/internal'
import { type Caller, checkReplay, refuseSeen, type Verified } from '@countersign/verify'
import { requestIdOf } from '@countersign/verify/internal'
import { aauthOf } from '../guard/aauth.js'
import { signatureComponents } from '../guard/components.js'
import { refuseAsking } from '../guard/conditions.js'
import { blocked } from '../guard/decision.js'
import { type Deny, isDenied } from '../guard/deny.js'
import { isReplay } from '../guard/failures.js'
import type { Guard } from '../guard/guarded-request.js'
import { resourceTokenLife } from '../guard/resource-token.js'
import { verifyBody, verifyHead } from '../guard/verify-request.js'
import { ownCredentials } from './own-credentials.js'
import { ownRefusal } from './own-refusal.js'

/** What the resource token endpoint issues, and to whom not. */
export interface TokenRules {
  readonly scopes: readonly string[]
  readonly deny: Deny | undefined
}

interface Ask {
  readonly scope: readonly string[]
  readonly authServer: string
}

/**
 * Answers `POST resource_token_endpoint`: an agent that knows which scope it will need asks before its first call.
 * @see protocol §6.1
 */
export async function answerResourceTokenRequest(
  message: ReceivedMessage,
  guard: Guard,
  rules: TokenRules,
): Promise<Response> {
  let caller: Caller | undefined
  try {
    if (message.method !== 'POST') throw refusal('method_not_allowed')
    const per = { accept: ownCredentials, peer: guard.clientOf(message) }
    const head = await verifyHead(message, guard, per)
    caller = head.caller
    const agent = identifiedCaller(caller, message)
    const verified = await verifyBody(head, guard, per)
    return Response.json(await issueToken({ agent, verified, guard }, rules), {
      headers: { 'cache-control': 'no-store' },
    })
  } catch (thrown) {
    const error = asAAuthError(thrown)
    const aauth = caller === undefined ? {} : { aauth: aauthOf(caller) }
    guard.tell({ type: 'refused', error, ...aauth, ...requestIdOf(message) })
    return ownRefusal(error, guard.refusal.now)
  }
}

/** A request whose signature has verified. */
interface VerifiedRequest {
  readonly agent: Caller & { level: 'identified' }
  readonly verified: Verified
  readonly guard: Guard
}

async function issueToken(
  request: VerifiedRequest,
  { scopes, deny }: TokenRules,
): Promise<{ resource_token: string; auth_server: string; expires_in: number }> {
  const { agent: caller, verified, guard } = request
  const { message } = verified
  const { authServers, tokens } = guard.refusal
  if (deny !== undefined && (await isDenied([deny], aauthOf(caller)))) throw blocked().error
  if (message.target.includes('?')) throw refusal('parameters_in_url')
  const ask = parseAsk(message, { scopes, authServers })
  const denied = refuseAsking(caller, { id: guard.id, now: guard.now, scope: ask.scope })
  if (denied !== undefined) throw denied.error
  await allotOnce(request)
  const resource_token = await tokens.issue(caller, { ...ask, ...requestIdOf(message) })
  return { resource_token, auth_server: ask.authServer, expires_in: resourceTokenLife }
}

/** The limit before the replay set: a request that is over the limit may come again, and must not fill the set. */
async function allotOnce({ agent: caller, verified, guard }: VerifiedRequest): Promise<void> {
  const { replay, siteOf, development } = guard
  const { tokens } = guard.refusal
  const check = { replay, verified, partition: 'token', siteOf, development } as const
  try {
    // Before the count: replays under way must not fill the limit of the agent that they were captured from.
    await refuseSeen(check)
    await tokens.allot(caller)
    try {
      await checkReplay(check)
    } catch (error) {
      await tokens.giveBack(caller)
      throw error
    }
  } catch (error) {
    if (isReplay(error)) guard.failures.note(guard.clientOf(verified.message))
    throw error
  }
}

function identifiedCaller(caller: Caller, message: ReceivedMessage): Caller & { level: 'identified' } {
  if (caller.level === 'identified') return caller
  // The name in a form is a claim: only a verified caller is given a token, and only for itself (RST-18, RST-19).
  if (caller.level === 'anonymous') {
    const required_components = signatureComponents(message, [])
    throw refusal('signature_missing', { required_components })
  }
  throw refusal('credential_not_accepted', { about: 'sign as an identified agent' })
}

function parseAsk(
  message: ReceivedMessage,
  { scopes, authServers }: { readonly scopes: readonly string[]; readonly authServers: readonly string[] },
): Ask {
  checkContentCoding(message)
  const form = parseForm(message.body, headerValues(message, 'content-type')[0])
  if (form.has('auth_request_url')) throw refusal('parameter_unsupported', { about: 'auth_request_url' })
  const text = form.get('scope')
  if (text === undefined) throw refusal('parameter_missing', { about: 'scope' })
  const scope = parseScope(text)
  if (!scope.every(name => scopes.includes(name) || identityScopes.includes(name))) throw refusal('scope_unknown')
  const authServer = form.get('auth_server') ?? authServers[0]
  if (authServer === undefined || !authServers.includes(authServer))
    throw refusal('parameter_unsupported', { about: 'auth_server is none of this resource' })
  return { scope, authServer }
}
