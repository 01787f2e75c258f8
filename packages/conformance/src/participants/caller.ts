import { thumbprintOf } from '../signing/key.js'
import { readToken } from '../signing/token.js'
import type { Visit } from './origin.js'
import { type ReceivedSignature, receivedSignature } from './received.js'

type Jwk = Readonly<Record<string, string>>

/** Who signed a request, as far as it says. */
export interface Caller {
  readonly found: ReceivedSignature
  /** `token` is what was shown as an auth token, whatever it is; the other members are unknown then. */
  readonly token?: string
  /** The agent that signed, where it says who it is. */
  readonly agent?: Identified
}

/** An agent that says who it is. */
export interface Identified {
  readonly id: string
  readonly delegate?: string
  readonly jwk: Jwk
  readonly jkt: string
}

/** The published keys of the agent under test, by `kid`. */
export type PublishedKeys = () => Promise<ReadonlyMap<string, Jwk>>

/** Fetches the keys of an agent. They are asked for once, and again while it has none. */
export function publishedKeys(identity: string | undefined): PublishedKeys {
  let known: ReadonlyMap<string, Jwk> = new Map()
  return async () => {
    if (known.size === 0 && identity !== undefined) known = await fetchKeys(identity).catch(() => known)
    return known
  }
}

async function fetchKeys(identity: string): Promise<ReadonlyMap<string, Jwk>> {
  const read = async (url: string): Promise<Record<string, unknown>> => {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(5000) })
    return (await answer.json()) as Record<string, unknown>
  }
  const { jwks_uri } = await read(`${identity}/.well-known/aauth-agent`)
  const { keys } = await read(String(jwks_uri))
  return new Map((keys as Jwk[]).map(key => [String(key['kid']), key]))
}

/** Reads who signed a request; undefined where it has no signature that can be read. */
export async function callerOf(
  visit: Visit,
  o: { readonly authority: string; readonly identity: string | undefined; readonly keys: PublishedKeys },
): Promise<Caller | undefined> {
  const found = receivedSignature(visit, o.authority)
  if (found === undefined) return undefined
  const { scheme, keyParameters } = found
  if (scheme === 'jwks_uri') {
    const jwk = (await o.keys()).get(String(keyParameters['kid']))
    if (jwk === undefined || keyParameters['id'] !== o.identity || o.identity === undefined) return { found }
    return { found, agent: { id: o.identity, jwk: publicMembers(jwk), jkt: thumbprintOf(jwk) } }
  }
  if (scheme !== 'jwt') return { found }
  const token = String(keyParameters['jwt'])
  const read = readToken(token)
  if (read?.header['typ'] !== 'agent+jwt') return { found, token }
  const jwk = Object(read.claims['cnf']).jwk as Jwk | undefined
  if (read.claims['iss'] !== o.identity || jwk === undefined) return { found }
  const agent = { id: String(read.claims['iss']), delegate: String(read.claims['sub']), jwk, jkt: thumbprintOf(jwk) }
  return { found, agent }
}

/** The members of a published key that stand in `cnf`. */
function publicMembers({ kid: _, use: __, ...jwk }: Jwk): Jwk {
  return jwk
}
