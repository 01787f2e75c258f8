import { readSignedBody } from '../shared/body.js'
import { type Caller, type Credential, identifyCaller, readCredential } from '../shared/caller.js'
import { checkEndpoint } from '../shared/form.js'
import { badSignature } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import { readSignature, withComponents } from '../shared/signature.js'
import type { Site } from './site.js'
import { checkStart } from './start.js'

/** A request to an endpoint, whose caller is known. */
export interface EndpointRequest {
  readonly caller: Caller
  readonly body: Buffer
  /** Remembers the request, once nothing else can refuse it. */
  remember(): void
}

/** Verifies a request to an endpoint that takes forms. `mayCall` judges what it shows, before anything is fetched. */
export async function byRole(
  request: PeerRequest,
  site: Site,
  mayCall: (credential: Credential) => void,
): Promise<EndpointRequest> {
  checkEndpoint(request)
  try {
    const signature = readSignature(request, site)
    if (signature === undefined) throw badSignature('signature_missing', 'a signature is needed')
    const credential = readCredential(signature)
    mayCall(credential)
    const caller = await identifyCaller(signature, credential, { ...site, self: site.id })
    const body = await readSignedBody(request, signature, { limit: 64 * 1024, now: site.now })
    const remember = (): void => {
      checkStart(signature, site)
      site.replays.remember(signature, caller.key)
    }
    return { caller, body, remember }
  } catch (error) {
    throw withComponents(error, request, site)
  }
}
