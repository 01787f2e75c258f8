import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey, type ReceivedMessage, type SigningKey } from '@countersign/httpsig'
import { jwks, signToken } from '@countersign/protocol'
import { makeWeb } from '@countersign/testing/world/web'
import { createVerifier } from '@countersign/verify'
import type { Subject } from './measure.js'
import { at, atSigning, authority, bareVerify, type SignedPool, signed } from './signed-requests.js'

const issuer = 'https://auth.example'
const encoder = new TextEncoder()

/** Requests signed under auth tokens. */
export interface TokenPool {
  readonly issuerKey: SigningKey
  /** All under one token. */
  readonly sameToken: readonly ReceivedMessage[]
  /** Each under a token of its own, all by one key, as an agent that renews its token sends them. */
  readonly freshTokens: readonly ReceivedMessage[]
  /** Each under a token of its own for a key of its own: an agent's first request here. */
  readonly freshHolders: readonly ReceivedMessage[]
  readonly tokens: readonly string[]
}

async function authToken(index: number, issuerKey: SigningKey, holder: SigningKey): Promise<string> {
  const iat = Math.floor(atSigning())
  return signToken({
    typ: 'auth+jwt',
    key: issuerKey,
    kid: 'k1',
    claims: {
      iss: issuer,
      aud: `https://${authority}`,
      agent: 'https://agent.example',
      agent_delegate: 'laptop-7f3a',
      cnf: { jwk: holder.publicJwk },
      sub: '2b1d7c3e',
      scope: 'events.read events.write',
      iat,
      exp: iat + 3600,
      jti: `bench-${index}`,
    },
  })
}

/** Signs `size` requests of each kind with the key of `pool`. */
export async function tokenPool(pool: SignedPool, size: number): Promise<TokenPool> {
  const issuerKey = await generateSigningKey()
  const numbers = Array.from({ length: size }, (_, i) => i)
  const tokens = await Promise.all(numbers.map(i => authToken(i, issuerKey, pool.key)))
  const firstRequest = async (index: number): Promise<ReceivedMessage> => {
    const holder = await generateSigningKey()
    return signed(index, holder, { scheme: 'jwt', jwt: await authToken(index, issuerKey, holder) })
  }
  const under = (index: number, jwt: string): Promise<ReceivedMessage> =>
    signed(index, pool.key, { scheme: 'jwt', jwt })
  return {
    issuerKey,
    tokens,
    sameToken: await Promise.all(numbers.map(i => under(i, at(tokens, 0)))),
    freshTokens: await Promise.all(numbers.map(i => under(i, at(tokens, i)))),
    freshHolders: await Promise.all(numbers.map(firstRequest)),
  }
}

/** A received message to verified facts: token, binding, signature. */
export function verifyTokens(id: string, pool: TokenPool, messages: readonly ReceivedMessage[]): Subject {
  const documents: Readonly<Record<string, unknown>> = {
    [`${issuer}/.well-known/aauth-issuer`]: {
      issuer,
      jwks_uri: `${issuer}/jwks`,
      agent_token_endpoint: `${issuer}/token`,
    },
    [`${issuer}/jwks`]: jwks([{ kid: 'k1', key: pool.issuerKey }]),
  }
  const verifier = createVerifier({
    receiver: `https://${authority}`,
    accept: ['auth+jwt'],
    now: atSigning,
    authServers: [issuer],
    discovery: createDiscovery({ fetcher: makeWeb(new Map(Object.entries(documents))).fetcher }),
    // Half the pool: requests that all have tokens of their own never find one here.
    tokenCache: messages.length / 2,
  })
  return {
    id,
    run: async index => {
      const { caller } = await verifier.verify(at(messages, index))
      if (caller.level !== 'authorized') throw new Error('not authorized')
    },
  }
}

/** One bare verification of the request and one of its token. */
export async function bareTwice(pool: SignedPool, tokens: TokenPool): Promise<Subject> {
  const request = await bareVerify(pool, tokens.freshTokens)
  const { kty, crv, x } = { crv: '', x: '', ...tokens.issuerKey.publicJwk }
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x }, { name: 'Ed25519' }, false, ['verify'])
  const inputs = tokens.tokens.map(token => {
    const dot = token.lastIndexOf('.')
    return {
      data: encoder.encode(token.slice(0, dot)),
      signature: new Uint8Array(Buffer.from(token.slice(dot + 1), 'base64url')),
    }
  })
  return {
    id: 'two bare subtle.verify',
    run: async index => {
      const { data, signature } = at(inputs, index)
      if (!(await crypto.subtle.verify('Ed25519', key, signature, data))) throw new Error('the token does not verify')
      await request.run(index)
    },
  }
}
