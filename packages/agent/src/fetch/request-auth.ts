import type { SignatureKey, SigningKey } from '@countersign/httpsig'
import { isIdentifier } from '@countersign/protocol'
import { AgentError } from '../error.js'
import type { Grant } from '../grant/grants.js'
import type { Self } from '../identity/credentials.js'
import type { ClimbContext } from './climb-context.js'
import type { Outgoing } from './outgoing.js'
import type { Passage } from './step-log.js'

/** What a request shows. */
export type Shown =
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

/** Where a call begins: at the level that worked before, with what is at hand. */
export async function start(request: Outgoing, context: ClimbContext, passage: Passage): Promise<Shown> {
  const { url, method } = request
  const { credentials, authorization, memory } = context
  const level = memory.level(method, url)
  if (level === 'anonymous' || !isIdentifier(url.origin, context)) return { level: 'anonymous' }
  if (level === 'pseudonymous') return pseudonymous(url.origin, context)
  try {
    const remembered = await credentials.remembered()
    if (remembered === undefined) return { level: 'anonymous' }
    const withGrant = level !== 'identified' && (await authorization.known(remembered, url.origin))
    if (level === undefined && !withGrant) return { level: 'anonymous' }
    if ((await context.admits(url)) !== undefined) return { level: 'anonymous' }
    // What is renewed or refreshed from here on is asked of others.
    request.signal?.throwIfAborted()
    const self = await credentials.current(passage.note)
    request.signal?.throwIfAborted()
    const grant = withGrant ? await readyGrant(self, request, context, passage) : undefined
    return grant === undefined ? identified(self) : authorized(self, grant)
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'state_unusable') throw error
    // The resource may still answer less; if it does not, its challenge meets the same trouble and says so.
    passage.note(url.origin, 'stop', `starting without a name: ${error.message}`)
    return { level: 'anonymous' }
  }
}

async function readyGrant(
  self: Self,
  { url }: Outgoing,
  context: ClimbContext,
  passage: Passage,
): Promise<Grant | undefined> {
  try {
    return await context.authorization.ready({ self, tell: passage.note }, url.origin)
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    passage.note(url.origin, 'stop', `starting without an auth token: ${error.message}`)
    return undefined
  }
}

export async function pseudonymous(origin: string, context: ClimbContext): Promise<Shown> {
  const key = await context.pseudonymFor(origin)
  return { level: 'pseudonymous', key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }
}

export function identified(self: Self): Shown {
  return { level: 'identified', key: self.key, signatureKey: self.signatureKey, self }
}

export function authorized(self: Self, grant: Grant): Shown {
  return { level: 'authorized', key: self.key, signatureKey: { scheme: 'jwt', jwt: grant.authToken }, self, grant }
}
