import { parseSignatureKey } from '@countersign/httpsig'
import type { SentExchange } from '../senders.js'
import type { TokenFacts } from './contract.js'

/** The claims of the token that a request was signed with, only claimed until a receiver has verified it; undefined without one. */
export function tokenIn({ request }: SentExchange): TokenFacts | undefined {
  const value = request.headers.find(([name]) => name.toLowerCase() === 'signature-key')?.[1]
  if (value === undefined) return undefined
  try {
    const { key } = parseSignatureKey(value)
    return key.scheme === 'jwt' ? factsOf(key.jwt) : undefined
  } catch {
    return undefined
  }
}

/** The claims of the agent token in an answer of an agent server; undefined without one. */
export function issuedToken({ response }: SentExchange): TokenFacts | undefined {
  if (response.status !== 200) return undefined
  try {
    const { agent_token: jwt } = JSON.parse(response.body) as { readonly agent_token?: unknown }
    return typeof jwt === 'string' ? factsOf(jwt) : undefined
  } catch {
    return undefined
  }
}

type Claims = Readonly<Record<string, unknown>>

function factsOf(jwt: string): TokenFacts | undefined {
  const [header = {}, claims = {}] = jwt
    .split('.')
    .slice(0, 2)
    .map(part => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Claims)
  const text = (name: string): string | undefined => {
    const value = claims[name]
    return typeof value === 'string' ? value : undefined
  }
  const times = { issued: Number(claims['iat']), expires: Number(claims['exp']) }
  const issuer = text('iss') ?? ''
  const [sub, delegate, scope, audience] = [text('sub'), text('agent_delegate'), text('scope'), text('aud')]
  if (header['typ'] === 'agent+jwt') return { type: 'agent', issuer, agent: issuer, delegate: sub, ...times }
  if (header['typ'] !== 'auth+jwt') return undefined
  return {
    type: 'auth',
    issuer,
    agent: text('agent') ?? '',
    ...times,
    audience,
    delegate,
    user: sub,
    scope,
  }
}
