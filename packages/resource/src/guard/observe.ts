import type { ReceivedMessage } from '@countersign/httpsig'
import { requestIdOf } from '@countersign/verify/internal'
import type { Resource } from '../options.js'
import { type AAuth, withCalls } from './aauth.js'
import type { Authorization } from './authorization.js'
import type { DecisionEvent } from './event.js'
import { type Mode, markOf } from './mode.js'
import type { RequestNames } from './request-name.js'

/**
 * Lets a request through that is only observed, as one of an anonymous caller. It has no facts even if it would pass: handlers
 * could not tell its facts from those of a request that would be refused.
 * @param seen what was verified of a caller that would pass
 */
export function letThrough(
  { connection }: Pick<ReceivedMessage, 'connection'>,
  seen?: AAuth,
): Authorization & { readonly ok: true } {
  const nobody = { level: 'anonymous', scope: [], chain: [] } as const
  const aauth = withCalls(nobody, { fetch: forNobody, oauth: forNobody }, connection)
  return { ok: true, observed: true, aauth, respond: async () => undefined, ...(seen === undefined ? {} : { seen }) }
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
      return letThrough(message)
    },
  }
}

async function forNobody(): Promise<never> {
  throw new TypeError('aauth.fetch and aauth.oauth act for a caller that was verified, and this resource only observes')
}
