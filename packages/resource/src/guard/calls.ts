import { type Calls, withCalls } from './aauth.js'
import type { Authorization } from './authorization.js'
import { type Downstream, Setback } from './called.js'
import type { Refusal } from './decision.js'
import type { ResourceEvent } from './event.js'
import type { GuardedRequest } from './guarded-request.js'
import { takeRetryOff } from './handed-on.js'
import { answerRefusal } from './refusal.js'

type Passed = Authorization & { readonly ok: true }

/** The facts of a request with the calls that its handler can make for it, and the answer to what a call throws. */
export function callsOf(
  request: GuardedRequest,
  about: Pick<ResourceEvent, 'request_id' | 'route' | 'observed'>,
): Passed {
  const { aauth, bearer, bot, guard, message } = request
  if (guard.downstream === undefined || bearer !== undefined || bot !== undefined)
    return { ok: true, message, aauth: withCalls(aauth, noCalls, message.connection), respond: noAnswer }
  const { downstream } = guard
  const { calls, refusalOf } = watchedCalls(request, downstream)
  return {
    ok: true,
    message,
    aauth: withCalls(aauth, calls, message.connection),
    questions: {
      of: async thrown => refusalOf(thrown)?.question?.(),
      answer: (code, seconds) => downstream.answer(request, code, seconds),
    },
    async respond(thrown) {
      const refusal = refusalOf(thrown)
      if (refusal === undefined) return undefined
      const { caller, opened } = request.verified
      const context = { ...guard.refusal, base: opened?.base, ...about }
      const { error, response } = await answerRefusal(refusal, caller, context)
      takeRetryOff(response)
      guard.tell({ type: 'refused', error, ask: refusal.ask, aauth, ...about })
      return response
    },
  }
}

/** The calls of a handler; the refusal behind an error that one of them threw is remembered. */
function watchedCalls(
  { verified, route }: GuardedRequest,
  downstream: Downstream,
): { readonly calls: Calls; refusalOf(thrown: unknown): Refusal | undefined } {
  const called = { verified, route }
  const refusals = new WeakMap<object, Refusal>()
  const watch = async (response: Promise<Response>): Promise<Response> => {
    try {
      return await response
    } catch (thrown) {
      if (!(thrown instanceof Setback)) throw thrown
      const { error } = thrown.refusal
      refusals.set(error, thrown.refusal)
      throw error
    }
  }
  return {
    calls: {
      fetch: (input, init) => watch(downstream.fetch(called, input, init)),
      oauth: (api, input, init) => watch(downstream.oauth(called, api, input, init)),
    },
    refusalOf: thrown => (typeof thrown === 'object' && thrown !== null ? refusals.get(thrown) : undefined),
  }
}

async function refuseCall(): Promise<never> {
  throw new TypeError('aauth.fetch and aauth.oauth need the option downstream of createResource, and no bearer token')
}

const noCalls: Calls = { fetch: refuseCall, oauth: refuseCall }

const noAnswer = async (): Promise<undefined> => undefined
