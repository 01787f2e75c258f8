import type { FetchedDocument, Fetcher } from '@countersign/discovery'
import { generateSigningKey, type SigningKey, thumbprint } from '@countersign/httpsig'
import { refusalOf } from '@countersign/testing/responses'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { AgentServerOptions } from '../agent-server-options.js'
import { newYear, type Post, post, type Scene, scene } from '../delegate.test.fixture.js'
import { type OidcIssuer, oidc } from '../index.js'

export const issuer = 'https://ci.example'
/** The delegate token endpoint of the scene's agent server. */
export const endpoint = 'https://agent.example/delegate/token'

/** A key pair of an issuer. */
export interface IssuerKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: Readonly<Record<string, unknown>>
}

export async function issuerKey(kid: string, alg = 'RS256'): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** Signs a token as its issuer would; members of `claims` that are undefined are left out. */
export function token(
  key: IssuerKey,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const said = { iss: issuer, sub: 'repo:acme/app', iat: newYear - 5, exp: newYear + 300, ...claims }
  return new SignJWT(said)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(key.privateKey)
}

/** A host of an issuer's documents that lists the fetches. */
export interface IssuerHost {
  readonly fetcher: Fetcher
  readonly fetched: string[]
  documents: Record<string, unknown>
}

export function issuerHost(keys: readonly IssuerKey[]): IssuerHost {
  const host: IssuerHost = {
    fetched: [],
    documents: {
      [`${issuer}/.well-known/openid-configuration`]: { issuer, jwks_uri: `${issuer}/keys` },
      [`${issuer}/keys`]: { keys: keys.map(({ jwk }) => jwk) },
    },
    async fetcher(url): Promise<FetchedDocument> {
      host.fetched.push(url)
      const document = host.documents[url]
      if (document === undefined) throw new Error('ECONNREFUSED')
      const body = new TextEncoder().encode(JSON.stringify(document))
      return { status: 200, contentType: 'application/json', body }
    },
  }
  return host
}

/** An agent server that enrols by tokens of one issuer. */
export interface OidcScene extends Scene {
  readonly host: IssuerHost
  readonly key: IssuerKey
}

export async function oidcScene(
  rule: Partial<OidcIssuer> = {},
  options: Partial<AgentServerOptions> & { readonly key?: IssuerKey } = {},
): Promise<OidcScene> {
  const { key = await issuerKey('one', 'ES256'), ...more } = options
  const host = issuerHost([key])
  const issuers = [{ issuer, name: 'ci', subjects: ['repo:acme/*'], ...rule }]
  const stage = await scene({ enrollment: [oidc({ issuers, fetcher: host.fetcher })], ...more })
  return { ...stage, host, key }
}

/** The audience that names a key. */
export async function audienceFor(key: SigningKey): Promise<string> {
  return `${endpoint}#${await thumbprint(key.publicJwk)}`
}

export const oidcBody = (jws: unknown): string => JSON.stringify({ enrollment: { type: 'oidc', token: jws } })

/** Enrols a key with a token that names it; `change` alters claims or header before it is signed. */
export async function enrolBy(
  stage: OidcScene,
  change: {
    readonly claims?: Readonly<Record<string, unknown>>
    readonly header?: Readonly<Record<string, unknown>>
    readonly key?: SigningKey
    readonly by?: IssuerKey
  } = {},
): ReturnType<typeof refusalOf> {
  const key = change.key ?? (await generateSigningKey())
  const aud = await audienceFor(key)
  const jws = await token(change.by ?? stage.key, { aud, ...change.claims }, change.header)
  return show(stage, { key, jws })
}

/** Sends an enrolment with a token, signed by a key. */
export async function show(
  stage: Scene,
  { key, jws, ...more }: { key: SigningKey; jws: unknown } & Partial<Post>,
): ReturnType<typeof refusalOf> {
  return refusalOf(await stage.server.handle(await post(stage, { key, body: oidcBody(jws), ...more })))
}
