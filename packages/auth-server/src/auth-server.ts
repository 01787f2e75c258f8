import { createDiscovery, type Discovery } from '@countersign/discovery'
import { memoryReplaySet, type ReceivedMessage } from '@countersign/httpsig'
import { answering, type Issuer, openIssuer } from '@countersign/issuer/internal'
import { telemetryOpened, toldTo } from '@countersign/protocol/internal'
import { openStore, type Store } from '@countersign/store'
import type { OwnKeys } from '@countersign/store/internal'
import { internalVerifier } from '@countersign/verify/internal'
import { type UserAccess, userAccessIn } from './access/access.js'
import { type AppAccess, appAccess } from './access/app-access.js'
import { defaultApprovalLimits } from './approval/approval-limits.js'
import { type Approvals, approvalsIn } from './approval/approvals.js'
import { type NotedAlarms, noteAlarms } from './audit/noted-alarms.js'
import { type Blocks, blocksIn } from './block/blocks.js'
import { endBlocked } from './block/end-access.js'
import { pollsIn } from './bound/polls.js'
import { defaultQuota } from './bound/request-quota.js'
import { type DeskServer, setupOf } from './desk.js'
import type { AuthServerEvent } from './event/event.js'
import { noticeEvent } from './event/notice-event.js'
import type { OnSurplus } from './grant/grant-writer.js'
import { grantFacts, grantsIn } from './grant/grants.js'
import { lend } from './lent.js'
import type { AuthServerOptions } from './options.js'
import { answerRedirect } from './request/decided.js'
import { requestsIn } from './request/requests.js'
import { createDelivery, type Delivery } from './revocation/delivery.js'
import { noticeSender } from './revocation/send-notice.js'
import { type RouteContext, requestHandler } from './routes.js'
import { authServerMetadata, requestTypesOf } from './setup/auth-server-metadata.js'
import { checkAuthServerOptions } from './setup/check-auth-server-options.js'
import { checkTogether } from './setup/check-together.js'
import { agentMetadataOf, exchangeOf, linksUsers } from './setup/exchange-setup.js'
import { authServerKind, kindBySite } from './setup/kind.js'
import { retention } from './setup/retention.js'
import type { BlockRow } from './tables/block-tables.js'
import { migrations, room, type Tables } from './tables/tables.js'
import { loadOf } from './telemetry.js'
import { redemptionsIn } from './token/redemption-store.js'
import { createRepeats } from './token/repeats.js'

/** A running auth server. */
export interface AuthServer {
  /** The paths that it answers, exactly, so that it can share an origin with a site: see `mountNode` of `@countersign/server`. */
  readonly paths: readonly string[]
  /** Answers one request: metadata, JWKS, token and revocation endpoint, and with a `desk` its pages. 404 for other paths. */
  handle(message: ReceivedMessage): Promise<Response>
  /** Resolves once a request signed now would be answered. Rejects when the database, or a shared replay set, does not answer. */
  ready(): Promise<void>
  /** The access that users gave to agents, for an application that lists it beside its own connected apps. */
  readonly access: AppAccess
  close(): Promise<void>
}

/**
 * Opens an auth server: it verifies callers, decides by policy, and issues auth tokens.
 * @throws Error when the database was used with other keys
 * @throws TypeError when `issuer` is no identifier, there is no key, two share a kid, or `desk`, `deviceFlow`, `exchange` or `trustedProxies` is unfit; StoreError `restored` when the database is behind `epoch`; RangeError when `authTokenLifetime`, `requestQuota` or `approvalLimits` is out of range
 * @see protocol §6
 * @example
 * ```ts
 * import { createAuthServer, directGrants } from '@countersign/auth-server'
 * import { keysFile, serve } from '@countersign/server'
 *
 * const auth = await createAuthServer({
 *   issuer: 'https://auth.example',
 *   keys: await keysFile('auth-keys.json'),
 *   database: 'sqlite:auth.db',
 *   policy: directGrants([
 *     { agent: 'https://agent.example', delegates: 'any', resource: 'https://calendar.example', scopes: ['events.read'] },
 *   ]),
 * })
 * await serve({ name: 'auth-server', id: 'https://auth.example', port: 8443, participant: auth })
 * ```
 */
export async function createAuthServer(options: AuthServerOptions): Promise<AuthServer> {
  checkAuthServerOptions(options)
  const onEvent = toldTo(options.telemetry, options.onEvent)
  return openAuthServer({ ...options, ...(onEvent && { onEvent }) })
}

async function openAuthServer(options: AuthServerOptions): Promise<AuthServer> {
  const { issuer: id, development = false, now = () => Date.now() / 1000 } = options
  checkTogether(options, development)
  const database = await openStore<Tables>({ url: options.database, room, migrations })
  const alarms = noteAlarms(options.onEvent, now)
  const issuer = await openIssuer<Tables, AuthServerEvent>(
    database,
    development ? authServerKind : kindBySite(options.siteOf),
    {
      id,
      now,
      keys: options.keys,
      knownKeys: options.knownKeys ?? 'check',
      epoch: options.epoch,
      audit: options.audit,
      onEvent: alarms.onEvent,
    },
  )
  try {
    return serverOf(issuer, options, { development, now, alarms })
  } catch (thrown) {
    await issuer.close()
    throw thrown
  }
}

function serverOf(
  opened: Issuer<Tables, AuthServerEvent>,
  options: AuthServerOptions,
  { development, now, alarms }: { development: boolean; now: () => number; alarms: NotedAlarms },
): AuthServer {
  const { issuer } = options
  const { store, report, audit, keys, isBehind } = opened
  const discovery = options.discovery ?? createDiscovery({ now, development })
  const replay = options.replay ?? memoryReplaySet(options.now && { now })
  const accept = ['jwks_uri', 'agent+jwt'] as const
  const verifier = internalVerifier({ receiver: issuer, discovery, accept, now, development })
  const delivery = deliveryOf(opened, { ...options, keys, discovery, now, development })
  const ending = { store, issuer, now, onEnded: delivery.poke }
  const endAccess = async (row: BlockRow): Promise<void> => void (await endBlocked(row, ending))
  const blocks = blocksIn({ store, deny: options.deny ?? {}, now, endAccess })
  const routes = routeContextOf(options, {
    keys,
    store,
    discovery,
    verifier,
    replay,
    now,
    development,
    report,
    delivery,
    blocks,
  })
  const server = runningServer(opened, options, { routes, delivery, blocks, now })
  lend(server, {
    ...ending,
    development,
    report,
    audit,
    blocks,
    keys,
    rotation: options.keys,
    discovery,
    alarms,
    replay,
    policy: routes.policy,
    users: routes.users,
    isBehind,
  })
  return server
}

/** The parts of an auth server that run until it is closed. */
interface Running {
  readonly routes: ReturnType<typeof routeContextOf>
  readonly delivery: Delivery
  readonly blocks: Blocks
  readonly now: () => number
}

function runningServer(
  opened: Issuer<Tables, AuthServerEvent>,
  options: AuthServerOptions,
  { routes, delivery, blocks, now }: Running,
): AuthServer {
  const { telemetry } = options
  const { store, report, isBehind } = opened
  const { handle, paths, endpointOf } = requestHandler(routes)
  const answer = answering({ handle, endpointOf, telemetry, cors: options.cors, isBehind, now }, options)
  const kept = retention(store, now, opened)
  const closed = telemetryOpened(telemetry, () => loadOf(store, now()))
  return {
    paths,
    access: appAccess(store, routes.access, report),
    handle(message) {
      kept.sweep()
      return answer(message)
    },
    async ready() {
      // A standby server gets no other requests that would start a sweep.
      kept.sweep()
      await opened.ready()
      await routes.replay.ready?.()
    },
    async close() {
      closed()
      await blocks.end()
      await Promise.all([delivery.end(), kept.end()])
      await opened.close()
    },
  }
}

function deliveryOf(
  { store, report }: Pick<RouteContext, 'report'> & { readonly store: Store<Tables> },
  o: Pick<AuthServerOptions, 'issuer' | 'fetch'> & Pick<Opened, 'keys' | 'discovery' | 'now' | 'development'>,
): Delivery {
  const { issuer, keys, discovery, now, development, fetch } = o
  return createDelivery({
    store,
    now,
    send: noticeSender({ issuer, keys, discovery, now, development, fetch }),
    record: (tx, notice, answer) => report.record(tx, noticeEvent(notice, answer)),
    onOutcome: (notice, answer) => report.tell(noticeEvent(notice, answer)),
  })
}

/** What an auth server has opened. */
interface Opened extends Pick<RouteContext, 'verifier' | 'replay' | 'now' | 'development' | 'report'> {
  readonly keys: OwnKeys
  readonly store: Store<Tables>
  readonly discovery: Discovery
  readonly delivery: Delivery
  readonly blocks: Blocks
}

function routeContextOf(options: AuthServerOptions, opened: Opened): RouteContext & { readonly access: UserAccess } {
  const { issuer, desk, siteOf } = options
  const { keys, store, discovery, verifier, replay, now, development, report, delivery, blocks } = opened
  const onEnded = delivery.poke
  const quota = options.requestQuota ?? defaultQuota
  const onSurplus: OnSurplus = (tx, principal, grant) =>
    report.within(tx, { type: 'revoked', found: true, reason: 'surplus', ...grantFacts(principal, grant) })
  const context = {
    issuer: { issuer, keys, lifetime: options.authTokenLifetime ?? 600 },
    requests: requestsIn(store, now, { quota, development, siteOf }),
    approvals: approvalsOf(options, opened),
    access: userAccessIn(store, now, { issuer, onEnded }),
    exchange: exchangeOf(options, { keys, store, now, development }),
    policy: options.policy ?? (() => 'deny' as const),
    keys,
    store,
    discovery,
    blocks,
    now,
    development,
    report,
  }
  return {
    ...context,
    metadata: authServerMetadata(options),
    requestTypes: requestTypesOf(options),
    agentMetadata: agentMetadataOf(issuer, context.exchange !== undefined && desk !== undefined && linksUsers(options)),
    verifier,
    replay,
    siteOf,
    grants: grantsIn(store, now, { issuer, onSurplus, onEnded }),
    redemptions: redemptionsIn({ store, now, issuer, onSurplus, onEnded }),
    repeats: createRepeats(now),
    polls: pollsIn(store, now),
    users: desk === undefined ? 'none' : 'some',
    deviceFlow: options.deviceFlow ?? [],
    desk: desk && setupOf(desk).open({ ...context, ...lentTo(options) }),
  }
}

function approvalsOf(options: AuthServerOptions, { store, now, development, delivery }: Opened): Approvals {
  return approvalsIn(store, {
    limits: { ...defaultApprovalLimits, ...options.approvalLimits },
    quota: options.requestQuota ?? defaultQuota,
    issuer: options.issuer,
    now,
    development,
    siteOf: options.siteOf,
    onEnded: delivery.poke,
    onApproval: options.onApproval,
  })
}

/** What a desk gets of the options, and how it sends browsers back. */
function lentTo({
  issuer,
  fetch,
  exchange,
  trustedProxies,
}: AuthServerOptions): Pick<DeskServer, 'upstream' | 'privatePeers' | 'decided'> {
  const deadline = exchange?.deadline
  return {
    upstream: { ...(fetch === undefined ? {} : { fetch }), ...(deadline === undefined ? {} : { deadline }) },
    privatePeers: trustedProxies !== undefined,
    decided: (row, request_token) => answerRedirect(row, request_token, issuer),
  }
}
