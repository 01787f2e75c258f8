import { type AuditReader, readAudit } from '@countersign/audit'
import type { Reporter } from '@countersign/audit/internal'
import { memoryReplaySet, type ReceivedMessage } from '@countersign/httpsig'
import { answering, type Issuer, keyEvent, openIssuer, operatorKeys } from '@countersign/issuer/internal'
import { jwks, type PublishedKey } from '@countersign/protocol'
import { telemetryOpened } from '@countersign/protocol/internal'
import { type OperatorKeys, openStore, type Store } from '@countersign/store'
import { fixedKeys, memoryKeyStore, type OwnKeys, ownKeySchedule, scheduledKeys } from '@countersign/store/internal'
import { internalVerifier } from '@countersign/verify/internal'
import type { AgentServerOptions } from './agent-server-options.js'
import { keysNow } from './bot-directory.js'
import { delegateKeysIn } from './delegate/delegate-key.js'
import { delegatesIn } from './delegate/delegates.js'
import { type Oversight, oversight } from './delegate/oversight.js'
import { codes } from './enrollment/codes.js'
import { openEnrollments } from './enrollment/enrollment.js'
import type { AgentServerEvent } from './event.js'
import { ownDiscovery } from './key/own-discovery.js'
import { agentServerKind } from './kind.js'
import { delegateTokenPath, endpointOf, type RequestHandler, requestHandler } from './routes.js'
import { readSettings, type Settings } from './settings.js'
import { migrations, room, type Tables } from './tables.js'
import { type AgentTokenIssuer, issueAgentToken, type TokenSubject } from './token/agent-token.js'
import type { DelegateTokenContext } from './token/token-context.js'

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
  const issuer = await openIssuer<Tables, AgentServerEvent>(
    await openStore<Tables>({ url: options.database, room, migrations }),
    agentServerKind,
    {
      id: options.id,
      now: settings.now,
      keys: settings.keys,
      knownKeys: options.knownKeys ?? 'check',
      epoch: options.epoch,
      audit: options.audit,
      onEvent: settings.onEvent,
    },
  )
  try {
    return await agentServerOf(issuer, options, settings)
  } catch (thrown) {
    await issuer.close()
    throw thrown
  }
}

async function openPublishedAgent(options: AgentServerOptions, settings: Settings): Promise<PublishedAgent> {
  const keys = await keysInMemory(settings)
  await checkBotKeys(settings, keys)
  const { paths, handle } = requestHandler({
    ...settings,
    keys,
    report: { alone: async event => settings.onEvent(event), tell: settings.onEvent },
  })
  const nothing = async (): Promise<void> => undefined
  return {
    paths,
    handle: answerWith(options, settings, { handle, isBehind: () => false }),
    signingKey: keys.signing,
    ready: nothing,
    close: nothing,
  }
}

async function agentServerOf(
  opened: Issuer<Tables, AgentServerEvent>,
  options: AgentServerOptions,
  settings: Settings,
): Promise<AgentServer> {
  const { store, report, keys, isBehind } = opened
  const { now } = settings
  await checkBotKeys(settings, keys)
  const context = delegateTokenContext(options, { ...settings, report, keys }, store)
  const { issuer, delegates, enrollments, replay } = context
  await checkIssuable(issuer, { sub: 'any' })
  const { paths, handle } = requestHandler({ ...settings, report, keys }, context)
  const closed = telemetryOpened(options.telemetry, async () => ({ writes: store.waiting() }))
  return {
    paths,
    handle: answerWith(options, settings, { handle, isBehind }),
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
    keys: operatorKeys(opened, agentServerKind, { keys: settings.keys, now, onChanged: keys.changed }),
    async ready() {
      await opened.ready()
      await replay.ready?.()
    },
    async close() {
      closed()
      await opened.close()
    },
  }
}

function answerWith(
  options: AgentServerOptions,
  { now }: Settings,
  { handle, isBehind }: Pick<RequestHandler, 'handle'> & { readonly isBehind: () => boolean },
): RequestHandler['handle'] {
  return answering({ handle, endpointOf, telemetry: options.telemetry, cors: options.cors, isBehind, now }, options)
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
      id,
      store,
      now,
      development,
      onEvent,
      delegations: settings,
    }),
    issuer: { ...settings, id, signingKey: keys.signing },
    development,
    now,
    report,
  }
}

async function keysInMemory({ keys, now, onEvent }: Settings): Promise<OwnKeys> {
  if (!('rotateEvery' in keys)) return fixedKeys(keys)
  const { algorithm = 'Ed25519', before = [] } = keys
  jwks(before)
  const schedule = ownKeySchedule(keys, agentServerKind.lifetimes)
  const keyStore = memoryKeyStore(algorithm, before)
  return scheduledKeys({ keyStore, schedule, now, onEvent: event => onEvent(keyEvent(event)) })
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
