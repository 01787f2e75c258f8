import { type AuditReader, readAudit } from '@countersign/audit'
import { type Reporter, recordIfUsed, type Transaction } from '@countersign/audit/internal'
import { memoryReplaySet, type ReceivedMessage } from '@countersign/httpsig'
import { errorResponse, jwks, type PublishedKey } from '@countersign/protocol'
import { measured, refusal, telemetryOpened, withCors } from '@countersign/protocol/internal'
import { type EpochKeeper, type OperatorKeys, openStore, type Store } from '@countersign/store'
import {
  type Epoch,
  fixedKeys,
  keyOperator,
  memoryKeyStore,
  type OwnKeyEvent,
  type OwnKeys,
  type OwnKeysOptions,
  openEpoch,
  openOwnKeys,
  operatedAs,
  ownKeySchedule,
  scheduledKeys,
  takeOverKeys,
} from '@countersign/store/internal'
import { clientOf } from '@countersign/verify'
import { internalVerifier, withClient } from '@countersign/verify/internal'
import type { AgentServerOptions } from './agent-server-options.js'
import { auditEventOf } from './audit/audit-event.js'
import { openServerReporting } from './audit/open-reporting.js'
import { keysNow } from './bot-directory.js'
import { delegateKeysIn } from './delegate/delegate-key.js'
import { delegatesIn } from './delegate/delegates.js'
import { type Oversight, oversight } from './delegate/oversight.js'
import { codes } from './enrollment/codes.js'
import { openEnrollments } from './enrollment/enrollment.js'
import type { AgentServerEvent } from './event.js'
import { ownDiscovery } from './key/own-discovery.js'
import { delegateTokenPath, endpointOf, type RequestHandler, requestHandler } from './routes.js'
import { readSettings, type Settings } from './settings.js'
import { migrations, room, type Tables } from './tables.js'
import { type AgentTokenIssuer, issueAgentToken, type TokenSubject } from './token/agent-token.js'
import type { DelegateTokenContext } from './token/token-context.js'
import { longestLifetime, renewalGrace } from './token-lifetime.js'

/** The published identity of a process that acts under its own name. */
export interface PublishedAgent {
  /** Every path that is answered, exactly: `/.well-known/aauth-agent`, `/.well-known/jwks.json`, and the delegate token endpoint and key directory of bots if there is one. */
  readonly paths: readonly string[]
  /** Answers a request to one of `paths`; 404 for any other path. */
  handle(message: ReceivedMessage): Promise<Response>
  /**
   * The key that signs now, for requests under the agent's own name (`jwks_uri`). Call it for each request: keys rotate.
   * @throws AAuthError `temporarily_unavailable`
   */
  signingKey(): Promise<PublishedKey>
  /** Resolves when requests can be answered. Rejects while the database, or a shared replay set, is not available. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** A running agent server. */
export interface AgentServer extends PublishedAgent, Oversight {
  /** The audit log, where the server keeps one. */
  readonly audit: AuditReader
  /** Its own keys, for its operator. */
  readonly keys: OperatorKeys
}

/**
 * Opens an agent server: it publishes the agent's identity, enrols delegates and issues their agent tokens.
 *
 * Without `database` there are no delegates and no endpoint for them: after a restart the server would not know its delegates,
 * and none could renew its token. A process that is itself the agent needs no database: its keys may live in memory, because
 * refresh tokens are bound to the agent, not to a key.
 * @throws Error when the database was used with other keys
 * @throws TypeError when `id` is not an identifier, `trustedProxies` is invalid or no token could be issued
 * @throws StoreError `restored` when the database is behind `epoch`
 * @throws RangeError when `tokenLifetime` or a time of `keys` is out of range
 * @see protocol §5 "Delegates get agent tokens", §6 "Agent metadata", §10
 * @example
 * ```ts
 * import { codes, createAgentServer } from '@countersign/agent-server'
 * import { serve } from '@countersign/server'
 *
 * const server = await createAgentServer({
 *   id: 'https://agent.example',
 *   database: 'sqlite:agent.db',
 *   enrollment: [codes()],
 * })
 * await serve({ name: 'agent-server', id: 'https://agent.example', port: 8443, participant: server })
 * ```
 */
export function createAgentServer(options: AgentServerOptions & { readonly database: string }): Promise<AgentServer>
export function createAgentServer(options: AgentServerOptions): Promise<PublishedAgent>
export async function createAgentServer(options: AgentServerOptions): Promise<PublishedAgent | AgentServer> {
  const settings = readSettings(options)
  if (options.database === undefined) return openPublishedAgent(options, settings)
  const store = await openStore<Tables>({ url: options.database, room, migrations })
  try {
    return await openAgentServer(options, settings, store)
  } catch (thrown) {
    await store.close()
    throw thrown
  }
}

async function openPublishedAgent(options: AgentServerOptions, settings: Settings): Promise<PublishedAgent> {
  const keys = await keysInMemory(settings)
  await checkBotKeys(settings, keys)
  const { paths, handle } = withClientAddress(
    options,
    requestHandler({
      ...settings,
      keys,
      report: { alone: async event => settings.onEvent(event), tell: settings.onEvent },
    }),
  )
  const nothing = async (): Promise<void> => undefined
  return {
    paths,
    handle: measured(options.telemetry, endpointOf, withCors(options.cors, handle)),
    signingKey: keys.signing,
    ready: nothing,
    close: nothing,
  }
}

async function openAgentServer(
  options: AgentServerOptions,
  settings: Settings,
  database: Store<Tables>,
): Promise<AgentServer> {
  const { now } = settings
  await checkKnownKeys(database, settings, options.knownKeys ?? 'check')
  const epoch = await openDatabaseEpoch(database, options.epoch, settings)
  const onEvent = withEpoch(settings.onEvent, epoch)
  const reporting = await openServerReporting(database, options, { now, onEvent })
  const { store, report } = reporting
  const recording = recordingKeys(report)
  const keys = await openOwnKeys(store, {
    ...{ room, keys: settings.keys, now, ...recording },
    schedule: rotation => ownKeySchedule(rotation, lifetimes),
  })
  await checkBotKeys(settings, keys)
  const context = delegateTokenContext(options, { ...settings, onEvent, report, keys }, store)
  const { issuer, delegates, enrollments, replay } = context
  await checkIssuable(issuer, { sub: 'any' })
  const { paths, handle } = withClientAddress(options, requestHandler({ ...settings, report, keys }, context))
  const closed = telemetryOpened(options.telemetry, async () => ({ writes: store.waiting() }))
  const answer = withCors(options.cors, refuseWhenRestored(handle, epoch, now))
  return {
    paths,
    handle: measured(options.telemetry, endpointOf, answer),
    signingKey: keys.signing,
    ...oversight({
      store,
      delegates,
      takesCodes: enrollments.has('code'),
      checkIssuable: delegate => checkIssuable(issuer, delegate),
      delegations: settings,
      now,
      report,
    }),
    audit: readAudit({ store, room }),
    keys: keyOperator(store, {
      room,
      ...operatedAs(settings.keys, lifetimes),
      now,
      ...recording,
      onChanged: keys.changed,
    }),
    async ready() {
      await epoch?.see()
      epoch?.check()
      await store.check()
      await replay.ready?.()
    },
    async close() {
      closed()
      await reporting.end()
      await epoch?.close()
      await store.close()
    },
  }
}

function delegateTokenContext(
  options: AgentServerOptions,
  settings: Omit<Settings, 'keys'> & { readonly keys: OwnKeys; readonly report: Reporter<AgentServerEvent> },
  store: Store<Tables>,
): DelegateTokenContext {
  const { id } = options
  const { metadata, keys, development, now, onEvent, report } = settings
  const discovery = ownDiscovery(metadata, keys)
  return {
    verifier: internalVerifier({ receiver: id, discovery, accept: ['hwk', 'agent+jwt'], now, development }),
    replay: options.replay ?? memoryReplaySet(options.now && { now }),
    endpoint: `${id}${delegateTokenPath}`,
    delegates: delegatesIn(store, now),
    delegateKeys: delegateKeysIn(store, now),
    enrollments: openEnrollments(options.enrollment ?? [codes()], {
      ...{ id, store, now, development, onEvent },
      delegations: settings,
    }),
    issuer: { ...settings, id, signingKey: keys.signing },
    development,
    now,
    report,
  }
}

async function openDatabaseEpoch(
  store: Store<Tables>,
  keeper: EpochKeeper | undefined,
  { now, onEvent }: Pick<Settings, 'now' | 'onEvent'>,
): Promise<Epoch | undefined> {
  if (keeper === undefined) return undefined
  const onLost = (): void => onEvent({ type: 'alarm', reason: 'epoch-lost' })
  return openEpoch(store, { room, keeper, now, onLost })
}

/** Events whose effects a restored backup would undo. */
const ending = new Set([
  ...['enrolled', 'rotated', 'revoked', 'enrollment-revoked', 'forgotten', 'delegation-set'],
  ...['key-made', 'key-retired', 'key-revoked'],
])

/** Passes events on. Those that an older database must not miss advance the epoch. */
function withEpoch(onEvent: Settings['onEvent'], epoch: Epoch | undefined): Settings['onEvent'] {
  return event => {
    if (ending.has(event.type)) epoch?.touch()
    onEvent(event)
  }
}

/** A database that was restored under a running server is not used: revoked delegates and replaced keys would be valid again. */
function refuseWhenRestored(
  handle: RequestHandler['handle'],
  epoch: Epoch | undefined,
  now: () => number,
): RequestHandler['handle'] {
  if (epoch === undefined) return handle
  return async message => {
    if (!epoch.isBehind()) return handle(message)
    return errorResponse(refusal('database_restored', { retryAfter: 60 }), { now })
  }
}

/** Gives each request the address of the client: shares of the replay set and events must not name the proxy. */
function withClientAddress(options: AgentServerOptions, { paths, handle }: RequestHandler): RequestHandler {
  const client = clientOf(options)
  return { paths, handle: message => handle(withClient(message, client)) }
}

/** With other keys no delegate could renew, and no error would say why. */
async function checkKnownKeys(
  store: Store<Tables>,
  { keys, now }: Pick<Settings, 'keys' | 'now'>,
  knownKeys: NonNullable<AgentServerOptions['knownKeys']>,
): Promise<void> {
  const record = await recordIfUsed(store, { room, now, eventOf: auditEventOf })
  await takeOverKeys(store, {
    ...{ room, keys, knownKeys, now },
    also: (tx, change) => record(tx, { type: 'keys-changed', ...change }),
  })
}

/** Records what happens to own keys with the change, and tells of it after. */
function recordingKeys(report: Reporter<AgentServerEvent>): Required<Pick<OwnKeysOptions, 'record' | 'onEvent'>> {
  return {
    record: (tx, event) => report.record(tx as unknown as Transaction, keyEvent(event)),
    onEvent: event => report.tell(keyEvent(event)),
  }
}

/** How long tokens of an own key must be verifiable: by others, and here. */
const lifetimes = { tokenLifetime: longestLifetime, grace: renewalGrace }

async function keysInMemory({ keys, now, onEvent }: Settings): Promise<OwnKeys> {
  if (!('rotateEvery' in keys)) return fixedKeys(keys)
  const { algorithm = 'Ed25519', before = [] } = keys
  jwks(before)
  const schedule = ownKeySchedule(keys, lifetimes)
  const keyStore = memoryKeyStore(algorithm, before)
  return scheduledKeys({ keyStore, schedule, now, onEvent: event => onEvent(keyEvent(event)) })
}

function keyEvent(event: OwnKeyEvent): AgentServerEvent {
  const { did, ...facts } = event
  return { type: `key-${did}`, ...facts } as AgentServerEvent
}

/** Refuses keys of bots that cannot be published when they are set, not when the directory is asked for. */
async function checkBotKeys({ botKeys }: Settings, keys: OwnKeys): Promise<void> {
  if (botKeys !== undefined) await keysNow({ keys: botKeys, own: () => keys.published() })
}

/** Refuses options and names that no token could carry when they are set, not at the first delegate. */
async function checkIssuable(
  issuer: AgentTokenIssuer,
  delegate: Pick<TokenSubject, 'sub' | 'delegation'>,
): Promise<void> {
  const { key } = await issuer.signingKey()
  await issueAgentToken(issuer, { ...delegate, jwk: key.publicJwk, now: 0 })
}
