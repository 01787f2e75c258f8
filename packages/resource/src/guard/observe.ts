import { type ReceivedMessage, readBody } from '@countersign/httpsig'
import { errorResponse } from '@countersign/protocol'
import { asAAuthError } from '@countersign/protocol/internal'
import { requestIdOf } from '@countersign/verify/internal'
import type { Resource } from '../options.js'
import { type AAuth, withCalls } from './aauth.js'
import type { Authorization } from './authorization.js'
import type { DecisionEvent } from './event.js'
import { type Mode, markOf } from './mode.js'
import type { RequestNames } from './request-name.js'
import type { Route } from './requirement.js'

/**
 * Lets a request through that is only observed, as one of an anonymous caller. It has no facts even if it would pass: handlers
 * could not tell its facts from those of a request that would be refused.
 * @param seen what was verified of a caller that would pass
 */
export async function letThrough(
  { message, route }: { readonly message: ReceivedMessage; readonly route: Pick<Route, 'body'> },
  seen?: AAuth,
): Promise<Authorization> {
  try {
    const whole = route.body === 'stream' ? message : await readBody(message)
    return observedAs(whole, seen)
  } catch (error) {
    return { ok: false, response: errorResponse(asAAuthError(error)) }
  }
}

function observedAs(message: ReceivedMessage, seen?: AAuth): Authorization & { readonly ok: true } {
  const nobody = { level: 'anonymous', scope: [], chain: [] } as const
  const aauth = withCalls(nobody, { fetch: forNobody, oauth: forNobody }, message.connection)
  const respond = async (): Promise<undefined> => undefined
  return { ok: true, message, observed: true, aauth, respond, ...(seen === undefined ? {} : { seen }) }
}

/** Reports requests that adapters refuse by themselves, before any route decides. */
export function ownRefusals(
  mode: Mode,
  tell: (event: DecisionEvent) => void,
  names: RequestNames,
): Pick<Resource, 'refused' | 'observed'> {
  const refused =
    (mark: { readonly observed?: boolean }): Resource['refused'] =>
    (request, error) =>
      tell({ type: 'refused', error, ask: 'nothing', ...requestIdOf(names.of(request)), ...mark })
  if (mode === 'enforce') return { refused: refused({}) }
  const observed = refused(markOf(mode))
  return {
    refused: refused({ observed: false }),
    observed(message, error) {
      observed(message, error)
      return observedAs(message)
    },
  }
}

async function forNobody(): Promise<never> {
  throw new TypeError('aauth.fetch and aauth.oauth act for a caller that was verified, and this resource only observes')
}
