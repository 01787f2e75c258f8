import { UsageError } from '@countersign/fetch/internal'
import { type CheckOptions, createCheck, createGateway, type GatewayOptions } from '@countersign/gateway'
import type { ReplaySet } from '@countersign/httpsig'
import { type Counter, createResource, type RevocationSet, type Telemetry } from '@countersign/resource'
import type { Participant } from '@countersign/server'
import type { Start } from '../../server/first-start.js'
import { dataFolder, proxiesOf, signingKeys } from '../../server/participant.js'
import { besideOpener } from './also-accept.js'
import type { GatewaySettings } from './gateway-options.js'
import { type LaxRoute, laxRoutes } from './lax-routes.js'
import { limitsOf, listsOf, routesOf, scopesOf, wordsOf } from './routes.js'
import { siteOf } from './site.js'

/** The parts that stay the same after a reload. */
export interface Kept extends Required<Pick<Parameters<typeof createResource>[0], 'discovery' | 'onEvent'>> {
  readonly replay: ReplaySet
  readonly counter: Counter
  readonly revocations: RevocationSet
  readonly telemetry: Telemetry
  readonly onUpstream: NonNullable<GatewayOptions['onUpstream']>
}

/** A gateway or a check, and what its settings made of it. */
export interface OpenGateway {
  readonly participant: Participant
  readonly made: Made
  reload(next: GatewaySettings): Promise<Made>
}

/** What the operator is told of a gateway. */
export interface Made {
  /** The paths that it answers itself. */
  readonly paths: readonly string[]
  readonly lax: readonly LaxRoute[]
}

/** Makes the gateway, or the check behind another proxy. */
export async function openGateway(settings: GatewaySettings, kept: Kept, start: Start): Promise<OpenGateway> {
  return settings.check === undefined
    ? reloadable<GatewayOptions<string>>(settings, start, {
        create: createGateway,
        read: (next, how) => gatewayOf(next, kept, how),
      })
    : reloadable<CheckOptions<string>>(settings, start, {
        create: createCheck,
        read: (next, how) => checkOf(next, kept, how),
      })
}

async function reloadable<O extends Pick<GatewayOptions<string>, 'resource' | 'routes'>>(
  settings: GatewaySettings,
  start: Start,
  {
    create,
    read,
  }: {
    create(options: O): Participant & { reload(options: O): void }
    read(settings: GatewaySettings, start: Start): Promise<O>
  },
): Promise<OpenGateway> {
  const options = await read(settings, start)
  const participant = create(options)
  const reload = async (next: GatewaySettings): Promise<Made> => {
    const changed = await read(next, 'again')
    participant.reload(changed)
    return madeBy(changed)
  }
  return { participant, made: madeBy(options), reload }
}

function madeBy({ resource, routes }: Pick<GatewayOptions<string>, 'resource' | 'routes'>): Made {
  return { paths: resource.paths, lax: laxRoutes(routes) }
}

async function gatewayOf(settings: GatewaySettings, kept: Kept, start: Start): Promise<GatewayOptions<string>> {
  const { upstream, timeout, healthPath, dropHeaders, bodies } = settings
  if (upstream === undefined)
    throw new UsageError('--upstream is required, or --check for a proxy that forwards requests itself')
  if (bodies !== undefined) throw new UsageError('--bodies is only for --check: a gateway sees every body')
  return {
    ...(await judgedBy(settings, kept, start)),
    upstream,
    onUpstream: kept.onUpstream,
    ...(timeout === undefined ? {} : { timeout }),
    ...(healthPath === undefined ? {} : { healthPath }),
    ...(dropHeaders === undefined ? {} : { dropHeaders }),
  }
}

async function checkOf(settings: GatewaySettings, kept: Kept, start: Start): Promise<CheckOptions<string>> {
  const { check = 'nginx', bodies, cors } = settings
  for (const name of ['upstream', 'timeout', 'healthPath', 'dropHeaders'] as const)
    if (settings[name] !== undefined)
      throw new UsageError(`${name} is not for --check: the proxy forwards requests itself`)
  if (cors !== undefined) throw new UsageError('--cors is not for --check: let the proxy answer pages')
  if (check === 'nginx' && bodies === 'seen')
    throw new UsageError('--bodies seen is only for envoy: nginx does not send bodies')
  return { ...(await judgedBy(settings, kept, start)), proxy: check, ...(bodies === undefined ? {} : { bodies }) }
}

async function judgedBy(
  settings: GatewaySettings,
  { discovery, replay, counter, revocations, onEvent, telemetry }: Kept,
  start: Start,
): Promise<Pick<GatewayOptions<string>, 'resource' | 'routes' | 'identity'>> {
  const keys = await signingKeys(dataFolder('gateway', settings), settings, start)
  const resource = createResource({
    id: settings.id,
    keys,
    authServers: settings.authServer ?? [],
    scopes: scopesOf(settings),
    ...wordsOf(settings),
    discovery,
    replay,
    counter,
    revocations,
    onEvent,
    ...(settings.jwksPath === undefined ? {} : { jwksPath: settings.jwksPath }),
    ...proxiesOf(settings),
    limits: limitsOf(settings),
    ...(settings.deny === undefined ? {} : { deny: listsOf(settings.deny) }),
    siteOf,
    ...(settings.failureLimit === 'off' ? {} : { failureLimit: settings.failureLimit }),
    development: settings.development,
    observe: settings.observe,
    telemetry,
  })
  const [key] = keys
  return {
    resource,
    routes: routesOf(settings, besideOpener({ development: settings.development })),
    ...(settings.identity === 'jwt' && key !== undefined ? { identity: key } : {}),
  }
}
