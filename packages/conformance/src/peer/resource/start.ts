import { Refusal } from '../shared/refusal.js'
import type { Signature } from '../shared/signature.js'
import type { Site } from './site.js'

/** Refuses what may have been seen before a start that forgot it. @see protocol §3.7 */
export function checkStart({ parameters }: Signature, site: Site): void {
  const created = Number(parameters.get('created')?.value)
  const isEarly = site.now() < site.start + 60 && created > site.now() + 5
  if (created < site.start || isEarly) throw notProcessed()
}

/** Nothing was done, and the request may be signed anew and sent again. */
function notProcessed(): Refusal {
  const headers = { 'agent-auth': 'httpsig', 'retry-after': '1' }
  return new Refusal(503, 'temporarily_unavailable', {
    reason: 'starting',
    text: 'the server has just started',
    headers,
  })
}
