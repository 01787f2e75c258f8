import { generateSigningKey, type ReceivedMessage, type SigningKey } from '@countersign/httpsig'
import { type Network, network, type Origin, signed } from './network.test.fixture.js'
import type { VerifierOptions } from './options.js'
import { createVerifier, type Verifier } from './verifier.js'

export const api = 'https://api.example'
export const all = ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'] as const

/** A verifier with an agent, an auth server and a thief's key. */
export interface Scene {
  readonly net: Network
  readonly agent: Origin
  readonly auth: Origin
  readonly key: SigningKey
  readonly verifier: Verifier
  verifierWith(options?: Partial<VerifierOptions>): Verifier
  /** A request with a token, signed with `key` or with another key. */
  withToken(jwt: string, by?: SigningKey): Promise<ReceivedMessage>
  /** Code and status of the refusal; throws when there is none. */
  refused(message: ReceivedMessage, by?: Verifier): Promise<{ code: unknown; status: unknown }>
}

export async function scene(): Promise<Scene> {
  const net = network()
  const agent = await net.publish('aauth-agent', 'https://agent.example')
  const auth = await net.publish('aauth-issuer', 'https://auth.example')
  const key = await generateSigningKey()
  const verifierWith = (options: Partial<VerifierOptions> = {}): Verifier =>
    createVerifier({
      receiver: api,
      discovery: net.discovery,
      accept: all,
      authServers: ['https://auth.example'],
      now: () => net.time,
      ...options,
    })
  const verifier = verifierWith()
  return {
    net,
    agent,
    auth,
    key,
    verifier,
    verifierWith,
    withToken: (jwt, by = key) => signed(`${api}/x`, by, { scheme: 'jwt', jwt }),
    async refused(message, by = verifier) {
      try {
        await by.verify(message)
      } catch (error) {
        const { code, status } = error as { code: unknown; status: unknown }
        return { code, status }
      }
      throw new Error('it was accepted')
    },
  }
}
