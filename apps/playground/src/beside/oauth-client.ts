import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { exportJWK, importJWK, type JWK } from 'jose'
import * as oauth from 'openid-client'
import type { Addresses } from '../addresses.js'
import { scriptedUser } from '../story-user.js'
import type { OAuthClientConfig } from './oauth-config.js'
import { clientIds, type OAuthFiles } from './oauth-world.js'
import { readJson } from './secrets.js'
import type { Stage } from './stage.js'

/** How a client asks for a token. */
export interface Wish {
  readonly scope: string
  /** The API that the token is for (RFC 8707). Without it the token has no audience. */
  readonly resource?: string
  /** Binds the token to a key of the client (RFC 9449). */
  readonly dpop?: boolean
  /** How the client authenticates. Default: by its secret. */
  readonly by?: By
}

/** How a client authenticates: by its secret or its key, or by what it got when it registered itself. */
export type By = keyof typeof clientIds | { readonly client_id: string; readonly client_secret: string }

/** What the client got, as it keeps it in its file. */
export interface KeptTokens {
  readonly access_token: string
  readonly refresh_token?: string
  readonly scope?: string
  readonly dpop_key?: JWK
}

export interface OAuthSession {
  readonly config: oauth.Configuration
  readonly tokens: KeptTokens
  readonly dpop?: oauth.DPoPHandle
  /** The claims of the ID token, where the client asked for one. */
  readonly sub?: string | undefined
}

/** The client of the OAuth world, which is the npm package `openid-client`. */
export interface OAuthClient {
  configure(by?: By): Promise<oauth.Configuration>
  /** The whole authorization code flow, in steps. */
  authorize(stage: Stage, wish: Wish): Promise<OAuthSession>
  call(session: OAuthSession, url: string, init?: { readonly method: string; readonly body: object }): Promise<Response>
}

const plainHttp = { execute: [oauth.allowInsecureRequests] }

export function oauthClient(addresses: Addresses, files: OAuthFiles): OAuthClient {
  const own = (): OAuthClientConfig => JSON.parse(readFileSync(files.client, 'utf8')) as OAuthClientConfig
  const configure: OAuthClient['configure'] = async (by = 'secret') => {
    const { issuer, client_secret } = own()
    const metadata = { id_token_signed_response_alg: 'ES256' }
    const [id, authentication] =
      by === 'secret'
        ? [clientIds.secret, oauth.ClientSecretBasic(client_secret)]
        : by === 'key'
          ? [clientIds.key, oauth.PrivateKeyJwt({ key: await privateKey(files.clientKey), kid: 'client' })]
          : [by.client_id, oauth.ClientSecretBasic(by.client_secret)]
    return oauth.discovery(new URL(issuer), id, metadata, authentication, plainHttp)
  }
  return {
    configure,
    authorize: (stage, wish) => authorize(stage, wish, { addresses, files, own: own(), configure }),
    call: ({ config, tokens, dpop }, url, init) =>
      anyStatus(() =>
        oauth.fetchProtectedResource(
          config,
          tokens.access_token,
          new URL(url),
          init?.method ?? 'GET',
          init === undefined ? undefined : JSON.stringify(init.body),
          new Headers(init === undefined ? {} : { 'content-type': 'application/json' }),
          dpop === undefined ? undefined : { DPoP: dpop },
        ),
      ),
  }
}

interface ClientParts {
  readonly addresses: Addresses
  readonly files: OAuthFiles
  readonly own: OAuthClientConfig
  readonly configure: OAuthClient['configure']
}

/** @throws AuthorizationResponseError when the authorization server sends the user back without a code */
async function authorize(stage: Stage, wish: Wish, parts: ClientParts): Promise<OAuthSession> {
  const { addresses, files, own, configure } = parts
  const config = await stage.step('client', 'reads the metadata of the authorization server', () => configure(wish.by))
  const [verifier, state] = [oauth.randomPKCECodeVerifier(), oauth.randomState()]
  const resource = wish.resource === undefined ? {} : { resource: wish.resource }
  const link = oauth.buildAuthorizationUrl(config, {
    ...{ redirect_uri: own.redirect_uri, scope: wish.scope, state, code_challenge_method: 'S256', ...resource },
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  })
  const back = await stage.step('user', 'is sent to the authorization server, to sign in and to agree', () =>
    visit(link, addresses),
  )
  const pair = wish.dpop ? await oauth.randomDPoPKeyPair('ES256', { extractable: true }) : undefined
  const dpop = pair === undefined ? {} : { dpop: oauth.getDPoPHandle(config, pair) }
  // Checks `state` and `iss` first, of an error as well.
  const redeem = (): ReturnType<typeof oauth.authorizationCodeGrant> => {
    const checks = { pkceCodeVerifier: verifier, expectedState: state }
    return oauth.authorizationCodeGrant(config, back, checks, resource, dpop.dpop && { DPoP: dpop.dpop })
  }
  const how = wish.by === 'key' ? 'an assertion signed by its key' : 'its secret'
  const got = back.searchParams.has('error')
    ? await redeem()
    : await stage.step('client', `redeems the code, with the PKCE verifier and ${how}`, redeem)
  const { access_token, refresh_token, scope } = got
  const tokens: KeptTokens = {
    access_token,
    ...(refresh_token === undefined ? {} : { refresh_token }),
    ...(scope === undefined ? {} : { scope }),
    ...(pair === undefined ? {} : { dpop_key: await exportJWK(pair.privateKey) }),
  }
  writeFileSync(files.tokens, JSON.stringify(tokens, null, 1), { mode: 0o600 })
  return { config, tokens, ...dpop, sub: got.claims()?.sub }
}

/** The library throws for a challenge; here it is an answer like any other. */
async function anyStatus(call: () => Promise<Response>): Promise<Response> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response
    throw error
  }
}

async function privateKey(file: string): Promise<CryptoKey> {
  return (await importJWK(readJson(file) as JWK, 'ES256')) as CryptoKey
}

/** Lets a user sign in and agree; returns the URL at which the browser comes back to the client. */
async function visit(link: URL, { oauthClient: origin }: Addresses): Promise<URL> {
  const callback = await listenForCallback(origin)
  try {
    await scriptedUser('Ada Lovelace').decide(link.href, 'Allow')
    return await callback.arrived
  } finally {
    callback.close()
  }
}

async function listenForCallback(
  origin: string,
): Promise<{ readonly arrived: Promise<URL>; readonly close: () => void }> {
  let arrive = (_: URL): void => {}
  const arrived = new Promise<URL>(resolve => {
    arrive = resolve
  })
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end('<!doctype html><h1>You can close this page</h1>')
    arrive(new URL(request.url ?? '/', origin))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(Number(new URL(origin).port), 'localhost', resolve)
  })
  return {
    arrived,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
