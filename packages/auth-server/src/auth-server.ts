import { createDiscovery, type Discovery, type Fetcher } from '@countersign/discovery'
import { algorithms, memoryReplaySet, type ReceivedMessage, type ReplaySet } from '@countersign/httpsig'
import {
  type AuthServerMetadata,
  type CorsOrigins,
  isIdentifier,
  jwks,
  type PublishedKey,
  withCors,
} from '@countersign/protocol'
import { openStore } from '@countersign/store'
import { createVerifier } from '@countersign/verify'
import { rememberedScope } from './consents.js'
import type { AuthServerEvent } from './event.js'
import { grantsIn } from './grants.js'
import { createGuesses } from './guesses.js'
import { supportedIdentityScopes } from './identity-claims.js'
import { checkLoginMethods, type LoginMethod } from './login/login-method.js'
import { createLogin } from './login/sign-in.js'
import { claimedLogos } from './pages/claimed-logo.js'
import type { Policy } from './policy.js'
import { createPolls } from './polls.js'
import { redemptionsIn } from './redemption.js'
import { createRepeats } from './repeats.js'
import { type RequestQuota, requestsIn } from './requests.js'
import { requestHandler } from './routes.js'
import { migrations, type Tables } from './tables.js'

const longestLifetime = 3600

/** How an auth server is set up. */
export interface AuthServerOptions {
  /** The issuer, e.g. `https://auth.example`. */
  readonly issuer: string
  /** Published keys; the first one signs. Publish a key at least 30 seconds before it comes first. */
  readonly keys: readonly PublishedKey[]
  /** Store URL: `sqlite:FILE` or `postgres://…`. */
  readonly database: string
  /** Ways for users to sign in, e.g. `openidConnect(…)`. Default: none, and nothing that needs a user is granted. */
  readonly login?: readonly LoginMethod[]
  /** Decides every grant and every refresh. Default: deny everything. */
  readonly policy?: Policy
  /**
   * Agents that may use the device flow, each exactly, or `any`; it needs `login`. Default: none, since whoever may start it
   * can ask any user anywhere to type in a code.
   * @see protocol §6.3
   */
  readonly deviceFlow?: 'any' | readonly string[]
  /** How many requests may wait for users at once. Default: 1000 of one agent, 100 of one delegate. */
  readonly requestQuota?: RequestQuota
  /** Finds the keys of agents and resources. Default on Node: one with the guarded fetcher. */
  readonly discovery?: Discovery
  /** Gets the pictures that agents claim as their logos. Default: the guarded fetcher, for PNG, JPEG and WebP. */
  readonly logoFetcher?: Fetcher
  /** Where signed requests are remembered. Default: in memory. */
  readonly replay?: ReplaySet
  /** Seconds an auth token lives. Default 600, at most 3600. */
  readonly authTokenLifetime?: number
  /** Unix seconds. */
  readonly now?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /**
   * Whose pages may call it from a browser: `*` or exact origins. Default none: CORS is off. See `CorsOrigins`.
   * @see protocol §4 "CORS"
   */
  readonly cors?: CorsOrigins
  /** Receives one event per decision; must not throw. */
  readonly onEvent?: (event: AuthServerEvent) => void
}

/** A running auth server. */
export interface AuthServer {
  /** Answers one request: metadata, JWKS, token and revocation endpoint; 404 for anything else. */
  handle(message: ReceivedMessage): Promise<Response>
  /** Rejects when the database does not answer. */
  ready(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens an auth server: it verifies who asks, decides by policy, and issues auth tokens.
 * @throws TypeError when `issuer` is no identifier, there is no key, two share a kid, or `login` is unfit; RangeError when `authTokenLifetime` is out of range
 * @see protocol §6
 */
export async function createAuthServer(options: AuthServerOptions): Promise<AuthServer> {
  const { issuer, keys, development = false, now = () => Date.now() / 1000 } = options
  const { authTokenLifetime: lifetime = 600 } = options
  const [key] = keys
  if (!isIdentifier(issuer, { development })) {
    throw new TypeError('issuer must be an identifier such as https://auth.example')
  }
  if (key === undefined) throw new TypeError('keys must hold at least one key')
  jwks(keys)
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > longestLifetime) {
    throw new RangeError('authTokenLifetime must be whole seconds, 1 to 3600')
  }
  const onEvent = options.onEvent ?? (() => undefined)
  if (options.login !== undefined) checkLoginMethods(options.login, { development })
  const discovery = options.discovery ?? createDiscovery({ now, development })
  const { login: methods, deviceFlow = [] } = options
  const requestTypes = requestTypesOf(methods, deviceFlow)
  const store = await openStore<Tables>({ url: options.database, room: 'auth_server', migrations })
  const policy = options.policy ?? (() => 'deny')
  const requests = requestsIn(store, now, options.requestQuota ?? { agent: 1000, delegate: 100 })
  const handle = requestHandler({
    metadata: authServerMetadata(
      issuer,
      methods,
      deviceFlow.length > 0 ? requestTypes : requestTypes.filter(isNotDevice),
    ),
    requestTypes,
    keys,
    verifier: createVerifier({ receiver: issuer, discovery, accept: ['jwks_uri', 'agent+jwt'], now, development }),
    replay: options.replay ?? memoryReplaySet({ now }),
    issuer: { issuer, key, lifetime },
    grants: grantsIn(store, now),
    requests,
    redemptions: redemptionsIn(store, now),
    repeats: createRepeats(now),
    polls: createPolls(now),
    policy,
    users: methods === undefined ? 'none' : 'some',
    deviceFlow,
    now,
    development,
    onEvent,
    ...(methods === undefined
      ? {}
      : {
          pages: {
            login: createLogin({ issuer, methods, store, now, development, onEvent }),
            requests,
            remembered: (key, scope) => rememberedScope(store.db, key, { scope, now: now() }),
            discovery,
            logos: claimedLogos({
              now,
              development,
              ...(options.logoFetcher === undefined ? {} : { fetcher: options.logoFetcher }),
            }),
            policy,
            issuer: { issuer },
            guesses: createGuesses(now),
            now,
            onEvent,
          },
        }),
  })
  return { handle: withCors(options.cors, handle), ready: () => store.check(), close: () => store.close() }
}

function requestTypesOf(login: AuthServerOptions['login'], deviceFlow: 'any' | readonly string[]): readonly string[] {
  if (login === undefined) {
    if (deviceFlow.length > 0) throw new TypeError('deviceFlow needs login: a user types in the code')
    return ['auth', 'refresh']
  }
  return ['auth', 'code', 'refresh', 'device_auth', 'device_code']
}

/** A device type is answered with `unauthorized_client` where no agent may use it: better not to offer it. */
function isNotDevice(requestType: string): boolean {
  return !requestType.startsWith('device_')
}

function authServerMetadata(
  issuer: string,
  login: AuthServerOptions['login'],
  requestTypes: readonly string[],
): AuthServerMetadata {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    agent_token_endpoint: `${issuer}/agent/token`,
    ...(login === undefined ? {} : { agent_auth_endpoint: `${issuer}/agent/authorize` }),
    revocation_endpoint: `${issuer}/agent/revoke`,
    agent_signing_algs_supported: algorithms,
    request_types_supported: requestTypes,
    ...(login === undefined ? {} : { scopes_supported: supportedIdentityScopes }),
  }
}
