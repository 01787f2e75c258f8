import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { ReceivedMessage } from '@countersign/httpsig'
import { fetch as hellocoopFetch, verify as hellocoopVerifyRequest } from '@hellocoop/httpsig'
import { createSigner, createVerifier, httpbis } from 'http-message-signatures'
import { verify as botVerifyRequest, signatureHeaders } from 'web-bot-auth'
import { signerFromJWK, verifierFromJWK } from 'web-bot-auth/crypto'
import type { Subject } from './measure.js'
import { at, authority, type SignedPool, urlOf } from './signed-requests.js'

// What others offer for the same work, each as its own documentation says to use it.

/** Seconds for which a signature is good, where a package takes no other clock: no run takes longer. */
const runLife = 20 * 3600

/** `@hellocoop/httpsig` on the same requests; of a token it takes the key and leaves the issuer to its caller. */
export function hellocoopVerify(messages: readonly ReceivedMessage[]): Subject {
  const requests = messages.map(message => {
    const [path = '', query = ''] = message.target.split('?')
    return { method: message.method, authority, path, query: `?${query}`, headers: Object.fromEntries(message.headers) }
  })
  return {
    id: '@hellocoop/httpsig',
    run: async index => {
      const outcome = await hellocoopVerifyRequest(at(requests, index), { maxClockSkew: runLife })
      if (!outcome.verified) throw new Error(outcome.error ?? 'the signature does not verify there')
    },
  }
}

/** Its signing, without the network. */
export function hellocoopSign(pool: SignedPool): Subject {
  const signingKey: JsonWebKey = { ...pool.jwk }
  return {
    id: '@hellocoop/httpsig',
    run: index => hellocoopFetch(urlOf(index), { signingKey, signatureKey: { type: 'hwk' }, dryRun: true }),
  }
}

/** `http-message-signatures` on the same requests, with its key preloaded: it does not know Signature-Key. */
export function messageSignaturesVerify(pool: SignedPool): Subject {
  const verify = createVerifier(createPublicKey({ format: 'jwk', key: { ...pool.jwk } }), 'ed25519')
  const config = { keyLookup: async () => ({ algs: ['ed25519'], verify }) }
  const requests = pool.sameKey.map(({ method, target, headers }) => ({
    method,
    url: `https://${authority}${target}`,
    headers: Object.fromEntries(headers),
  }))
  return {
    id: 'http-message-signatures',
    run: async index => {
      if ((await httpbis.verifyMessage(config, at(requests, index))) !== true)
        throw new Error('the signature does not verify there')
    },
  }
}

/** Its signing, of the same components. */
export function messageSignaturesSign(pool: SignedPool): Subject {
  const key = createSigner(createPrivateKey({ format: 'jwk', key: { ...pool.jwk } }), 'ed25519', 'k1')
  const config = { key, fields: ['@method', '@authority', '@path', '@query'], params: ['created', 'keyid'] }
  return {
    id: 'http-message-signatures',
    run: index =>
      httpbis.signMessage(config, { method: 'GET', url: urlOf(index), headers: { accept: 'application/json' } }),
  }
}

interface BotRequest {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
}

function botRequest(index: number): BotRequest {
  return { method: 'GET', url: urlOf(index), headers: { 'Signature-Agent': '"https://agent.example"' } }
}

function botLife(): { created: Date; expires: Date } {
  const created = new Date()
  return { created, expires: new Date(created.getTime() + runLife * 1000) }
}

/** `web-bot-auth` on requests that it signed: of its two components, authority and agent. */
export async function botVerify(pool: SignedPool): Promise<Subject> {
  const signer = await signerFromJWK({ ...pool.jwk })
  const verifier = await verifierFromJWK({ ...pool.jwk })
  const signed = async (_: unknown, index: number): Promise<BotRequest> => {
    const request = botRequest(index)
    return { ...request, headers: { ...request.headers, ...(await signatureHeaders(request, signer, botLife())) } }
  }
  const requests = await Promise.all(pool.sameKey.map(signed))
  return { id: 'web-bot-auth', run: index => botVerifyRequest(at(requests, index), verifier) }
}

/** Its signing. */
export async function botSign(pool: SignedPool): Promise<Subject> {
  const signer = await signerFromJWK({ ...pool.jwk })
  return { id: 'web-bot-auth', run: index => signatureHeaders(botRequest(index), signer, botLife()) }
}
