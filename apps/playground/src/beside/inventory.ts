import { join } from 'node:path'
import type { Addresses } from '../addresses.js'
import type { SecretAtRest, SetUpStep } from './contract.js'
import type { OAuthServerConfig, RegisteredClient } from './oauth-config.js'
import { readStore } from './oauth-store.js'
import { clientIds } from './oauth-world.js'
import { type Found, privateKeysIn, readJson, secretsAtRest } from './secrets.js'
import type { Worlds } from './worlds.js'

/** What stands in files when a flow has ended. */
export interface Inventory {
  readonly secrets: readonly SecretAtRest[]
  readonly setUp: readonly SetUpStep[]
}

/** What an OAuth flow made use of. */
export interface OAuthUse {
  /** The clients, by `client_id`. */
  readonly clients: readonly string[]
  /** The APIs that tokens were for. */
  readonly apis?: readonly string[]
}

/** Reads the files of the OAuth world, for what this flow made use of. */
export function oauthInventory({ participants, files }: Worlds, { clients, apis = [] }: OAuthUse): Inventory {
  const { folder, addresses } = participants
  const config = readJson(files.server) as unknown as OAuthServerConfig
  const used = config.clients.filter(({ client_id }) => clients.includes(client_id))
  const server = { file: files.server, holder: 'authorization server' }
  const found: Found[] = [
    ...privateKeysIn(config.jwks.keys).map(({ member, d }) => ({
      ...{ ...server, member: `jwks.keys.${member}`, value: d, opens: 'sign any access token' },
    })),
    ...used.flatMap(({ client_id, client_secret }) =>
      client_secret === undefined
        ? []
        : [
            {
              ...server,
              member: `clients ${client_id} client_secret`,
              value: client_secret,
              opens: `act as ${client_id}`,
            },
          ],
    ),
    ...registeredSecrets(files.store, clients),
    ...ownSecrets({ files, addresses, clients }),
    ...tokenSecrets(files.tokens),
  ]
  const registersItself = clients.some(id => !config.clients.some(({ client_id }) => client_id === id))
  const setUp = [
    ...(registersItself && config.dynamicRegistration
      ? [{ what: 'lets clients register themselves', place: 'oauth-server/config.json › dynamicRegistration' }]
      : []),
    ...used.flatMap(client => registrationSteps(client, files.client)),
    ...config.apis
      .filter(({ id }) => apis.includes(id))
      .map(({ id, scopes }) => ({
        what: `registers the API ${hostOf(id)} and its scopes: ${scopes.join(', ')}`,
        place: 'oauth-server/config.json › apis',
      })),
  ]
  return { secrets: secretsAtRest(found, folder), setUp }
}

/** Secrets of clients that registered by themselves. */
function registeredSecrets(store: string, clients: readonly string[]): Found[] {
  return Object.entries(readStore(store)).flatMap(([key, { payload }]) => {
    const { client_id: id, client_secret: value } = payload
    if (!key.startsWith('Client:') || typeof value !== 'string' || !clients.includes(String(id))) return []
    const member = `Client ${String(id)} client_secret`
    return [{ file: store, member, value, holder: 'authorization server', opens: `act as ${String(id)}` }]
  })
}

function ownSecrets(o: {
  readonly files: Worlds['files']
  readonly addresses: Addresses
  readonly clients: readonly string[]
}): Found[] {
  const { files, addresses, clients } = o
  const places: ReadonlyArray<readonly [id: string, file: string, holder: string]> = [
    [clientIds.secret, files.client, 'client'],
    [String(readJson(files.registered)['client_id']), files.registered, 'client'],
    [addresses.oauthCalendar, files.calendar, 'calendar'],
    [addresses.oauthRooms, files.rooms, 'rooms'],
  ]
  const secrets = places
    .filter(([id]) => clients.includes(id))
    .map(([id, file, holder]) => ({
      ...{ file, holder, member: 'client_secret', opens: `act as ${id}` },
      value: String(readJson(file)['client_secret']),
    }))
  if (!clients.includes(clientIds.key)) return secrets
  const keys = privateKeysIn(readJson(files.clientKey)).map(({ member, d }) => ({
    ...{ file: files.clientKey, holder: 'client', member, value: d, opens: `act as ${clientIds.key}` },
  }))
  return [...secrets, ...keys]
}

/** The tokens that the client keeps. A refresh token of such a client needs the client's own credential as well. */
function tokenSecrets(file: string): Found[] {
  const { access_token: access, dpop_key: key } = readJson(file)
  if (typeof access !== 'string') return []
  const place = { file, holder: 'client' }
  if (key === undefined)
    return [{ ...place, member: 'access_token', value: access, opens: 'call the API as this user, until it expires' }]
  return privateKeysIn(key, 'dpop_key').map(({ member, d }) => ({
    ...{ ...place, member, value: d, opens: 'call the API as this user, with the token beside it' },
  }))
}

function registrationSteps(
  { client_id, client_secret, redirect_uris }: RegisteredClient,
  ownFile: string,
): SetUpStep[] {
  const uris = redirect_uris.length === 0 ? '' : `, with ${redirect_uris.join(', ')}`
  const registered = {
    what: `registers ${client_id} at the authorization server${uris}`,
    place: 'oauth-server/config.json › clients',
  }
  if (client_secret === undefined) return [{ ...registered, what: `${registered.what} and its public key` }]
  const carried = {
    what: `carries the secret of ${client_id} to it`,
    place: readJson(ownFile)['client_id'] === client_id ? 'oauth-client/config.json' : 'its own configuration',
  }
  return [registered, carried]
}

/** What an AAuth flow made use of. */
export interface AAuthUse {
  /** State files of delegates. Each of them was invited. */
  readonly delegates?: readonly string[]
  /** Identifiers of the resources that tokens were for. */
  readonly resources?: readonly string[]
  /** Other files with keys that it needed, by their holder. */
  readonly keys: ReadonlyArray<readonly [holder: string, file: string]>
}

/** Reads the files of the AAuth world, for what this flow made use of. */
export function aauthInventory({ participants }: Worlds, use: AAuthUse): Inventory {
  const { folder } = participants
  const { delegates = [], resources = [], keys } = use
  const own = keys.map(([holder, name]) => ({ file: join(folder, name), holder, opens: `sign as the ${holder}` }))
  const states = delegates.map(file => ({ file, holder: 'delegate', opens: 'sign as this one delegate' }))
  const found = [...own, ...states].flatMap(({ file, holder, opens }) =>
    privateKeysIn(readJson(file)).map(({ member, d }) => ({ file, holder, opens, member, value: d })),
  )
  const invited = delegates.map(file => ({
    what: 'invites the delegate: a code that works once',
    place: `${file.split('/').at(-1)}, made when the delegate enrolled`,
  }))
  const rules = ['auth-server', 'rooms-auth-server'].flatMap(name =>
    rulesFor(readJson(join(folder, `${name}.json`)), resources).map(what => ({ what, place: `${name}.json` })),
  )
  return { secrets: secretsAtRest(found, folder), setUp: [...invited, ...rules] }
}

interface Policy {
  readonly ask?: ReadonlyArray<{ readonly resources: readonly string[] }>
  readonly exchange?: { readonly rules: ReadonlyArray<{ readonly middle: string; readonly downstream: string }> }
}

/** The rules of an auth server that let these resources be asked for, or exchanged between. */
function rulesFor(policy: Policy, resources: readonly string[]): string[] {
  const asks = (policy.ask ?? [])
    .filter(rule => rule.resources.some(id => resources.includes(id)))
    .map(
      rule =>
        `lets users be asked about ${rule.resources
          .filter(id => resources.includes(id))
          .map(hostOf)
          .join(', ')}`,
    )
  const exchanges = (policy.exchange?.rules ?? [])
    .filter(({ middle, downstream }) => resources.includes(middle) && resources.includes(downstream))
    .map(({ middle, downstream }) => `lets ${hostOf(middle)} exchange tokens for ${hostOf(downstream)}`)
  return [...asks, ...new Set(exchanges)]
}

function hostOf(id: string): string {
  if (id === 'self') return 'who they are'
  return URL.canParse(id) ? new URL(id).host : id
}
