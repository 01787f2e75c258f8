import { wordsOf } from '../shared/identifier.js'
import { badRequest } from '../shared/refusal.js'
import { checkToken, readJws, resourceToken } from '../shared/token.js'
import { readOperation } from './approval.js'
import type { Call } from './caller.js'
import { readPurposes } from './conditions.js'
import type { Context } from './context.js'
import { asOf } from './documents-of.js'
import { badResourceToken, badScope } from './refusals.js'
import { isIdentityScope } from './settings.js'
import type { Asked } from './state.js'

/** What a request for access asks for. @see protocol §6.2 @throws Refusal */
export async function requestedAccess(context: Context, call: Call): Promise<Asked> {
  const { form } = call
  const given = ['resource_token', 'scope', 'auth_request_url'].filter(name => form.has(name))
  if (given.length !== 1)
    throw badRequest(
      'parameters_conflict',
      'exactly one of `resource_token`, `scope` and `auth_request_url` must be there',
    )
  const token = form.get('resource_token')
  if (token !== undefined) return ofResourceToken(context, call, token)
  return ofOwnScope(context, call, form.get('scope') ?? '')
}

async function ofResourceToken(
  { id, documents, now }: Context,
  { caller, form, address }: Call,
  token: string,
): Promise<Asked> {
  const jws = readJws(token, resourceToken.refuse)
  await asOf(400, () => checkToken(jws, resourceToken, { documents, now }))
  const { iss, aud, agent, agent_delegate, agent_jkt, scope, sub } = jws.claims
  if (aud !== id) throw badResourceToken('token_audience_wrong', '`aud` is another auth server')
  if (agent !== caller.agent) throw badResourceToken('token_agent_wrong', '`agent` is another')
  if (agent_delegate !== caller.delegate) throw badResourceToken('token_agent_wrong', '`agent_delegate` is another')
  if (agent_jkt !== caller.jkt) throw badResourceToken('token_key_wrong', '`agent_jkt` is another key')
  if (scope === undefined) throw badRequest('auth_request_unsupported', '`auth_request_url` is not supported')
  const resource = String(iss)
  const metadata = await asOf(400, () => documents.metadata('aauth-resource', resource))
  const operation = readOperation(jws.claims['operation'], metadata)
  return {
    resource,
    metadata,
    scope: wordsOf(scope) ?? [],
    purposes: readPurposes(form.get('purposes'), metadata['purposes']),
    purpose: form.get('purpose'),
    upstream: undefined,
    operation,
    sub: operation === undefined || sub === undefined ? undefined : String(sub),
    address,
    at: now(),
  }
}

/** The direct form: the agent is the resource. */
async function ofOwnScope({ documents, now }: Context, { caller, form, address }: Call, text: string): Promise<Asked> {
  const scope = wordsOf(text)
  if (scope === undefined) throw badScope('scope_malformed', '`scope` is malformed')
  const own = scope.filter(name => !isIdentityScope(name))
  if (own.length > 0 && caller.delegate !== undefined)
    throw badScope('scope_of_agent', 'a delegate needs a resource token for scopes of its agent')
  const metadata = own.length === 0 ? {} : await asOf(400, () => documents.metadata('aauth-resource', caller.agent))
  const known = [metadata['supported_scopes']].flat()
  if (!own.every(name => known.includes(name))) throw badScope('scope_unknown', 'the agent does not publish the scope')
  return {
    resource: caller.agent,
    metadata,
    scope,
    purposes: readPurposes(form.get('purposes'), metadata['purposes']),
    purpose: form.get('purpose'),
    upstream: undefined,
    operation: undefined,
    sub: undefined,
    address,
    at: now(),
  }
}
