import { needParameter, readForm } from '../shared/form.js'
import type { JsonObject } from '../shared/json.js'
import { badRequest, type PeerAnswer, Refusal } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import { authToken } from '../shared/token.js'
import { byRole } from './endpoint.js'
import type { Site } from './site.js'

/** Refuses the tokens of a grant that has ended, and those from before a start that forgot which have. */
export function checkGrant({ iss, grant, iat }: JsonObject, site: Site): void {
  if (grant === undefined) return
  if (site.revocations.has(String(iss), String(grant))) throw authToken.refuse('grant_ended', 'the grant has ended')
  if (Number(iat) < site.start) throw authToken.refuse('token_predates_start', 'the token is from before the start')
}

/** What was exchanged for a grant ends with it. */
function dropExchanged(ended: string, { exchanged }: Site): void {
  for (const [name, { grant }] of exchanged) if (grant === ended) exchanged.delete(name)
}

/** Takes a notice that a grant has ended. */
export async function takeNotice(request: PeerRequest, site: Site): Promise<PeerAnswer> {
  const { caller, body, remember } = await byRole(request, site, credential => {
    const isAuthServer = credential.kind === 'jwks_uri' && site.authServers.includes(credential.id)
    if (!isAuthServer)
      throw new Refusal(403, 'unauthorized_client', {
        reason: 'caller_not_allowed',
        text: 'only an auth server may say so',
      })
  })
  const form = readForm(body)
  const [grant, exp] = [needParameter(form, 'grant'), needParameter(form, 'exp')]
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(grant)) throw badRequest('parameter_malformed', '`grant` is malformed')
  if (!/^\d{1,15}$/.test(exp)) throw badRequest('parameter_malformed', '`exp` is no whole number')
  if (Number(exp) > site.now() + 3660) throw badRequest('parameter_malformed', '`exp` is too far ahead')
  remember()
  site.revocations.add(String(caller.agent), grant, Number(exp))
  dropExchanged(`${caller.agent} ${grant}`, site)
  return { status: 204, headers: { 'cache-control': 'no-store' } }
}
