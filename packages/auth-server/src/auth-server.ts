import { createDiscovery, type Discovery } from '@countersign/discovery'
import { memoryReplaySet, type ReceivedMessage } from '@countersign/httpsig'
import { measured, telemetryOpened, toldTo, withCors } from '@countersign/protocol/internal'
import { openStore, type Store } from '@countersign/store'
import type { OwnKeys } from '@countersign/store/internal'
import { clientOf } from '@countersign/verify'
import { internalVerifier, withClient } from '@countersign/verify/internal'
import { userAccessIn } from './access/access.js'
import { type AppAccess, appAccess } from './access/app-access.js'
import { adminOf } from './admin/admin-of.js'
import type { AdminOptions } from './admin/admin-options.js'
import type { AdminPage } from './admin/open-admin.js'
import { ownQuestionsIn } from './approval/account-approvals.js'
import { defaultApprovalLimits } from './approval/approval-limits.js'
import { approvalPagesOf } from './approval/approval-pages.js'
import { type Approvals, approvalsIn } from './approval/approvals.js'
import { noteAlarms } from './audit/noted-alarms.js'
import { openServerReporting } from './audit/open-reporting.js'
import { authServerMetadata, requestTypesOf } from './auth-server-metadata.js'
import { type Blocks, blocksIn } from './block/blocks.js'
import { endBlocked } from './block/end-access.js'
import { countsIn } from './bound/counts.js'
import { createGuesses } from './bound/guesses.js'
import { pollsIn } from './bound/polls.js'
import { defaultQuota } from './bound/request-quota.js'
import { checkAuthServerOptions } from './check-auth-server-options.js'
import { checkTogether } from './check-together.js'
import { openDatabaseEpoch, restoredResponse, withEpoch } from './database-epoch.js'
import { noticeEvent } from './event/notice-event.js'
import type { ExchangeContext } from './exchange/exchange.js'
import { agentMetadataOf, createLinking, exchangeOf, linksUsers } from './exchange-setup.js'
import { rememberedYes } from './grant/consents.js'
import type { OnSurplus } from './grant/grant-writer.js'
import { grantFacts, grantsIn } from './grant/grants.js'
import type { LoginMethod } from './login/login-method.js'
import { createLogin } from './login/sign-in.js'
import { type Operator, operatorOf } from './operator/open-operator.js'
import type { OperatorContext } from './operator/operator-context.js'
import type { AuthServerOptions } from './options.js'
import { openKeys, takeOver } from './own-keys.js'
import { brandOf } from './pages/brand.js'
import { claimedLogos } from './pages/claimed-logo.js'
import { createLooks } from './pages/look.js'
import { createPageLimit } from './pages/page-limit.js'
import { requestsIn } from './request/requests.js'
import { retention } from './retention.js'
import { createDelivery, type Delivery } from './revocation/delivery.js'
import { noticeSender } from './revocation/send-notice.js'
import { endpointOf, isPage, type RouteContext, requestHandler } from './routes.js'
import { signInCauses } from './sign-in-causes.js'
import type { BlockRow } from './tables/block-tables.js'
import { migrations, room, type Tables } from './tables/tables.js'
import { loadOf } from './telemetry.js'
import { redemptionsIn } from './token/redemption-store.js'
import { createRepeats } from './token/repeats.js'

/** A running auth server. */
export interface AuthServer {
  /** The paths that it answers, exactly, so that it can share an origin with a site: see `mountNode` of `@countersign/server`. */
  readonly paths: readonly string[]
  /** Answers one request: metadata, JWKS, token and revocation endpoint, and with `login` the pages for users. 404 for other paths. */
  handle(message: ReceivedMessage): Promise<Response>
  /** Resolves once a request signed now would be answered. Rejects when the database, or a shared replay set, does not answer. */
  ready(): Promise<void>
  /** The access that users gave to agents, for an application that lists it beside its own connected apps. */
  readonly access: AppAccess
  /** Lists, revokes and blocks; this instance knows its own blocks at once. From another process: {@link openOperator}. */
  readonly operator: Operator
  /**
   * Opens the admin page: lists, revokes and blocks in a browser. Serve it on a port of its own; admins sign in with links of
   * `operator.admins.add`, never with a session of a user. It needs no closing, and no longer answers once this server is closed.
   * @throws TypeError for an unfit option; RangeError for a time that is out of range
   * @example
   * ```ts
   * import { createAuthServer } from '@countersign/auth-server'
   * import { keysFile, serve } from '@countersign/server'
   *
   * const auth = await createAuthServer({
   *   issuer: 'https://auth.example',
   *   keys: await keysFile('auth-keys.json'),
   *   database: 'sqlite:auth.db',
   * })
   * const origin = 'https://admin.example' // a proxy in front ends TLS
   * await serve({ name: 'admin', id: origin, host: '127.0.0.1', port: 8444, participant: await auth.admin({ origin }) })
   * const link = await auth.operator.admins.add({ name: 'ada', origin })
   * ```
   */
  admin(options: AdminOptions): Promise<AdminPage>
  close(): Promise<void>
}

/**
 * Opens an auth server: it verifies callers, decides by policy, and issues auth tokens.
 * @throws Error when the database was used with other keys
 * @throws TypeError when `issuer` is no identifier, there is no key, two share a kid, or `login`, `branding`, `deviceFlow`, `exchange` or `trustedProxies` is unfit; StoreError `restored` when the database is behind `epoch`; RangeError when `authTokenLifetime`, `requestQuota`, `approvalLimits` or `pagesPerMinute` is out of range
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
  const { telemetry } = options
  const { issuer, development = false, now = () => Date.now() / 1000 } = options
  checkTogether(options, development)
  const client = clientOf(options)
  const discovery = options.discovery ?? createDiscovery({ now, development })
  const replay = options.replay ?? memoryReplaySet(options.now && { now })
  const database = await openStore<Tables>({ url: options.database, room, migrations })
  await takeOver(database, options, now)
  const epoch = await openDatabaseEpoch(database, options, now)
  const accept = ['jwks_uri', 'agent+jwt'] as const
  const verifier = internalVerifier({ receiver: issuer, discovery, accept, now, development })
  const alarms = noteAlarms(withEpoch(options.onEvent, epoch), now)
  const reporting = await openServerReporting(database, options, { now, onEvent: alarms.onEvent })
  const { store, report, audit } = reporting
  const keys = await openKeys(reporting, options, now)
  const delivery = deliveryOf(reporting, { ...options, keys, discovery, now, development })
  const ending = { store, issuer, now, onEnded: delivery.poke }
  const endAccess = async (row: BlockRow): Promise<void> => void (await endBlocked(row, ending))
  const blocks = blocksIn({ store, deny: options.deny ?? {}, now, endAccess })
  const opened = { keys, store, discovery, verifier, replay, now, development, report, delivery, blocks }
  const routes = routeContextOf(options, opened)
  const { handle, paths } = requestHandler(routes)
  const open = withCors(options.cors, handle)
  const operating: OperatorContext = {
    ...{ ...ending, development, report, audit, onBlocked: blocks.changed },
    ...{ rotation: options.keys, onKeysChanged: keys.changed },
  }
  const kept = retention(store, now, epoch)
  const closed = telemetryOpened(telemetry, () => loadOf(store, now()))
  return {
    paths,
    access: appAccess(store, userAccessIn(store, now, { issuer, onEnded: delivery.poke }), report),
    handle: measured(telemetry, endpointOf, received => {
      kept.sweep()
      if (epoch?.isBehind() === true) return Promise.resolve(restoredResponse(now))
      const message = withClient(received, client)
      // Pages never get CORS headers: a script of another origin must not read them, even where it may call the token endpoint.
      return isPage(message) ? handle(message) : open(message)
    }),
    async ready() {
      // A standby server gets no other requests that would start a sweep.
      kept.sweep()
      epoch?.check()
      await store.check()
      await replay.ready?.()
    },
    operator: operatorOf(operating),
    admin: adminOf({ routes, operating, discovery, alarms, isBehind: () => epoch?.isBehind() === true }),
    async close() {
      closed()
      await blocks.end()
      await Promise.all([delivery.end(), kept.end()])
      await reporting.end()
      await epoch?.close()
      await store.close()
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

function routeContextOf(options: AuthServerOptions, opened: Opened): RouteContext {
  const { issuer, login, siteOf } = options
  const { keys, store, discovery, verifier, replay, now, development, report, delivery, blocks } = opened
  const common: Common = {
    issuer: { issuer, keys, lifetime: options.authTokenLifetime ?? 600 },
    requests: requestsIn(store, now, { quota: options.requestQuota ?? defaultQuota, development, siteOf }),
    policy: options.policy ?? (() => 'deny'),
    blocks,
    now,
    development,
    report,
  }
  const exchange = exchangeOf(options, { keys, store, now, development })
  const isLinking = exchange !== undefined && login !== undefined && linksUsers(options)
  const approvals = approvalsIn(store, {
    quota: options.requestQuota ?? defaultQuota,
    limits: { ...defaultApprovalLimits, ...options.approvalLimits },
    ...{ issuer, now, development, siteOf, onEnded: delivery.poke, onApproval: options.onApproval },
  })
  const onSurplus: OnSurplus = (tx, principal, grant) =>
    report.within(tx, { type: 'revoked', found: true, reason: 'surplus', ...grantFacts(principal, grant) })
  return {
    ...common,
    metadata: authServerMetadata(options),
    requestTypes: requestTypesOf(options),
    agentMetadata: agentMetadataOf(issuer, isLinking),
    exchange,
    keys,
    verifier,
    replay,
    siteOf,
    grants: grantsIn(store, now, { issuer, onSurplus, onEnded: delivery.poke }),
    redemptions: redemptionsIn({ store, now, issuer, onSurplus, onEnded: delivery.poke }),
    repeats: createRepeats(now),
    approvals,
    polls: pollsIn(store, now),
    users: login === undefined ? 'none' : 'some',
    deviceFlow: options.deviceFlow ?? [],
    pages:
      login &&
      pagesOf({ ...common, approvals, keys, login, store, discovery, options, exchange, onEnded: delivery.poke }),
  }
}

type Common = Pick<RouteContext, 'issuer' | 'requests' | 'policy' | 'blocks' | 'now' | 'development' | 'report'>

function pagesOf({
  login: methods,
  store,
  discovery,
  options,
  exchange,
  approvals,
  keys,
  onEnded,
  ...common
}: Common & {
  readonly login: readonly LoginMethod[]
  readonly store: Store<Tables>
  readonly discovery: Discovery
  readonly options: AuthServerOptions
  readonly exchange: ExchangeContext | undefined
  readonly approvals: Approvals
  readonly keys: OwnKeys
  readonly onEnded: () => void
}): NonNullable<RouteContext['pages']> {
  const { now, development, report, issuer } = common
  const looks = createLooks(issuer.issuer, brandOf(options.branding))
  const login = createLogin({
    issuer: issuer.issuer,
    looks,
    methods,
    store,
    now,
    development,
    report,
    blocked: common.blocks,
    causeOf: signInCauses(common.requests, now),
  })
  const linked = { ...common, login, looks, discovery, keys }
  const pages: Omit<NonNullable<RouteContext['pages']>, 'approvalPages'> = {
    ...common,
    login,
    store,
    looks,
    access: userAccessIn(store, now, { issuer: issuer.issuer, onEnded }),
    linking: exchange && createLinking(exchange, linked, options),
    remembered: (key, scope) => rememberedYes(store.db, key, { scope, now: now() }),
    defaults: options.consentDefaults ?? {},
    discovery,
    logos: claimedLogos({ now, development, fetcher: options.logoFetcher }),
    guesses: createGuesses(countsIn(store, now), { privatePeers: options.trustedProxies !== undefined }),
    limit: createPageLimit(options.pagesPerMinute ?? 300, now),
    questions: ownQuestionsIn(store, now),
  }
  return { ...pages, approvalPages: approvalPagesOf({ ...pages, approvals }) }
}
