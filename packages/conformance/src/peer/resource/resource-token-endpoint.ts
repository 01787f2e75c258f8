import { needParameter, readForm } from '../shared/form.js'
import { wordsOf } from '../shared/identifier.js'
import { badRequest, jsonAnswer, type PeerAnswer, refusing } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import { judgeDelegation, resourceToken } from './challenge.js'
import { byRole } from './endpoint.js'
import { scopes } from './metadata.js'
import type { Site } from './site.js'

/** Gives resource tokens without a challenge before them. @see protocol §6.1 */
export async function giveResourceToken(request: PeerRequest, site: Site): Promise<PeerAnswer> {
  const { caller, body, remember } = await byRole(request, site, ({ kind }) => {
    if (kind !== 'jwks_uri' && kind !== 'agent+jwt')
      throw refusing(401, 'insufficient_level')(
        'credential_not_accepted',
        'the endpoint takes agents that say who they are',
      )
  })
  const form = readForm(body)
  if (form.has('auth_request_url')) throw badRequest('parameter_unsupported', '`auth_request_url` is not taken')
  const scope = needParameter(form, 'scope')
  const words = wordsOf(scope)
  const bad = refusing(400, 'invalid_scope')
  if (words === undefined) throw bad('scope_malformed', '`scope` is malformed')
  if (!words.every(word => word in scopes)) throw bad('scope_unknown', '`scope` has an unknown word')
  const authServer = form.get('auth_server') ?? site.authServers[0] ?? ''
  if (!site.authServers.includes(authServer)) throw badRequest('parameter_malformed', '`auth_server` is not listed')
  judgeDelegation(caller, site, words)
  remember()
  const token = resourceToken(caller, site, { scope, authServer })
  return jsonAnswer({ resource_token: token, auth_server: authServer, expires_in: 300 })
}
