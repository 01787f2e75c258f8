import { createDiscovery, type Discovery } from '@countersign/discovery'
import { type HeadJudgement, memoryReplaySet, type ReceivedMessage, thumbprint } from '@countersign/httpsig'
import { jwks, type PublishedKey } from '@countersign/protocol'
import { checkIdentifier, measured, telemetryOpened, toldTo, withCors } from '@countersign/protocol/internal'
import { openStore, type Store } from '@countersign/store'
import { belongsTo } from '@countersign/store/internal'
import { clientOf, createVerifier } from '@countersign/verify'
import { withClient } from '@countersign/verify/internal'
import { userAccessIn } from './account/access.js'
import { type AppAccess, appAccess } from './account/app-access.js'
import { ownQuestionsIn } from './approval/account-approvals.js'
import { defaultApprovalLimits } from './approval/approval-limits.js'
import { approvalPagesOf } from './approval/approval-pages.js'
import { type Approvals, approvalsIn } from './approval/approvals.js'
import { authServerMetadata, requestTypesOf } from './auth-server-metadata.js'
import type { BlockRow } from './block/block-tables.js'
import { type Blocks, blocksIn } from './block/blocks.js'
import { checkDeny } from './block/deny.js'
import { countsIn } from './bound/counts.js'
import { createGuesses } from './bound/guesses.js'
import { createPolls } from './bound/polls.js'
import { defaultQuota } from './bound/request-quota.js'
import { checkAuthServerOptions } from './check-auth-server-options.js'
import { requestsIn } from './consent/requests.js'
import { openDatabaseEpoch, restoredResponse, withEpoch } from './database-epoch.js'
import type { ExchangeContext } from './exchange/exchange.js'
import { agentMetadataOf, checkExchange, createLinking, exchangeOf, linksUsers } from './exchange-setup.js'
import { rememberedYes } from './grant/consents.js'
import type { OnSurplus } from './grant/grant-writer.js'
import { grantFacts, grantsIn } from './grant/grants.js'
import { checkLoginMethods, type LoginMethod } from './login/login-method.js'
import { createLogin } from './login/sign-in.js'
import { endBlocked } from './operator/end-access.js'
import { type Operator, operatorOf } from './operator/open-operator.js'
import type { AuthServerOptions } from './options.js'
import { brandOf } from './pages/brand.js'
import { claimedLogos } from './pages/claimed-logo.js'
import { createLooks } from './pages/look.js'
import { createPageLimit } from './pages/page-limit.js'
import { retention } from './retention.js'
import { createDelivery, type Delivery } from './revocation/delivery.js'
import { noticeEvent } from './revocation/notice-event.js'
import { noticeSender } from './revocation/send-notice.js'
import { endpointOf, isPage, judgeTokenHead, type RouteContext, requestHandler } from './routes.js'
import { signInCauses } from './sign-in-causes.js'
import { migrations, room, type Tables } from './tables.js'
import { loadOf } from './telemetry.js'
import { redemptionsIn } from './token/redemption-store.js'
import { createRepeats } from './token/repeats.js'

const longestLifetime = 3600

/** A running auth server. */
export interface AuthServer {
  /** The paths that it answers, exactly, so that it can share an origin with a site: see `mountNode` of `@countersign/server`. */
  readonly paths: readonly string[]
  /** Answers one request: metadata, JWKS, token and revocation endpoint, and with `login` the pages for users. 404 for other paths. */
  handle(message: ReceivedMessage): Promise<Response>
  /** Judges a request by its head, before its body is read. For servers. */
  judgeHead(head: ReceivedMessage): HeadJudgement
  /** Resolves once a request signed now would be answered. Rejects when the database, or a shared replay set, does not answer. */
  ready(): Promise<void>
  /** The access that users gave to agents, for an application that lists it beside its own connected apps. */
  readonly access: AppAccess
  /** Lists, revokes and blocks; this instance knows its own blocks at once. From another process: {@link openOperator}. */
  readonly operator: Operator
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
  const key = signingKeyOf(options, development)
  const client = clientOf(options)
  const discovery = options.discovery ?? createDiscovery({ now, development })
  const replay = options.replay ?? memoryReplaySet(options.now && { now })
  const store = await openStore<Tables>({ url: options.database, room, migrations })
  await checkBelonging(store, options)
  const epoch = await openDatabaseEpoch(store, options, now)
  const accept = ['jwks_uri', 'agent+jwt'] as const
  const verifier = createVerifier({ receiver: issuer, discovery, accept, now, development })
  const onEvent = withEpoch(options.onEvent, epoch)
  const delivery = createDelivery({
    store,
    now,
    send: noticeSender({ issuer, key, discovery, now, development, fetch: options.fetch }),
    onOutcome: (notice, answer) => onEvent(noticeEvent(notice, answer)),
  })
  const ending = { store, issuer, now, onEnded: delivery.poke }
  const endAccess = async (row: BlockRow): Promise<void> => void (await endBlocked(row, ending))
  const blocks = blocksIn({ store, deny: options.deny ?? {}, now, endAccess })
  const opened = { key, store, discovery, verifier, replay, now, development, onEvent, delivery, blocks }
  const { handle, paths } = requestHandler(routeContextOf(options, opened))
  const open = withCors(options.cors, handle)
  const kept = retention(store, now, epoch)
  const closed = telemetryOpened(telemetry, () => loadOf(store, now()))
  return {
    paths,
    access: appAccess(store, userAccessIn(store, now, { issuer, onEnded: delivery.poke })),
    handle: measured(telemetry, endpointOf, received => {
      kept.sweep()
      if (epoch?.isBehind() === true) return Promise.resolve(restoredResponse(now))
      const message = withClient(received, client)
      // Pages never get CORS headers: a script of another origin must not read them, even where it may call the token endpoint.
      return isPage(message) ? handle(message) : open(message)
    }),
    judgeHead: head => judgeTokenHead(head, verifier, client),
    async ready() {
      // A standby server gets no other requests that would start a sweep.
      kept.sweep()
      epoch?.check()
      await store.check()
      await replay.ready?.()
    },
    operator: operatorOf({ ...ending, development, onEvent, onBlocked: blocks.changed }),
    async close() {
      closed()
      await blocks.end()
      await Promise.all([delivery.end(), kept.end()])
      await epoch?.close()
      await store.close()
    },
  }
}

/** What an auth server has opened. */
interface Opened extends Pick<RouteContext, 'verifier' | 'replay' | 'now' | 'development' | 'onEvent'> {
  readonly key: PublishedKey
  readonly store: Store<Tables>
  readonly discovery: Discovery
  readonly delivery: Delivery
  readonly blocks: Blocks
}

function routeContextOf(options: AuthServerOptions, opened: Opened): RouteContext {
  const { issuer, login, siteOf } = options
  const { key, store, discovery, verifier, replay, now, development, onEvent, delivery, blocks } = opened
  const common: Common = {
    issuer: { issuer, key, lifetime: options.authTokenLifetime ?? 600 },
    requests: requestsIn(store, now, { quota: options.requestQuota ?? defaultQuota, development, siteOf }),
    policy: options.policy ?? (() => 'deny'),
    blocks,
    now,
    development,
    onEvent,
  }
  const exchange = exchangeOf(options, { store, now, development })
  const isLinking = exchange !== undefined && login !== undefined && linksUsers(options)
  const approvals = approvalsIn(store, {
    quota: options.requestQuota ?? defaultQuota,
    limits: { ...defaultApprovalLimits, ...options.approvalLimits },
    ...{ issuer, now, development, siteOf, onEnded: delivery.poke, onApproval: options.onApproval },
  })
  const onSurplus: OnSurplus = (principal, grant) => {
    onEvent({ type: 'revoked', found: true, reason: 'surplus', ...grantFacts(principal, grant) })
    delivery.poke()
  }
  return {
    ...common,
    metadata: authServerMetadata(options),
    requestTypes: requestTypesOf(options),
    agentMetadata: agentMetadataOf(issuer, isLinking),
    exchange,
    keys: options.keys,
    verifier,
    replay,
    siteOf,
    grants: grantsIn(store, now, { issuer, onSurplus, onEnded: delivery.poke }),
    redemptions: redemptionsIn({ store, now, issuer, onSurplus }),
    repeats: createRepeats(now),
    approvals,
    polls: createPolls(now),
    users: login === undefined ? 'none' : 'some',
    deviceFlow: options.deviceFlow ?? [],
    pages:
      login && pagesOf({ ...common, approvals, login, store, discovery, options, exchange, onEnded: delivery.poke }),
  }
}

/** With other keys, all tokens that were issued before are refused, and no error would say why. */
async function checkBelonging(store: Store<Tables>, { keys, knownKeys = 'check' }: AuthServerOptions): Promise<void> {
  const names = await Promise.all(keys.map(({ key }) => thumbprint(key.publicJwk)))
  if (await belongsTo(store, 'auth_server', { names, how: knownKeys })) return
  await store.close()
  throw new Error(
    'the database was used with other keys: configure those again, or set knownKeys: replace if they are lost or stolen',
  )
}

type Common = Pick<RouteContext, 'issuer' | 'requests' | 'policy' | 'blocks' | 'now' | 'development' | 'onEvent'>

/** Checks what options must be together. */
function signingKeyOf(options: AuthServerOptions, development: boolean): PublishedKey {
  const {
    issuer,
    keys,
    authTokenLifetime: lifetime = 600,
    login,
    deviceFlow = [],
    requestQuota,
    pagesPerMinute = 300,
  } = options
  const [key] = keys
  checkIdentifier('issuer', issuer, { development })
  if (key === undefined) throw new TypeError('keys must hold at least one key')
  jwks(keys)
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > longestLifetime) {
    throw new RangeError('authTokenLifetime must be whole seconds, 1 to 3600')
  }
  const { agent, delegate, total } = { ...defaultQuota, ...requestQuota }
  if (!(agent >= 1 && delegate >= 1 && total >= 1)) {
    throw new RangeError('requestQuota must be at least 1 for an agent, a delegate and in all')
  }
  const { delegate: ofDelegate, agent: ofAgent, day } = { ...defaultApprovalLimits, ...options.approvalLimits }
  if (!(ofDelegate >= 1 && ofAgent >= 1 && day >= 1)) {
    throw new RangeError('approvalLimits must be at least 1 for a delegate, an agent and a day')
  }
  if (!(pagesPerMinute >= 1)) throw new RangeError('pagesPerMinute must be at least 1')
  brandOf(options.branding)
  checkDeny(options.deny ?? {}, { development, siteOf: options.siteOf })
  if (login !== undefined) checkLoginMethods(login, { development })
  if (login === undefined && deviceFlow.length > 0) {
    throw new TypeError('deviceFlow needs login: a user types in the code')
  }
  checkExchange(options, development)
  if (deviceFlow !== 'any')
    for (const agent of deviceFlow) checkIdentifier('each of deviceFlow', agent, { development })
  return key
}

function pagesOf({
  login: methods,
  store,
  discovery,
  options,
  exchange,
  approvals,
  onEnded,
  ...common
}: Common & {
  readonly login: readonly LoginMethod[]
  readonly store: Store<Tables>
  readonly discovery: Discovery
  readonly options: AuthServerOptions
  readonly exchange: ExchangeContext | undefined
  readonly approvals: Approvals
  readonly onEnded: () => void
}): NonNullable<RouteContext['pages']> {
  const { now, development, onEvent, issuer } = common
  const looks = createLooks(issuer.issuer, brandOf(options.branding))
  const login = createLogin({
    issuer: issuer.issuer,
    looks,
    methods,
    store,
    now,
    development,
    onEvent,
    blocked: common.blocks,
    causeOf: signInCauses(common.requests, now),
  })
  const linked = { ...common, login, looks, discovery, key: issuer.key }
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
