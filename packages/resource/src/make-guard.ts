import { createDiscovery, type Discovery } from '@countersign/discovery'
import { memoryReplaySet } from '@countersign/httpsig'
import { authorityOf } from '@countersign/protocol'
import { schemeOf } from '@countersign/protocol/internal'
import { clientOf, type Verifier } from '@countersign/verify'
import { internalVerifier } from '@countersign/verify/internal'
import { createDownstream } from './downstream/downstream.js'
import { withoutDenied } from './guard/deny.js'
import { type Observer, quiet } from './guard/event.js'
import { createFailures, type Failures, noFailures } from './guard/failures.js'
import type { Guard } from './guard/guarded-request.js'
import { RequestLedgers } from './guard/request-ledger.js'
import type { RouteContext } from './guard/requirement.js'
import { resourceTokens } from './guard/resource-token.js'
import { type Bots, botsOf } from './guard/verify-bot.js'
import { memoryCounter } from './limit/counter.js'
import { parseRate } from './limit/rate.js'
import { spentCounts } from './limit/spent-counts.js'
import type { ResourceOptions } from './options.js'
import { openExchanges } from './revocation/open-exchanges.js'
import { memoryRevocationSet, type RevocationSet } from './revocation/revocation-set.js'

type Options = ResourceOptions<string>

const defaultTolerance = 60

/**
 * Makes what a resource judges requests with, by its options.
 * @throws TypeError for an option that is wrong, RangeError for a `tolerance` outside 1 to 300
 */
export function makeGuard(options: Options, { authServers, development }: RouteContext, jwksUri: string): Guard {
  const { id, siteOf, counter = memoryCounter(), now = () => Date.now() / 1000, tolerance = defaultTolerance } = options
  const [key] = options.keys
  if (key === undefined) throw new TypeError('keys must hold at least one key: the first signs resource tokens')
  const discovery = discoveryOf(options, now)
  const tell = quiet(options.onEvent && naming(id, options.onEvent))
  const client = clientOf(options)
  const rate = parseRate(options.resourceTokenLimit ?? '600/min')
  const tokens = resourceTokens({ id, key, counter, rate, now, tell, siteOf, development })
  const revocations = revocationsOf(options, authServers)
  const own = { id, jwksUri, key, discovery, counter, revocations, clientOf: client, tell, now, development }
  return {
    id,
    now,
    verifier: verifierOf(options, discovery),
    bots: botsOfResource(options, now),
    replay: options.replay ?? memoryReplaySet({ window: 2 * tolerance, ...(options.now && { now }) }),
    revocations: revocations && { set: revocations, now, development },
    open: revocations && openExchanges(revocations),
    siteOf,
    development,
    ledgers: new RequestLedgers(),
    counter,
    spent: spentCounts(),
    clientOf: client,
    failures: failuresOf(options),
    tell,
    mode: options.observe === true ? 'observe' : 'enforce',
    refusal: { id, tokens, authServers, now },
    ownAgent: options.acceptOwnAgent === true ? 'accepted' : 'refused',
    downstream: options.downstream && createDownstream(options.downstream, own),
  }
}

/** Without an auth server there are no grants. */
function revocationsOf({ revocations, now }: Options, authServers: readonly string[]): RevocationSet | undefined {
  if (authServers.length === 0 || revocations === 'none') return undefined
  return revocations ?? memoryRevocationSet({ ...(now && { now }) })
}

/** An observer whose events say which resource decided. */
function naming(resource: string, observer: Observer): Observer {
  return event => observer({ ...event, resource })
}

function discoveryOf({ discovery, development = false, telemetry }: Options, now: () => number): Discovery {
  return discovery ?? createDiscovery({ now, development, ...(telemetry && { onEvent: telemetry.discovery }) })
}

function botsOfResource(options: Options, now: () => number): Bots {
  const { id, authorities = [authorityOf(id)], tolerance = defaultTolerance, development = false } = options
  const { siteOf, telemetry } = options
  return botsOf(
    { authorities, scheme: schemeOf(id), tolerance, now, development, siteOf },
    { now, development, ...(siteOf && { siteOf }), ...(telemetry && { onEvent: telemetry.discovery }) },
  )
}

function failuresOf({ failureLimit, trustedProxies }: Options): Failures {
  if (failureLimit === undefined) return noFailures
  return createFailures(parseRate(failureLimit), { privatePeers: trustedProxies !== undefined })
}

function verifierOf(options: Options, discovery: Discovery): Verifier {
  const { id, authServers = [], authorities, agents = 'any', development = false, now, telemetry } = options
  return internalVerifier({
    receiver: id,
    authServers,
    ...(authorities === undefined ? {} : { authorities }),
    ...(telemetry === undefined ? {} : { onToken: seen => telemetry.token(seen) }),
    ...(now === undefined ? {} : { now }),
    agents: withoutDenied(agents, options.deny),
    development,
    discovery,
    tolerance: options.tolerance ?? defaultTolerance,
    // Everything signed is verified in full, also where less would do: a failure always refuses.
    accept: ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'],
  })
}
