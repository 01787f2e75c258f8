import { headerValues, type ReceivedMessage, type ReplaySet } from '@countersign/httpsig'
import {
  AAuthError,
  asAAuthError,
  checkContentCoding,
  errorResponse,
  identityScopes,
  parseForm,
  parseScope,
} from '@countersign/protocol'
import {
  type Caller,
  type ClientOf,
  checkReplay,
  refuseSeen,
  requestIdOf,
  type Verified,
  type Verifier,
} from '@countersign/verify'
import { aauthOf } from '../guard/aauth.js'
import { signatureComponents } from '../guard/components.js'
import { type Deny, isDenied } from '../guard/deny.js'
import type { Observer } from '../guard/event.js'
import { type Failures, isReplay } from '../guard/failures.js'
import { enterFailures, tokenCredentials } from '../guard/head.js'
import type { HeadCounts } from '../guard/head-counts.js'
import { type ResourceTokens, resourceTokenLife } from '../guard/resource-token.js'
import type { SiteOf } from '../limit/limits.js'

/** What the resource token endpoint works with. */
export interface ResourceTokenEndpointOptions {
  readonly verifier: Verifier
  readonly replay: ReplaySet
  readonly siteOf?: SiteOf | undefined
  readonly development: boolean
  readonly failures: Failures
  readonly heads: HeadCounts
  readonly clientOf: ClientOf
  readonly tokens: ResourceTokens
  readonly authServers: readonly string[]
  readonly scopes: readonly string[]
  readonly now: () => number
  readonly tell: Observer
  readonly deny?: Deny
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
  options: ResourceTokenEndpointOptions,
): Promise<Response> {
  let caller: Caller | undefined
  const named = requestIdOf(message)
  try {
    if (message.method !== 'POST')
      throw new AAuthError('invalid_request', 'resource tokens are asked for with POST', { status: 405 })
    const peer = options.clientOf(message)
    const verifies = enterFailures(message, peer, options)
    const verified = await options.verifier.verify(message, { accept: tokenCredentials, peer })
    verifies()
    caller = verified.caller
    return Response.json(await resourceTokenFor(message, verified, options), {
      headers: { 'cache-control': 'no-store' },
    })
  } catch (thrown) {
    const error = asAAuthError(thrown)
    options.tell({ type: 'refused', error, ...(caller === undefined ? {} : { aauth: aauthOf(caller) }), ...named })
    const challenged = error.status === 401 && error.code !== 'replay_detected'
    return errorResponse(error, {
      ...(challenged
        ? { agentAuth: { identity: true, ...(error.algs === undefined ? {} : { algs: error.algs }) } }
        : {}),
      ...(error.status === 405 ? { headers: [['allow', 'POST']] } : {}),
      now: options.now,
    })
  }
}

async function resourceTokenFor(
  message: ReceivedMessage,
  verified: Verified,
  options: ResourceTokenEndpointOptions,
): Promise<{ resource_token: string; auth_server: string; expires_in: number }> {
  const caller = identified(verified.caller, message)
  if (options.deny !== undefined && (await isDenied([options.deny], aauthOf(caller))))
    throw new AAuthError('policy_denied', 'this caller is not admitted here')
  if (message.target.includes('?'))
    throw new AAuthError('invalid_request', 'parameters stand in the body, not in the URL')
  const ask = askOf(message, options)
  await allotOnce(message, verified, caller, options)
  const resource_token = await options.tokens.issue(caller, { ...ask, ...requestIdOf(message) })
  return { resource_token, auth_server: ask.authServer, expires_in: resourceTokenLife }
}

/** The limit before the replay set: what was refused for the one may come again, and must not fill the other. */
async function allotOnce(
  message: ReceivedMessage,
  verified: Verified,
  caller: Caller & { level: 'identified' },
  options: ResourceTokenEndpointOptions,
): Promise<void> {
  const { replay, siteOf, development, tokens } = options
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
    if (isReplay(error)) options.failures.note(options.clientOf(message))
    throw error
  }
}

function identified(caller: Caller, message: ReceivedMessage): Caller & { level: 'identified' } {
  if (caller.level === 'identified') return caller
  // The name in a form is a claim: only a verified caller is given a token, and only for itself (RST-18, RST-19).
  if (caller.level === 'anonymous') {
    const required_components = signatureComponents(message, [])
    throw new AAuthError('invalid_signature', 'the request must be signed', { required_components })
  }
  throw new AAuthError('insufficient_level', 'resource tokens are given to identified agents')
}

function askOf(message: ReceivedMessage, options: ResourceTokenEndpointOptions): Ask {
  checkContentCoding(message)
  const form = parseForm(message.body, headerValues(message, 'content-type')[0])
  if (form.has('auth_request_url')) throw new AAuthError('invalid_request', 'auth_request_url is not supported here')
  const text = form.get('scope')
  if (text === undefined) throw new AAuthError('invalid_request', 'scope is missing')
  const scope = parseScope(text)
  if (!scope.every(name => options.scopes.includes(name) || identityScopes.includes(name)))
    throw new AAuthError('invalid_scope', 'scope names a scope this resource does not have')
  const authServer = form.get('auth_server') ?? options.authServers[0]
  if (authServer === undefined || !options.authServers.includes(authServer))
    throw new AAuthError('invalid_request', 'auth_server is not one of this resource')
  return { scope, authServer }
}
