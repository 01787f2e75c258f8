import { UsageError } from '@countersign/fetch'
import { type CheckOptions, createCheck, createGateway, type GatewayOptions } from '@countersign/gateway'
import { memoryReplaySet, type ReplaySet } from '@countersign/httpsig'
import { errorFields, logLimit } from '@countersign/protocol'
import { type Counter, createResource, memoryCounter, type Telemetry } from '@countersign/resource'
import { openTelemetry } from '@countersign/resource/otel'
import { jsonLog, type Logger, type Participant } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration, stringList } from '../../flags/configuration.js'
import { audit, discoveryAlarms } from '../../log/audit.js'
import { checkFirstStart, type Start } from '../../server/first-start.js'
import {
  dataFolder,
  discoveryFor,
  keysPath,
  type ProxySettings,
  proxiesOf,
  proxyOptions,
  run,
  serverOptions,
  sharedReplay,
  signingKeys,
} from '../../server/participant.js'
import { noticeProxy } from '../../server/proxy-notice.js'
import { reloadOnSignal } from '../../server/reload.js'
import { certificateOf } from '../../server/tls.js'
import { limitsOf, listsOf, routesOf, scopesOf } from './routes.js'
import { sharedCounter } from './shared-counter.js'
import { siteOf } from './site.js'

const level = z.enum(['anonymous', 'pseudonymous', 'identified', 'authorized'])
const limits = z.partialRecord(
  z.enum([...level.options, 'network', 'agent', 'site']),
  z.string().regex(/^\d+\/(s|sec|min|hour|day)$/, 'must read like 10/min'),
)

const user = z.strictObject({ iss: z.string(), sub: z.string(), agent: z.string().optional() })

const requirementOptions = {
  users: z.array(user).optional().describe('the users that are let in: { iss, sub }, with agent through that one only'),
  deny: z
    .strictObject({
      agents: stringList.optional().describe('exact, or https://*.example.org'),
      delegates: z.array(z.strictObject({ agent: z.string(), delegate: z.string() })).optional(),
      users: z.array(user).optional(),
    })
    .optional()
    .describe('who is refused, whatever they bring: agents, delegates, users'),
  once: z
    .enum(['unsafe', 'all'])
    .optional()
    .describe('which requests pass only once: unsafe (default), those with an unsafe method; or all'),
  level: level
    .optional()
    .describe(
      'the level a caller needs: anonymous, pseudonymous, identified or authorized; default authorized with a scope, else identified',
    ),
  scope: stringList
    .optional()
    .describe(
      'the scopes a caller needs, all of them; with a level below authorized: what a caller over its limit may ask for',
    ),
  agents: stringList
    .optional()
    .describe(
      'the agents that are let in: exact, or https://*.example.org; of a gateway: on all routes but those with a lower level than identified',
    ),
  limits: limits
    .optional()
    .describe(
      'requests per level, e.g. { anonymous: 10/min }; of a gateway: over all routes that have none of their own',
    ),
}

const named = z.record(z.string(), z.strictObject(requirementOptions))

const route = z.strictObject({
  mcp: z
    .strictObject({
      tools: named.optional().describe('by name; * for all others; a tool without a rule is refused'),
      prompts: named.optional().describe('by name'),
      resources: named.optional().describe('by URI, or a beginning that ends in *'),
      optional: z
        .array(z.string())
        .optional()
        .describe('tools and prompts with a rule that may not be there: they come later, or not for every caller'),
    })
    .optional()
    .describe(
      'an MCP server is there: what its tools, prompts and resources ask; the route’s own level is for sessions',
    ),
  path: z.string().startsWith('/').describe('a path, or a prefix that ends in *'),
  methods: z.array(z.string()).optional().describe('methods; default all'),
  ...requirementOptions,
})

/** Options of `countersign gateway`. */
export const gatewayOptions = z.strictObject({
  ...serverOptions,
  upstream: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:8080' })
    .optional()
    .describe('origin of the API behind, e.g. http://127.0.0.1:8080'),
  timeout: z.coerce.number().min(0.1).max(3600).optional().describe('seconds until the API must answer; default 60'),
  healthPath: z
    .string()
    .startsWith('/')
    .optional()
    .describe('path of the API that says whether it is well: what /readyz asks; default a connection'),
  dropHeaders: stringList
    .optional()
    .describe('headers of callers that the API must not get, beside those that proxies are known to write'),
  check: z
    .enum(['nginx', 'envoy'])
    .optional()
    .describe(
      'nginx or envoy, instead of --upstream: answer at /check whether a request may pass, for that proxy to pass it on',
    ),
  bodies: z
    .enum(['refuse', 'seen', 'unseen'])
    .optional()
    .describe(
      'with --check, signed requests with a body: refuse (default); seen, where Envoy sends them along; unseen, where the API itself compares Content-Digest with the body',
    ),
  identity: z
    .enum(['headers', 'jwt'])
    .default('headers')
    .describe('how the API learns who is calling: headers (default), AAuth-*; or jwt, a short one in AAuth-Identity'),
  jwksPath: z
    .string()
    .startsWith('/')
    .optional()
    .describe(
      'path at which it publishes its keys, e.g. /aauth/jwks.json; default /.well-known/jwks.json, which an API that is an OAuth issuer has itself',
    ),
  authServer: stringList.optional().describe('auth servers whose tokens count'),
  scopes: z
    .record(z.string(), z.string())
    .optional()
    .describe('scopes and what they let an agent do, in words for users'),
  routes: z.array(route).optional().describe('requirements by path and method; paths not listed are 404'),
  counter: z
    .url({ protocol: /^rediss?$/, error: 'must be a URL such as redis://127.0.0.1:6379' })
    .optional()
    .describe('redis://HOST:PORT where several instances count for their limits together; default in memory'),
  ...proxyOptions,
  failureLimit: z
    .string()
    .default('600/min')
    .describe(
      'signed requests of one network that may fail verification or be replays, then they are 429; off for none; default 600/min',
    ),
  observe: z
    .boolean()
    .default(false)
    .describe('let everything through and only log what would be refused, for `countersign gateway report`'),
  bodyLimit: z.coerce.number().int().min(0).optional().describe('largest request body in bytes; default 1 MiB'),
  ...requirementOptions,
})

type GatewaySettings = z.infer<typeof gatewayOptions>

/** What a process listens and counts with; a change of these needs another process. */
const lasting = [
  ...['id', 'port', 'host', 'development', 'data', 'keys', 'replay', 'counter', 'cors', 'bodyLimit', 'check'],
] as ReadonlyArray<keyof GatewaySettings>

/** `countersign gateway`: the guard in front of an API that knows nothing of AAuth. On SIGHUP it reads its settings again. */
export async function gateway(command: Command): Promise<void> {
  const read = () => readConfiguration(command, gatewayOptions, process.env)
  const settings = read()
  // Before anything is made.
  certificateOf(settings)
  const log = jsonLog({ name: 'gateway' })
  const limit = logLimit(log)
  const start = await checkFirstStart(settings, { keys: keysPath(dataFolder('gateway', settings), settings) }, log)
  // Records nothing unless the operator has registered an SDK, e.g. by NODE_OPTIONS=--import.
  const telemetry = openTelemetry()
  const alarms = discoveryAlarms(log, limit)
  const kept: Kept = {
    telemetry,
    discovery: discoveryFor(settings, {
      onEvent(event) {
        telemetry.discovery(event)
        alarms(event)
      },
    }),
    replay: memoryReplaySet(),
    counter: memoryCounter(),
    ...(await sharedReplay(settings)),
    ...(await sharedCounter(settings, log)),
    onEvent: audit(log, limit),
    // A request that the API does not survive makes two of these.
    onUpstream: told =>
      limit.write('upstream', () =>
        told.state === 'back'
          ? log.info({ event: 'upstream', state: 'back' }, 'the API behind answers again')
          : log.warn(
              { event: 'upstream', state: 'away', cause: errorFields(told.cause) },
              'the API behind does not answer',
            ),
      ),
  }
  const { participant, paths, reload } = await made(settings, kept, start)
  if (settings.observe) sayObserving(log, paths)
  const bodyLimit = settings.bodyLimit ?? 1_048_576
  let current: ProxySettings = settings
  const noticing = noticeProxy(participant, { log, settings: () => current })
  const running = await run('gateway', settings, noticing, { log, logLimit: limit, bodyLimit })
  reloadOnSignal({
    log,
    running,
    settings,
    lasting,
    read,
    async apply(next: GatewaySettings) {
      const answered = await reload(next)
      current = next
      if (next.observe) sayObserving(log, answered)
    },
  })
}

/** What it answers itself, the API behind does not: whoever puts it before an API that is in use must know. */
function sayObserving(log: Logger, paths: readonly string[]): void {
  log.warn({ event: 'observing', answers: paths }, 'this gateway observes: it lets through what it would refuse')
}

/** What outlives a reload. */
interface Kept extends Required<Pick<Parameters<typeof createResource>[0], 'discovery' | 'onEvent'>> {
  readonly replay: ReplaySet
  readonly counter: Counter
  readonly telemetry: Telemetry
  readonly onUpstream: NonNullable<GatewayOptions['onUpstream']>
}

/** A gateway or a check, and the paths that it answers itself. */
interface Made {
  readonly participant: Participant
  readonly paths: readonly string[]
  /** @returns the paths that it answers from now on */
  reload(next: GatewaySettings): Promise<readonly string[]>
}

async function made(settings: GatewaySettings, kept: Kept, start: Start): Promise<Made> {
  return settings.check === undefined
    ? reloadable<GatewayOptions<string>>(createGateway, (next, how) => gatewayOf(next, kept, how), settings, start)
    : reloadable<CheckOptions<string>>(createCheck, (next, how) => checkOf(next, kept, how), settings, start)
}

async function reloadable<O extends Pick<GatewayOptions<string>, 'resource'>>(
  create: (options: O) => Participant & { reload(options: O): void },
  read: (settings: GatewaySettings, start: Start) => Promise<O>,
  settings: GatewaySettings,
  start: Start,
): Promise<Made> {
  const options = await read(settings, start)
  const participant = create(options)
  const reload = async (next: GatewaySettings): Promise<readonly string[]> => {
    const changed = await read(next, 'again')
    participant.reload(changed)
    return changed.resource.paths
  }
  return { participant, paths: options.resource.paths, reload }
}

async function gatewayOf(settings: GatewaySettings, kept: Kept, start: Start): Promise<GatewayOptions<string>> {
  const { upstream, timeout, healthPath, dropHeaders, bodies } = settings
  if (upstream === undefined)
    throw new UsageError('--upstream is required, or --check for a proxy that passes on by itself')
  if (bodies !== undefined) throw new UsageError('--bodies goes with --check: a gateway sees every body')
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
      throw new UsageError(`${name} does not go with --check: the proxy passes requests on`)
  if (cors !== undefined) throw new UsageError('--cors does not go with --check: let the proxy answer pages')
  if (check === 'nginx' && bodies === 'seen')
    throw new UsageError('--bodies seen goes with envoy: nginx shows no bodies')
  return { ...(await judgedBy(settings, kept, start)), proxy: check, ...(bodies === undefined ? {} : { bodies }) }
}

async function judgedBy(
  settings: GatewaySettings,
  { discovery, replay, counter, onEvent, telemetry }: Kept,
  start: Start,
): Promise<Pick<GatewayOptions<string>, 'resource' | 'routes' | 'identity'>> {
  const keys = await signingKeys(dataFolder('gateway', settings), settings, start)
  const resource = createResource({
    id: settings.id,
    keys,
    authServers: settings.authServer ?? [],
    scopes: scopesOf(settings),
    discovery,
    replay,
    counter,
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
    routes: routesOf(settings),
    ...(settings.identity === 'jwt' && key !== undefined ? { identity: key } : {}),
  }
}
