import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Addresses } from '../addresses.js'
import type { OwnParticipant } from '../launcher.js'
import {
  type OAuthApiConfig,
  type OAuthClientConfig,
  type OAuthServerConfig,
  type RegisteredClient,
  tokenExchange,
} from './oauth-config.js'

/** The files of the OAuth world, in the folder of the playground. */
export interface OAuthFiles {
  readonly server: string
  readonly store: string
  readonly calendar: string
  readonly rooms: string
  /** The client's own configuration. */
  readonly client: string
  /** What a client that registered itself got. */
  readonly registered: string
  /** The tokens that the client keeps. */
  readonly tokens: string
  /** The private key of the client that authenticates by `private_key_jwt`. */
  readonly clientKey: string
}

export function oauthFiles(folder: string): OAuthFiles {
  const at = (name: string): string => join(folder, name)
  return {
    server: at('oauth-server/config.json'),
    store: at('oauth-server/store.json'),
    calendar: at('oauth-calendar.json'),
    rooms: at('oauth-rooms.json'),
    client: at('oauth-client/config.json'),
    registered: at('oauth-client/registered.json'),
    tokens: at('oauth-client/tokens.json'),
    clientKey: at('oauth-client/key.json'),
  }
}

/** The client that has a secret, and the one that has a key. */
export const clientIds = { secret: 'agent', key: 'agent-with-key' } as const

/** Writes the configuration that the operators of the OAuth world would write, and returns its processes. */
export async function prepareOAuthWorld(addresses: Addresses, folder: string): Promise<readonly OwnParticipant[]> {
  const { oauthServer, oauthCalendar, oauthRooms, impostor, calendar, authServer } = addresses
  const files = oauthFiles(folder)
  for (const name of ['oauth-server', 'oauth-client', 'impostor']) mkdirSync(join(folder, name), { mode: 0o700 })
  const secret = (): string => randomBytes(32).toString('base64url')
  const [clientSecret, calendarSecret, roomsSecret] = [secret(), secret(), secret()]
  const redirect_uri = `${addresses.oauthClient}/callback`
  const clientKey = await keyPair('client')
  const clients: RegisteredClient[] = [
    { client_id: clientIds.secret, client_secret: clientSecret, ...asApp(redirect_uri) },
    {
      ...{ client_id: clientIds.key, token_endpoint_auth_method: 'private_key_jwt', ...asApp(redirect_uri) },
      jwks: { keys: [clientKey.publicJwk] },
    },
    { client_id: oauthCalendar, client_secret: calendarSecret, ...asApi([tokenExchange]) },
    { client_id: oauthRooms, client_secret: roomsSecret, ...asApi([]) },
  ]
  const signing = await keyPair('server')
  const server: OAuthServerConfig = {
    issuer: oauthServer,
    clients,
    apis: [
      { id: oauthCalendar, scopes: ['appointments.read', 'events.write'] },
      { id: oauthRooms, scopes: ['rooms.book'] },
    ],
    dynamicRegistration: true,
    users: { ada: 'Ada Lovelace', grace: 'Grace Hopper' },
    jwks: { keys: [signing.privateJwk] },
    cookieKeys: [secret()],
  }
  const api = (id: string, name: string, client_secret: string): OAuthApiConfig => ({
    ...{ id, name, issuer: oauthServer, client_id: id, client_secret },
  })
  const client: OAuthClientConfig = {
    ...{ issuer: oauthServer, client_id: clientIds.secret, client_secret: clientSecret, redirect_uri },
  }
  writeSecret(files.server, server)
  writeSecret(files.calendar, { ...api(oauthCalendar, 'oauth-calendar', calendarSecret), rooms: oauthRooms })
  writeSecret(files.rooms, api(oauthRooms, 'oauth-rooms', roomsSecret))
  writeSecret(files.client, client)
  writeSecret(files.clientKey, clientKey.privateJwk)
  const program = 'beside/oauth-api'
  return [
    { name: 'oauth-server', id: oauthServer, program: 'beside/oauth-server', args: [files.server, files.store] },
    { name: 'oauth-calendar', id: oauthCalendar, program, args: [files.calendar, 'appointments.read events.write'] },
    { name: 'oauth-rooms', id: oauthRooms, program, args: [files.rooms, 'rooms.book'] },
    {
      ...{ name: 'impostor', id: impostor, program: 'beside/impostor' },
      args: [
        JSON.stringify({ oauthServer, oauthCalendar, calendar, authServer, keys: join(folder, 'impostor/keys.json') }),
      ],
    },
  ]
}

function asApp(redirect_uri: string): Pick<RegisteredClient, 'redirect_uris' | 'response_types' | 'grant_types'> {
  return {
    redirect_uris: [redirect_uri],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  }
}

function asApi(
  grant_types: readonly string[],
): Pick<RegisteredClient, 'redirect_uris' | 'response_types' | 'grant_types'> {
  return { redirect_uris: [], response_types: [], grant_types }
}

async function keyPair(kid: string): Promise<{ readonly privateJwk: JWK; readonly publicJwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const shared = { kid, alg: 'ES256', use: 'sig' }
  return {
    privateJwk: { ...(await exportJWK(privateKey)), ...shared },
    publicJwk: { ...(await exportJWK(publicKey)), ...shared },
  }
}

function writeSecret(file: string, content: object): void {
  writeFileSync(file, JSON.stringify(content, null, 1), { mode: 0o600 })
}
