import type { SignatureKey, SigningKey } from '@countersign/httpsig'
import { isIdentifier } from '@countersign/protocol'
import { AgentError } from '../error.js'
import type { StepLog, Tell } from '../explanation.js'
import type { FailedRequests, Requester } from '../grant/authorization.js'
import type { Grant } from '../grant/grants.js'
import { type Self, selfAt } from '../identity/credentials.js'
import type { ClimbContext } from './climb-context.js'
import type { Outgoing } from './outgoing.js'

/** How a request is authenticated: its level, and what it is signed with. */
export type RequestAuth =
  | { readonly level: 'anonymous' }
  | { readonly level: 'pseudonymous'; readonly key: SigningKey; readonly signatureKey: SignatureKey }
  | { readonly level: 'identified'; readonly key: SigningKey; readonly signatureKey: SignatureKey; readonly self: Self }
  | {
      readonly level: 'authorized'
      readonly key: SigningKey
      readonly signatureKey: SignatureKey
      readonly self: Self
      readonly grant: Grant
    }

/** The name of the request by which the agent learns who it is, among those that have failed. */
export const ownIdentity = 'identity'

/** Returns how a call begins: at the level that worked before, as far as state allows. */
export async function initialAuth(
  request: Outgoing,
  context: ClimbContext,
  { log, failed }: { readonly log: StepLog; readonly failed: FailedRequests },
): Promise<RequestAuth> {
  const { url, method } = request
  const { credentials, authorization, memory } = context
  const level = memory.level(method, url)
  if (level === 'anonymous' || !isIdentifier(url.origin, context)) return { level: 'anonymous' }
  if (level === 'pseudonymous') return pseudonymousAuth(url.origin, context)
  try {
    const remembered = await credentials.remembered()
    if (remembered === undefined) return { level: 'anonymous' }
    if (level === undefined && !(await authorization.newest(remembered, url.origin, request.purposes)))
      return { level: 'anonymous' }
    if ((await context.whyNotIdentify(url)) !== undefined) return { level: 'anonymous' }
    // From here on other participants are asked, which an aborted call must not do.
    request.signal?.throwIfAborted()
    if (failed.has(ownIdentity)) throw failed.get(ownIdentity)
    const self = await credentials.current(log.note)
    request.signal?.throwIfAborted()
    const requester = { self, tell: log.note, purposes: request.purposes, failed }
    const grant = level === 'identified' ? undefined : await findStartingGrant(requester, url.origin, authorization)
    return grant === undefined ? await identifiedAuth(self, url.origin, log.note) : authorizedAuth(self, grant)
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'state_unusable') throw error
    // The resource may need no level. If it does, this error is what its challenge leads to: the agent server is not asked again.
    failed.set(ownIdentity, error)
    log.note(url.origin, 'stop', `starting unidentified: ${error.message}`)
    return { level: 'anonymous' }
  }
}

async function findStartingGrant(
  requester: Requester,
  origin: string,
  authorization: ClimbContext['authorization'],
): Promise<Grant | undefined> {
  try {
    return await authorization.findStarting(requester, origin)
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    requester.tell(origin, 'stop', `starting without an auth token: ${error.message}`)
    return undefined
  }
}

export async function pseudonymousAuth(origin: string, context: ClimbContext): Promise<RequestAuth> {
  const key = await context.pseudonymFor(origin)
  return { level: 'pseudonymous', key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }
}

/** @throws AgentError `not_allowed` when the delegation of this agent does not let it go there */
export async function identifiedAuth(self: Self, origin: string, tell: Tell): Promise<RequestAuth> {
  const { key, signatureKey } = await selfAt(self, { kind: 'resource', id: origin }, tell)
  return { level: 'identified', key, signatureKey, self }
}

export function authorizedAuth(self: Self, grant: Grant): RequestAuth {
  return {
    level: 'authorized',
    key: self.key,
    signatureKey: { scheme: 'jwt', jwt: grant.authToken },
    self,
    grant,
  }
}
