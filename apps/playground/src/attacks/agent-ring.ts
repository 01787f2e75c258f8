import { type AgentState, memoryState, type StateKeys } from '@countersign/agent'
import { importSigningKey, type PrivateJwk, type SigningKey, thumbprint } from '@countersign/httpsig'

/** What the agents of stories hold: an attacker of the playground works from the same machine, and so do its honest twins. */
export interface AgentRing {
  /** The same state, of which the ring learns the keys and tokens. */
  state(inner?: AgentState): AgentState
  /** The key with this thumbprint. */
  key(jkt: string): SigningKey | undefined
  /** The latest agent token for the key with this thumbprint. */
  agentToken(jkt: string): string | undefined
  /** How to renew an auth token. */
  renewal(authToken: string): Renewal | undefined
}

/** How an auth token is renewed. */
export interface Renewal {
  readonly issuer: string
  readonly refreshToken: string
}

/** Most keys and tokens that are remembered, the latest ones. */
const most = 1000

export function createAgentRing(): AgentRing {
  // bound: most, 1000; grown by the program
  const keys = new Map<string, SigningKey>()
  // bound: most, 1000; grown by the program
  const agentTokens = new Map<string, string>()
  // bound: most, 1000; grown by the program
  const renewals = new Map<string, Renewal>()
  const learnKey = async (key: SigningKey): Promise<SigningKey> => {
    keep(keys, await thumbprint(key.publicJwk), key)
    return key
  }
  const learn = async (name: string, value: unknown): Promise<void> => {
    if (name.startsWith('key ')) await learnKey(await importSigningKey(value as PrivateJwk))
    const { current } = Object(value) as { readonly current?: { readonly agent_token?: unknown } }
    const token = current?.agent_token
    if (typeof token === 'string') keep(agentTokens, await boundTo(token), token)
    for (const { authToken, issuer, refreshToken } of Array.isArray(value) ? value : [])
      if (typeof authToken === 'string' && typeof refreshToken === 'string')
        keep(renewals, authToken, { issuer: String(issuer), refreshToken })
  }
  return {
    state(inner = memoryState()) {
      return {
        ...inner,
        async write(name, value) {
          await inner.write(name, value)
          await learn(name, value)
        },
        async read(name) {
          const value = await inner.read(name)
          if (value !== undefined) await learn(name, value)
          return value
        },
        ...(inner.keys === undefined ? {} : { keys: learning(inner.keys, learnKey) }),
      }
    },
    key: jkt => keys.get(jkt),
    agentToken: jkt => agentTokens.get(jkt),
    renewal: token => renewals.get(token),
  }
}

function learning(keys: StateKeys, learn: (key: SigningKey) => Promise<SigningKey>): StateKeys {
  return { ...keys, generate: async name => learn(await keys.generate(name)) }
}

function keep<T>(map: Map<string, T>, name: string, value: T): void {
  map.delete(name)
  map.set(name, value)
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return partOf(token, 1)
}

/** A part of a token as an object, unverified; empty for what is none. */
export function partOf(token: string, part: 0 | 1): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString('utf8')) as Record<
      string,
      unknown
    >
  } catch {
    return {}
  }
}

/** The thumbprint of the key that a token is bound to; empty for a token without one. */
export async function boundTo(token: string): Promise<string> {
  const { jwk } = Object(claimsOf(token)['cnf']) as { readonly jwk?: Parameters<typeof thumbprint>[0] }
  return jwk === undefined ? '' : thumbprint(jwk)
}
