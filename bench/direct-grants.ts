import { generateSigningKey, type SigningKey, signRequest, thumbprint } from '@countersign/httpsig'
import { signToken } from '@countersign/protocol'
import Database from 'libsql'
import type { Ready } from './http-load.js'

/** So many that none reaches its limit of live grants. */
const delegates = 2048
/** The auth server. */
export const issuer = 'https://auth.example'

/** The identifiers of who takes part. */
export interface Names {
  readonly issuer: string
  readonly agent: string
  readonly resource: string
}

const names: Names = { issuer, agent: 'https://agent.example', resource: 'https://calendar.example' }
const now = (): number => Math.floor(Date.now() / 1000)

/** A delegate of the one agent. */
export interface Delegate {
  readonly names: Names
  readonly sub: string
  readonly key: SigningKey
  readonly jkt: string
  readonly agentToken: string
}

/** Who sends requests for tokens, and whose key signs them. */
export interface Cast {
  readonly agentKey: SigningKey
  readonly resourceKey: SigningKey
  readonly delegates: readonly Delegate[]
}

/** Makes the delegates, with their agent tokens. */
export async function cast(of: Names = names): Promise<Cast> {
  const [agentKey, resourceKey] = [await generateSigningKey(), await generateSigningKey()]
  const one = async (_: unknown, i: number): Promise<Delegate> => {
    const key = await generateSigningKey()
    const sub = `delegate-${i}`
    return {
      names: of,
      sub,
      key,
      jkt: await thumbprint(key.publicJwk),
      agentToken: await agentTokenOf({ names: of, sub, key }, agentKey),
    }
  }
  return { agentKey, resourceKey, delegates: await Promise.all(Array.from({ length: delegates }, one)) }
}

/** The same delegates with new agent tokens: each is good for an hour. */
export async function renewed(made: Cast): Promise<Cast> {
  const one = async (of: Delegate): Promise<Delegate> => ({ ...of, agentToken: await agentTokenOf(of, made.agentKey) })
  return { ...made, delegates: await Promise.all(made.delegates.map(one)) }
}

function agentTokenOf(
  { names: { agent }, sub, key }: Pick<Delegate, 'names' | 'sub' | 'key'>,
  agentKey: SigningKey,
): Promise<string> {
  const jti = crypto.randomUUID()
  const claims = { iss: agent, sub, cnf: { jwk: key.publicJwk }, iat: now(), exp: now() + 3600, jti }
  return signToken({ typ: 'agent+jwt', key: agentKey, kid: 'k1', claims })
}

/** Signs a form for the token endpoint, or another one. */
export async function signedForm(
  by: Delegate,
  form: Readonly<Record<string, string>>,
  path: '/agent/token' | '/agent/revoke' = '/agent/token',
): Promise<Ready> {
  const body = new TextEncoder().encode(new URLSearchParams(form).toString())
  const type = 'application/x-www-form-urlencoded'
  const signed = await signRequest({
    method: 'POST',
    url: `${by.names.issuer}${path}`,
    headers: [['content-type', type]],
    body,
    key: by.key,
    signatureKey: { scheme: 'jwt', jwt: by.agentToken },
  })
  const headers = { host: new URL(by.names.issuer).host, 'content-type': type, 'content-length': String(body.length) }
  return { path, headers: { ...headers, ...Object.fromEntries(signed) }, body }
}

/** Signs a request for a direct grant, with a resource token of its own. */
export async function directGrant(by: Delegate, resourceKey: SigningKey): Promise<Ready> {
  const claims = {
    iss: by.names.resource,
    aud: by.names.issuer,
    agent: by.names.agent,
    agent_delegate: by.sub,
    agent_jkt: by.jkt,
    scope: 'events.read',
    iat: now(),
    exp: now() + 300,
    jti: crypto.randomUUID(),
  }
  const resource_token = await signToken({ typ: 'resource+jwt', key: resourceKey, kid: 'r1', claims })
  return signedForm(by, { request_type: 'auth', resource_token })
}

/** Adds grants of other principals as issuing would: three of four by a user, each for a code of its own. */
export function populate(file: string, count: number): void {
  const database = new Database(file)
  // The server that has just started may still be writing.
  database.exec('pragma busy_timeout = 10000')
  database.exec(`insert into auth_server_grants (refresh_hash, id, agent, agent_delegate, resource, scope, created, last_used,
      user_sub, claims, redemption_hash)
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
    select substr(hex(randomblob(22)), 1, 43), lower(hex(randomblob(16))), 'https://agent.example', 'other-' || (n / 20),
      'https://calendar.example', 'events.read', ${now()}, ${now()},
      iif(n % 4 = 0, null, substr(hex(randomblob(11)), 1, 22)),
      iif(n % 4 = 0, null, '{"name":"User ' || n || '","email":"user' || n || '@users.example","email_verified":true}'),
      iif(n % 4 = 0, null, substr(hex(randomblob(22)), 1, 43))
    from numbers`)
  database.close()
}
