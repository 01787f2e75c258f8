import { createHash } from 'node:crypto'
import { type SignatureKey, type SigningKey, signRequest, thumbprint } from '@countersign/httpsig'
import { signToken } from '@countersign/protocol'
import type { Answer, Sender, ToSend } from './send.js'
import type { Client, ClientWorld, Delegate, Published } from './world.js'

/** Who signs. */
export interface SignsAs {
  readonly key: SigningKey
  readonly signatureKey: SignatureKey
}

/** A delegate shows its agent token. */
export function asDelegate({ key, jwt }: Delegate): SignsAs {
  return { key, signatureKey: { scheme: 'jwt', jwt } }
}

/** The holder of an auth token. */
export function asHolder(key: SigningKey, jwt: string): SignsAs {
  return { key, signatureKey: { scheme: 'jwt', jwt } }
}

/** A participant that the rig publishes. */
export function asPublished({ id, key, kid }: Published): SignsAs {
  return { key, signatureKey: { scheme: 'jwks_uri', id, kid, dwk: 'aauth-agent' } }
}

/** Signs a request, so that it can be sent once or several times. */
export async function signed(to: Omit<ToSend, 'headers'> & { readonly type?: string }, as: SignsAs): Promise<ToSend> {
  const headers: Array<readonly [string, string]> = to.type === undefined ? [] : [['content-type', to.type]]
  const lines = await signRequest({
    method: to.method,
    url: to.id + to.target,
    headers,
    ...as,
    ...(to.body === undefined ? {} : { body: new Uint8Array(to.body) }),
  })
  return { ...to, headers: [...headers, ...lines] }
}

/** A token request. */
export interface TokenRequest {
  readonly issuer: string
  readonly form: Readonly<Record<string, string>>
  readonly as: SignsAs
  readonly path?: string
  readonly port?: number | undefined
}

/** Posts a signed form to an auth server. */
export async function post(world: ClientWorld, o: TokenRequest, by: Sender): Promise<Answer> {
  const body = new TextEncoder().encode(new URLSearchParams(o.form).toString())
  const type = 'application/x-www-form-urlencoded'
  const { path: target = '/agent/token', port, issuer: id } = o
  const message = await signed({ id, port, method: 'POST', target, body, type }, o.as)
  return world.courier.send(message, new URLSearchParams(o.form).get('request_type') ?? 'revoke', by)
}

/** A resource token of a participant that the rig publishes. */
export async function publishedResourceToken(
  by: Published,
  o: {
    readonly aud: string
    readonly agent: string
    readonly delegate?: string
    readonly key: SigningKey
    readonly scope: string
  },
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const delegate = o.delegate === undefined ? {} : { agent_delegate: o.delegate }
  return signToken({
    typ: 'resource+jwt',
    key: by.key,
    kid: by.kid,
    claims: {
      iss: by.id,
      aud: o.aud,
      agent: o.agent,
      ...delegate,
      agent_jkt: await thumbprint(o.key.publicJwk),
      scope: o.scope,
      iat: now,
      exp: now + 300,
      jti: crypto.randomUUID(),
    },
  })
}

/** The payload and header of a token that the rig need not verify: it got it from the issuer itself. */
export function tokenParts(jwt: string): { readonly kid: string; readonly claims: Readonly<Record<string, unknown>> } {
  const [header = '', payload = ''] = jwt.split('.')
  const read = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { kid: String(read(header)['kid']), claims: read(payload) }
}

/** How the auth server keeps a refresh token. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** The resource token of a challenge. */
export function challengeOf({ headers }: Answer): string | undefined {
  return /resource_token="([^"]+)"/.exec(String(headers['agent-auth'] ?? ''))?.[1]
}

/** What the history calls a step of a client. */
export function senderOf(client: Pick<Client, 'name'>, flow: string): Sender {
  return { client: client.name, flow }
}
