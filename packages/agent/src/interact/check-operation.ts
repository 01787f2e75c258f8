import { type SigningKey, signatureLength } from '@countersign/httpsig'
import { type Operation, operationDigest } from '@countersign/protocol'
import { AgentError } from '../error.js'
import type { SentRequest } from '../grant/interact.js'

/**
 * Checks that an operation which a user would be asked to approve is the request that was sent, with the display that belongs to it. A
 * resource that shows a harmless request and wants another one approved is not followed.
 * @throws AgentError `invalid_resource_token`
 * @see protocol §9.4
 */
export async function checkOperation({ digest, display }: Operation, sent: SentRequest): Promise<void> {
  if ((await operationDigest(await signatureBaseOf(sent), display)) === digest) return
  throw new AgentError('invalid_resource_token', 'a user would be asked to approve another request than this one', {
    member: 'operation',
  })
}

/** The signature base of a request: built by the code that signs it, with a key that keeps it and signs nothing. */
async function signatureBaseOf({ key: { algorithm, publicJwk }, sign }: SentRequest): Promise<string> {
  let base = ''
  const key: SigningKey = {
    algorithm,
    publicJwk,
    async sign(data) {
      base = new TextDecoder().decode(data)
      return new Uint8Array(signatureLength(publicJwk))
    },
  }
  await sign(key)
  return base
}
