import { readSignedBody } from '../shared/body.js'
import { identifyCaller, readCredential } from '../shared/caller.js'
import { checkEndpoint, type Form, readForm } from '../shared/form.js'
import { Refusal, type Refusing, refusing } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import { readSignature, type SignatureRules, withComponents } from '../shared/signature.js'
import { readList } from './conditions.js'
import type { Context } from './context.js'
import type { Caller } from './state.js'

/** A signed request to a token endpoint. */
export interface Call {
  readonly caller: Caller
  readonly form: Form
  /** Where it came from. */
  readonly address: string
}

const tooLow: Refusing = refusing(401, 'insufficient_level')
const identify = { 'agent-auth': 'httpsig;identity=?1' }
const longestBody = 64 * 1024

/** Reads a request to a token endpoint, and who has sent it. @see protocol §6.2 */
export async function readCall(context: Context, request: PeerRequest): Promise<Call> {
  const { id, documents, now, replays } = context
  const { host, protocol } = new URL(id)
  const rules: SignatureRules = { authority: host, scheme: protocol === 'https:' ? 'https' : 'http', now }
  try {
    checkEndpoint(request)
    const signature = readSignature(request, rules)
    if (signature === undefined) throw tooLow('signature_missing', 'the request has no signature')
    const credential = readCredential(signature)
    if (credential.kind === 'hwk') throw tooLow('level_too_low', 'a key alone does not say who asks')
    if (credential.kind === 'auth+jwt') throw tooLow('credential_of_another_kind', 'an auth token is shown')
    const known = await identifyCaller(signature, credential, { documents, now, self: id, authServers: [] })
    const body = await readSignedBody(request, signature, { limit: longestBody, now })
    replays.remember(signature, known.key)
    const delegation = readList(known.claims?.['delegation'], 'delegation')
    const caller: Caller = {
      agent: known.agent ?? '',
      delegate: known.delegate,
      jwk: confirmed(known.key.jwk),
      jkt: known.key.thumbprint,
      delegation,
    }
    return { caller, form: readForm(body), address: request.peer }
  } catch (error) {
    const told = withComponents(error, request, rules)
    const isOpen = told instanceof Refusal && told.status === 401 && told.error !== 'replay_detected'
    throw isOpen ? told.with({ headers: identify }) : told
  }
}

/** The members of a key that stand in `cnf`. */
function confirmed({ kty, crv, x, y, n, e, alg }: Readonly<Record<string, unknown>>): Caller['jwk'] {
  return { kty, crv, x, y, n, e, alg }
}
