import { needParameter } from '../shared/form.js'
import { badRequest, jsonAnswer, type PeerAnswer, refusing } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import { checkQuestion, mayUseInbox } from './approval.js'
import { type Call, readCall } from './caller.js'
import { codeAnswer, pollAnswer } from './code-answer.js'
import type { Context } from './context.js'
import { readUpstream } from './exchange.js'
import { endGrant, grantAnswer, newGrant, termsOf, tokenAnswer } from './grants.js'
import { userFor } from './link.js'
import { isNamedRedirect } from './redirect.js'
import { badGrant, badScope, denied, notAllowed } from './refusals.js'
import { requestedAccess } from './requested-access.js'
import { exchangeRule, isGrantedDirectly, mayBeAsked } from './settings.js'
import { type Asked, grantOf, type OpenRequest, yesKey } from './state.js'
import { hashOf, secret, typedCode } from './values.js'

/** Seconds for which a request waits. */
const waits = 600
/** Seconds between two polls. */
const interval = 5

type Answering = (context: Context, call: Call) => Promise<object> | object

const answers: Readonly<Record<string, Answering>> = {
  auth: authAnswer,
  code: codeAnswer,
  refresh: refreshAnswer,
  exchange: exchangeAnswer,
  device_auth: deviceAnswer,
  device_code: (context, call) => pollAnswer(context, call, { kind: 'device', name: 'device_code' }),
  poll: (context, call) => pollAnswer(context, call, { kind: 'inbox', name: 'request_token' }),
}

/** The values of `request_type`. */
export const requestTypes: readonly string[] = Object.keys(answers)

/** Answers a request to the token endpoint. @see protocol §6.2 */
export async function tokenEndpoint(context: Context, request: PeerRequest): Promise<PeerAnswer> {
  const call = await readCall(context, request)
  const type = call.form.get('request_type')
  const answer = type !== undefined && Object.hasOwn(answers, type) ? answers[type] : undefined
  if (answer === undefined) throw refusing(400, 'unsupported_request_type')('request_type_unknown', '`request_type`')
  return jsonAnswer(await answer(context, call))
}

/** Ends a grant whose refresh token its owner brings. */
export async function revocationEndpoint(context: Context, request: PeerRequest): Promise<PeerAnswer> {
  const { caller, form } = await readCall(context, request)
  const grant = grantOf(context.state, { token: needParameter(form, 'token'), caller, now: context.now() })
  if (grant !== undefined) endGrant(context, grant)
  return jsonAnswer({})
}

async function authAnswer(context: Context, call: Call): Promise<object> {
  const { caller, form } = call
  const answer = form.get('answer')
  if (answer !== undefined && answer !== 'inbox') throw badRequest('answer_unknown', '`answer` is unknown')
  const asked = await requestedAccess(context, call)
  if (answer === 'inbox' && !mayUseInbox(context, caller, asked))
    throw notAllowed('inbox_not_allowed', 'the inbox is not for this request')
  termsOf(context, caller, { asked, scope: asked.scope, upstream: undefined })
  if (asked.operation === undefined && isGrantedDirectly(context.settings, { ...caller, ...asked }))
    return grantAnswer(context, caller, newGrant(context, caller, { asked, sub: undefined, scope: asked.scope }))
  if (answer !== 'inbox') return waitingAnswer(context, call, asked)
  checkQuestion(context, caller, asked)
  const { token, ends } = open(context, call, { asked, kind: 'inbox' })
  return { request_token: token, interval, expires_in: ends - context.now() }
}

async function deviceAnswer(context: Context, call: Call): Promise<object> {
  const { caller } = call
  const asked = await requestedAccess(context, call)
  termsOf(context, caller, { asked, scope: asked.scope, upstream: undefined })
  if (asked.operation === undefined && isGrantedDirectly(context.settings, { ...caller, ...asked }))
    return grantAnswer(context, caller, newGrant(context, caller, { asked, sub: undefined, scope: asked.scope }))
  if (!context.settings.deviceFlow.includes(caller.agent))
    throw notAllowed('device_flow_not_allowed', 'this agent may not use the device flow')
  checkMayBeAsked(context, call, asked)
  const { token, userCode = '', ends } = open(context, call, { asked, kind: 'device' })
  return {
    device_code: token,
    user_code: `${userCode.slice(0, 4)}-${userCode.slice(4)}`,
    verification_uri: `${context.id}/device`,
    expires_in: ends - context.now(),
    interval,
  }
}

/** A token for what a middle was called with, or a request that waits for its user. @see protocol §7 */
async function exchangeAnswer(context: Context, call: Call): Promise<object> {
  const { caller, form } = call
  const upstreamToken = needParameter(form, 'upstream_token')
  needParameter(form, 'resource_token')
  const plain = await requestedAccess(context, call)
  const { upstream, scope: upstreamScope } = await readUpstream(context, call, { token: upstreamToken, asked: plain })
  const asked: Asked = { ...plain, upstream }
  const rule = exchangeRule(context.settings, { ...caller, ...asked, upstream: upstream.iss, upstreamScope })
  if (rule === undefined) throw denied('exchange_not_allowed', 'no rule allows this exchange')
  if (!asked.purposes.every(word => upstream.purposes.includes(word)))
    throw denied('exchange_purpose', 'the upstream token lacks a purpose')
  termsOf(context, caller, { asked, scope: asked.scope, upstream })
  const sub = userFor(context, asked)
  if (rule.decision === 'direct' && asked.operation === undefined)
    return grantAnswer(context, caller, newGrant(context, caller, { asked, sub, scope: asked.scope }))
  if (upstream.sub === undefined) throw denied('exchange_without_user', 'the upstream token has no user to ask')
  if (asked.sub !== undefined && asked.sub !== userFor(context, { ...asked, sub: undefined }))
    throw denied('approval_of_another', '`sub` of the resource token is another user')
  if (asked.operation !== undefined) return waitingAnswer(context, call, { ...asked, sub })
  const remembered = sub === undefined ? undefined : context.state.remembered.get(yesKey(sub, caller, asked))
  if (remembered !== undefined)
    return grantAnswer(context, caller, newGrant(context, caller, { asked, sub, scope: remembered.scope }))
  return waitingAnswer(context, call, asked)
}

function refreshAnswer(context: Context, { caller, form }: Call): object {
  const { state, now, settings } = context
  const token = needParameter(form, 'refresh_token')
  const grant = grantOf(state, { token, caller, now: now() })
  if (grant === undefined) throw badGrant()
  const scope = form.get('scope')?.split(' ') ?? grant.scope
  if (!scope.every(name => grant.scope.includes(name))) throw badScope('scope_wider', '`scope` is wider than the grant')
  if (grant.sub === undefined && !isGrantedDirectly(settings, { ...caller, resource: grant.asked.resource, scope }))
    throw denied('grant_not_allowed', 'policy does not grant it any more')
  const answer = tokenAnswer(context, caller, { grant, scope })
  state.refreshTokens.set(hashOf(token), { grant, usedAt: now() })
  return answer
}

/** A request that waits for a user at a link. */
async function waitingAnswer(context: Context, call: Call, asked: Asked): Promise<object> {
  const { caller, form } = call
  const redirectUri = needParameter(form, 'redirect_uri')
  const metadata = await context.documents.metadata('aauth-agent', caller.agent)
  if (!isNamedRedirect(metadata, redirectUri))
    throw badRequest('redirect_uri_unknown', '`redirect_uri` is not one of the agent')
  checkMayBeAsked(context, call, asked)
  const { token, ends } = open(context, call, { asked, kind: 'link', redirectUri })
  return { request_token: token, expires_in: ends - context.now() }
}

/** @throws Refusal where no user may be asked */
function checkMayBeAsked(context: Context, { caller }: Call, asked: Asked): void {
  if (asked.operation !== undefined) return void checkQuestion(context, caller, asked)
  if (asked.upstream === undefined && !mayBeAsked(context.settings, { ...caller, ...asked }))
    throw denied('access_not_allowed', 'no policy allows it, and no user may be asked')
}

/** Keeps a request until a user has decided. */
function open(
  { state, now }: Context,
  { caller, form }: Call,
  o: Pick<OpenRequest, 'asked' | 'kind'> & { readonly redirectUri?: string },
): OpenRequest {
  const { asked, kind, redirectUri = '' } = o
  const request: OpenRequest = {
    kind,
    token: secret(),
    caller,
    asked,
    redirectUri,
    state: form.get('state'),
    userCode: kind === 'device' ? typedCode() : undefined,
    ends: now() + waits,
  }
  state.requests.set(request.token, request)
  return request
}
