import {
  type Algorithm,
  type HeadJudgement,
  memoryReplaySet,
  type ReceivedMessage,
  thumbprint,
} from '@countersign/httpsig'
import { AAuthError, errorResponse, type PublishedKey, withCors } from '@countersign/protocol'
import {
  belongsTo,
  type Epoch,
  type EpochKeeper,
  type KnownKeys,
  openEpoch,
  openStore,
  type Store,
} from '@countersign/store'
import { clientOf, createVerifier, withClient } from '@countersign/verify'
import type { AgentServerOptions } from './agent-server-options.js'
import { delegateKeysIn } from './delegate/delegate-key.js'
import { delegatesIn } from './delegate/delegates.js'
import { type Oversight, oversight } from './delegate/oversight.js'
import { codes } from './enrollment/codes.js'
import { openEnrollments } from './enrollment/enrollment.js'
import { databaseKeyShelf, memoryKeyShelf } from './key/key-shelf.js'
import { ownDiscovery } from './key/own-discovery.js'
import { fixedKeys, type KeyShelf, type OwnKeys, ownKeySchedule, scheduledKeys } from './key/own-keys.js'
import { delegateTokenPath, type RequestHandler, requestHandler } from './routes.js'
import { type Settings, settingsOf } from './settings.js'
import { migrations, room, type Tables } from './tables.js'
import { type AgentTokenIssuer, issueAgentToken } from './token/agent-token.js'
import { renewalGrace } from './token-lifetime.js'

/** An agent that is published, for a process that acts under its own name. */
export interface PublishedAgent {
  /** Every path it answers, exactly: `/.well-known/aauth-agent`, `/.well-known/jwks.json`, and the delegate token endpoint where it has one. */
  readonly paths: readonly string[]
  /** Answers one request to one of `paths`; 404 for anything else. */
  handle(message: ReceivedMessage): Promise<Response>
  /** Judges a request by its head, before its body is read: for servers. */
  judgeHead(head: ReceivedMessage): HeadJudgement
  /**
   * The key that signs now, for requests under the agent's own name (`jwks_uri`). Ask again for each request: keys rotate.
   * @throws AAuthError `temporarily_unavailable`
   */
  signingKey(): Promise<PublishedKey>
  /** Resolves once a request signed now would be answered. Rejects when the database, or a shared replay set, does not answer. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** A running agent server. */
export interface AgentServer extends PublishedAgent, Oversight {}

/**
 * Opens an agent server: it publishes the agent's identity, enrols delegates and issues their agent tokens.
 *
 * Without `database` it has no delegates, and no endpoint for them: after a restart their server would not know them, and they
 * would be locked out of a name that nobody could give back. A process that is an agent by itself needs none: its keys may
 * live in memory, since refresh tokens are bound to the agent and not to a key.
 * @throws Error when the database was used with other keys
 * @throws TypeError when `id` is no identifier, `trustedProxies` is unfit or no token could be issued; StoreError `restored` when the database is behind `epoch`; RangeError when `tokenLifetime` or a time of `keys` is out of range
 * @see protocol §5 "Delegates get agent tokens", §6 "Agent metadata", §10
 */
export function createAgentServer(options: AgentServerOptions & { readonly database: string }): Promise<AgentServer>
export function createAgentServer(options: AgentServerOptions): Promise<PublishedAgent>
export async function createAgentServer(options: AgentServerOptions): Promise<PublishedAgent | AgentServer> {
  const settings = settingsOf(options)
  if (options.database === undefined) return publishedAgent(options, settings)
  const store = await openStore<Tables>({ url: options.database, room, migrations })
  try {
    return await agentServer(options, settings, store)
  } catch (thrown) {
    await store.close()
    throw thrown
  }
}

async function publishedAgent(options: AgentServerOptions, settings: Settings): Promise<PublishedAgent> {
  const keys = await ownKeys(settings, memoryKeyShelf)
  const { paths, handle, judgeHead } = behindProxies(options, requestHandler({ ...settings, keys }))
  const nothing = async (): Promise<void> => undefined
  return {
    paths,
    judgeHead,
    handle: withCors(options.cors, handle),
    signingKey: keys.signing,
    ready: nothing,
    close: nothing,
  }
}

async function agentServer(
  options: AgentServerOptions,
  settings: Settings,
  store: Store<Tables>,
): Promise<AgentServer> {
  const { id } = options
  const { metadata, development, now } = settings
  await checkBelonging(store, settings.keys, options.knownKeys ?? 'check')
  const epoch = await epochOf(store, options.epoch, settings)
  const onEvent = noting(settings.onEvent, epoch)
  const keys = await ownKeys({ ...settings, onEvent }, algorithm => databaseKeyShelf(store, algorithm, now))
  const issuer: AgentTokenIssuer = { ...settings, id, signingKey: keys.signing }
  await probe(issuer, 'probe')
  const delegates = delegatesIn(store, now)
  const enrollments = openEnrollments(options.enrollment ?? [codes()], { id, store, now, development, onEvent })
  const discovery = ownDiscovery(metadata, keys)
  const replay = options.replay ?? memoryReplaySet(options.now && { now })
  const answers = requestHandler(
    { ...settings, onEvent, keys },
    {
      verifier: createVerifier({ receiver: id, discovery, accept: ['hwk', 'agent+jwt'], now, development }),
      replay,
      endpoint: `${id}${delegateTokenPath}`,
      delegates,
      delegateKeys: delegateKeysIn(store, now),
      enrollments,
      issuer,
      now,
      onEvent,
    },
  )
  const { paths, handle, judgeHead } = behindProxies(options, answers)
  return {
    paths,
    judgeHead,
    handle: withCors(options.cors, unlessRestored(handle, epoch, now)),
    signingKey: keys.signing,
    ...oversight({
      store,
      delegates,
      takesCodes: enrollments.has('code'),
      checkSub: sub => probe(issuer, sub),
      now,
      onEvent,
    }),
    async ready() {
      await epoch?.see()
      epoch?.check()
      await store.check()
      await replay.ready?.()
    },
    async close() {
      await epoch?.close()
      await store.close()
    },
  }
}

async function epochOf(
  store: Store<Tables>,
  keeper: EpochKeeper | undefined,
  { now, onEvent }: Pick<Settings, 'now' | 'onEvent'>,
): Promise<Epoch | undefined> {
  if (keeper === undefined) return undefined
  const onLost = (): void => onEvent({ type: 'alarm', reason: 'epoch-lost' })
  return openEpoch(store, { room, keeper, now, onLost })
}

/** What a backup would bring back, were it restored: used codes, replaced keys, revoked delegates, keys that sign no more. */
const ending = new Set(['enrolled', 'rotated', 'revoked', 'enrollment-revoked', 'forgotten', 'key-made', 'key-retired'])

/** Passes events on, and has those noted after which an older database is no longer good. */
function noting(onEvent: Settings['onEvent'], epoch: Epoch | undefined): Settings['onEvent'] {
  return event => {
    if (ending.has(event.type)) epoch?.touch()
    onEvent(event)
  }
}

/** Nothing is decided on a database that went back under a running server: what it says of delegates is not so. */
function unlessRestored(
  handle: RequestHandler['handle'],
  epoch: Epoch | undefined,
  now: () => number,
): RequestHandler['handle'] {
  if (epoch === undefined) return handle
  return async message => {
    if (!epoch.isBehind()) return handle(message)
    const description = 'the database of this agent server was restored while it ran'
    return errorResponse(new AAuthError('temporarily_unavailable', description, { retryAfter: 60 }), { now })
  }
}

/** Shares of the replay set and events name the caller, not the proxy in front. */
function behindProxies(options: AgentServerOptions, { paths, handle, judgeHead }: RequestHandler): RequestHandler {
  const client = clientOf(options)
  return { paths, handle: message => handle(withClient(message, client)), judgeHead }
}

/** Under other keys no delegate could renew, and nobody could tell why. A rotation keeps its keys in the database itself. */
async function checkBelonging(store: Store<Tables>, keys: Settings['keys'], how: KnownKeys): Promise<void> {
  if ('rotateEvery' in keys) return
  const names = await Promise.all(keys.map(({ key }) => thumbprint(key.publicJwk)))
  if (await belongsTo(store, 'agent_server', names, how)) return
  throw new Error(
    'the database was used with other keys: give those back, or say knownKeys: replace if they are lost or stolen',
  )
}

async function ownKeys(settings: Settings, shelf: (algorithm: Algorithm) => KeyShelf): Promise<OwnKeys> {
  const { keys, now, onEvent } = settings
  if (!('rotateEvery' in keys)) return fixedKeys(keys)
  const { algorithm = 'Ed25519', before = [] } = keys
  const schedule = ownKeySchedule(keys, renewalGrace)
  return scheduledKeys({ shelf: shelf(algorithm), schedule, before, now, onEvent })
}

/** What no token could carry is refused when it is configured or named, not at the first delegate. */
async function probe(issuer: AgentTokenIssuer, sub: string): Promise<void> {
  const { key } = await issuer.signingKey()
  await issueAgentToken(issuer, { sub, jwk: key.publicJwk, now: 0 })
}
