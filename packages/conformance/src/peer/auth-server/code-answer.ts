import { needParameter } from '../shared/form.js'
import { refusing } from '../shared/refusal.js'
import type { Call } from './caller.js'
import type { Context } from './context.js'
import { endGrant, grantAnswer, newGrant } from './grants.js'
import { badGrant, denied } from './refusals.js'
import type { Caller, OpenRequest } from './state.js'

/** Seconds that a code lives, and for which its answer may be asked for again. */
const lives = 60
/** Seconds that must be between two polls. */
const interval = 5

/** Redeems a code. @see protocol §6.2 */
export function codeAnswer(context: Context, { caller, form }: Call): object {
  const request = context.state.requests.get(form.get('request_token') ?? '')
  if (request === undefined) throw badGrant()
  if (request.kind !== 'link') throw badGrant()
  if (request.code === undefined || request.code.text !== form.get('code')) throw badGrant()
  if (request.redirectUri !== form.get('redirect_uri')) throw badGrant()
  if (!isCallers(request, caller)) throw badGrant()
  if (request.given !== undefined) return givenAgain(context, caller, request)
  if (request.code.at <= context.now() - lives) throw badGrant()
  return give(context, caller, request)
}

/** Answers a device or a question of the inbox that is polled for. */
export function pollAnswer(
  context: Context,
  { caller, form }: Call,
  o: { readonly kind: 'device' | 'inbox'; readonly name: string },
): object {
  const request = context.state.requests.get(needParameter(form, o.name))
  if (request === undefined) throw badGrant()
  if (request.kind !== o.kind) throw badGrant()
  if (!isCallers(request, caller)) throw badGrant()
  if (request.given !== undefined) return givenAgain(context, caller, request)
  const { polledAt, decision } = request
  request.polledAt = context.now()
  if (decision === undefined && request.ends <= context.now()) throw pollError('expired_token')
  if (decision === undefined && polledAt !== undefined && polledAt > context.now() - interval)
    throw pollError('slow_down')
  if (decision === undefined) throw pollError('authorization_pending')
  if (decision.says !== 'allow') throw denied('user_refused', 'the user has not allowed it')
  return give(context, caller, request)
}

const pollError = (error: string) => refusing(400, error)(error, 'the user has not answered yet, or too late')

function isCallers({ caller: { agent, delegate, jkt }, asked }: OpenRequest, caller: Caller): boolean {
  if (agent !== caller.agent) return false
  if (delegate !== caller.delegate) return false
  return asked.operation === undefined || jkt === caller.jkt
}

/** The one answer. */
function give(context: Context, caller: Caller, request: OpenRequest): object {
  const { decision, asked } = request
  if (decision?.says !== 'allow') throw badGrant()
  const isDirect = asked.operation !== undefined && asked.sub === undefined
  const sub = isDirect ? undefined : decision.sub
  const grant = newGrant(context, caller, { asked, sub, scope: decision.scope })
  const answer = grantAnswer(context, caller, grant)
  request.given = { at: context.now(), jkt: caller.jkt, grant, answer }
  return answer
}

/** The same answer again for a minute; later that is a reuse, and what the code gave ends. */
function givenAgain(context: Context, caller: Caller, { given }: OpenRequest): object {
  if (given === undefined || given.grant.isEnded) throw badGrant()
  if (given.jkt !== caller.jkt) throw badGrant()
  if (given.at > context.now() - lives) return given.answer
  endGrant(context, given.grant)
  throw badGrant()
}
