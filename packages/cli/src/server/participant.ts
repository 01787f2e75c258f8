import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Fetcher } from '@countersign/discovery'
import { createDiscovery, type Discovery, type DiscoveryOptions } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'
import { makeFolder, requireIdentifier, UsageError } from '@countersign/fetch/internal'
import type { ReplaySet } from '@countersign/httpsig'
import { verifyOn } from '@countersign/httpsig/node'
import type { CorsOrigins, LogLimit, PublishedKey } from '@countersign/protocol'
import {
  type EpochFile,
  epochFile,
  keysFile,
  type Logger,
  type Participant,
  type Running,
  serve,
  type TracedExchange,
} from '@countersign/server'
import { StoreError } from '@countersign/store'
import type { TrustedProxies } from '@countersign/verify'
import { z } from 'zod'
import { defined } from '../flags/defined.js'
import { port, redisUrl, stringList, switchWithoutVariable } from '../flags/option-schema.js'
import { reaching } from './away.js'
import type { Opened } from './closing-on-failure.js'
import { chooseEd25519, type Ed25519Settings, ed25519Options } from './ed25519.js'
import { type FirstStartSettings, firstStartOptions, type Start } from './first-start.js'
import { type Metrics, type MetricsSettings, metricsOptions } from './metrics.js'
import { certificateOf, type TlsSettings, tlsOptions } from './tls.js'

/** Options that every server command has. */
export const serverOptions = {
  id: z.string().describe('the identifier: an https origin; with --development also http://localhost:PORT'),
  port: port.describe('the port to listen on'),
  host: z.string().optional().describe('the address to listen on; default all addresses, in development loopback'),
  development: switchWithoutVariable('allow loopback http identifiers, and listen on loopback only'),
  data: z.string().optional().describe('folder for keys and database; default ~/.countersign/NAME'),
  keys: z
    .string()
    .optional()
    .describe('file of signing keys, created on the first start (mode 0600); default DATA/keys.json'),
  ...firstStartOptions,
  ...tlsOptions,
  replay: redisUrl
    .optional()
    .describe(
      'redis://HOST:PORT (of a Redis Cluster redis://HOST:PORT,HOST:PORT,…) in which several instances remember requests, against replays; default in memory',
    ),
  cors: stringList
    .optional()
    .describe("origins whose pages may call the server from a browser, e.g. https://app.example, or '*'; default none"),
  ...metricsOptions,
  accessLog: z
    .enum(['on', 'off'])
    .optional()
    .describe('off: requests that pass and are answered without an error are not logged; default on'),
  ...ed25519Options,
}

/** The option of every server that has a database. */
export const epochOptions = {
  epoch: z
    .string()
    .optional()
    .describe(
      'file that detects a restored database: keep it with the keys, and not in a backup of the database; default DATA/NAME.epoch.json, e.g. auth-server.epoch.json',
    ),
}

/** Where a server keeps its database. */
export function databaseOption(name: DatabaseServer) {
  return z
    .string()
    .optional()
    .describe(
      `sqlite:FILE or postgres://…, with several hosts postgres://HOST,HOST/NAME; default sqlite:DATA/${name}.db`,
    )
}

/** The option of every server whose keys rotate, by seconds or `never`. */
export function rotationOption(description: string) {
  return z
    .union([z.literal('never'), z.coerce.number().int().min(3600)])
    .optional()
    .describe(`seconds that each signing key is used, or never; ${description}`)
}

/** Seconds that a key signs by default: 30 days. */
export const defaultRotation: number = 30 * 86_400

/** The path of the server's epoch file. */
export function epochPath(
  name: DatabaseServer,
  folder: string,
  settings: { readonly epoch?: string | undefined },
): string {
  return settings.epoch ?? join(folder, `${name}.epoch.json`)
}

/** The servers that have a database. */
export type DatabaseServer = 'auth-server' | 'agent-server'

/** Explains what to do when a server does not open because its database was restored. */
export async function unlessRestored<T>(name: DatabaseServer, opening: Promise<T>): Promise<T> {
  try {
    return await opening
  } catch (thrown) {
    if (!(thrown instanceof StoreError && thrown.code === 'restored')) throw thrown
    throw new UsageError(`${thrown.message}; see countersign ${name} restore --help, and docs/operations.md`)
  }
}

/** The epoch file of a server; none for a database in memory, which cannot be restored. */
export function epochKeeper(
  name: DatabaseServer,
  folder: string,
  settings: { readonly epoch?: string | undefined; readonly database: string },
): { epoch?: EpochFile } {
  return settings.database === 'sqlite::memory:' ? {} : { epoch: epochFile(epochPath(name, folder, settings)) }
}

/** The options of servers that count requests by the address of the caller. */
export const proxyOptions = {
  trustedProxies: z
    .union([z.coerce.number().int().min(0).max(32), stringList])
    .optional()
    .describe(
      'proxies in front whose X-Forwarded-For is trusted: their number, or their addresses and networks; 0 for none; default none, with a warning',
    ),
  forwardedHeader: z
    .enum(['x-forwarded-for', 'forwarded'])
    .optional()
    .describe('the header those proxies write; default x-forwarded-for'),
}

/** The settings of {@link proxyOptions} as server options. */
export function proxiesOf({ trustedProxies, forwardedHeader }: ProxySettings): TrustedProxies {
  return defined({ trustedProxies, forwardedHeader })
}

/** The values of {@link proxyOptions}. */
export interface ProxySettings {
  readonly trustedProxies?: number | readonly string[] | undefined
  readonly forwardedHeader?: 'x-forwarded-for' | 'forwarded' | undefined
}

/** The values of {@link serverOptions}. */
export interface ServerSettings extends TlsSettings, FirstStartSettings, MetricsSettings, Ed25519Settings {
  readonly id: string
  readonly port: number
  readonly host?: string | undefined
  readonly development: boolean
  readonly data?: string | undefined
  readonly keys?: string | undefined
  readonly replay?: string | undefined
  readonly cors?: readonly string[] | undefined
  readonly accessLog?: 'on' | 'off' | undefined
}

/** Checks the certificate and takes the library that verifies, before anything is created. @throws UsageError */
export function prepareProcess(settings: ServerSettings): void {
  certificateOf(settings)
  chooseEd25519(settings)
}

/** The folder of one server; by default a folder of its own under the user's home. */
export function dataFolder(name: string, settings: Pick<ServerSettings, 'data' | 'id' | 'development'>): string {
  // Checked first: nothing may be looked for or created under a wrong name.
  requireIdentifier(settings.id, '--id', settings.development)
  const folder = settings.data ?? join(homedir(), '.countersign', name, new URL(settings.id).host.replace(':', '_'))
  makeFolder(folder, 'owner')
  return folder
}

/** The path of the server's signing keys. */
export function keysPath(folder: string, settings: Pick<ServerSettings, 'keys'>): string {
  return settings.keys ?? join(folder, 'keys.json')
}

/** The server's signing keys; created if the kind of start allows it, which is logged before. */
export function signingKeys(
  folder: string,
  settings: Pick<ServerSettings, 'keys'>,
  start: Start,
): Promise<PublishedKey[]> {
  return keysFile(keysPath(folder, settings), {
    missing: start === 'again' ? 'refuse' : 'make',
    onMade: () => undefined,
  })
}

/** Discovery with the guarded fetcher, which allows loopback in development only. */
export function discoveryFor(
  settings: Pick<ServerSettings, 'development'>,
  more: Pick<DiscoveryOptions, 'onEvent'> = {},
): Discovery {
  const fetcher: Fetcher = guardedFetcher({ dangerouslyAllowLoopback: settings.development })
  return createDiscovery({ fetcher, development: settings.development, ...more })
}

/** The replay set that the instances of one server share; without `replay` each instance has its own in memory. */
export async function sharedReplay(
  settings: Pick<ServerSettings, 'id' | 'replay'>,
  opened: Opened,
): Promise<{ replay?: ReplaySet }> {
  if (settings.replay === undefined) return {}
  const { redisReplaySet } = await import('@countersign/redis')
  const opening = redisReplaySet({ url: settings.replay, prefix: `countersign:replay:${settings.id}` })
  return { replay: opened(await reaching('--replay', settings.replay, opening)) }
}

/** How a participant runs. */
export interface RunOptions {
  readonly name: string
  readonly log: Logger
  readonly logLimit: LogLimit
  readonly bodyLimit?: number
  readonly metrics: Metrics
  /** Gets the ready line. Default: prints it. */
  readonly announce?: (line: string) => void
  /** Whether SIGTERM and SIGINT end the server. Default true */
  readonly signals?: boolean
}

/**
 * Listens, prints the ready line, and drains on SIGTERM.
 * @throws UsageError that says what to change when the port or address cannot be used
 */
export async function run(
  participant: Participant,
  settings: ServerSettings,
  { metrics, ...more }: RunOptions,
): Promise<Running> {
  // The process does nothing else, so it may use the whole thread pool.
  verifyOn('pool')
  const tls = certificateOf(settings)
  let endMetrics: (() => void) | undefined
  const running = await serve({
    ...more,
    id: settings.id,
    port: settings.port,
    participant: {
      ...participant,
      // The last metrics are those of the drain.
      async close() {
        endMetrics?.()
        await participant.close?.()
      },
    },
    development: settings.development,
    accessLog: settings.accessLog !== 'off',
    ...defined({ tls, host: settings.host, cors: settings.cors && corsOf(settings.cors) }),
    ...traceTo(settings),
  }).catch(async (error: unknown) => {
    // What it does by itself, such as deliveries from its database, would keep the process alive.
    await participant.close?.()
    throw cannotListen(error, settings)
  })
  endMetrics = metrics.begin({ running, name: more.name, log: more.log })
  if (tls === undefined && settings.id.startsWith('https:'))
    more.log.warn(
      { event: 'plain_http', id: settings.id, port: running.port },
      'this port speaks plain http: a proxy in front must end TLS; otherwise give --tls-cert and --tls-key',
    )
  return running
}

/** Explains why the system does not let a server listen; other errors unchanged. */
function cannotListen(error: unknown, { port, host }: ServerSettings): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE')
    return new UsageError(`port ${port} is in use: end the program that listens there, or give another --port`)
  if (code === 'EACCES')
    return new UsageError(`this user may not listen on port ${port}: give a --port above 1023, with a proxy in front`)
  if (code === 'EADDRNOTAVAIL') return new UsageError(`this machine has no address ${host}: give another --host`)
  return error
}

/** The origins that `--cors` names. */
export function corsOf(origins: readonly string[]): CorsOrigins {
  return origins.length === 1 && origins[0] === '*' ? '*' : origins
}

/** Sends every message to a parent process that requests it; in development only, since messages hold tokens. */
function traceTo(settings: Pick<ServerSettings, 'development'>): { trace?: (exchange: TracedExchange) => void } {
  const parent = process.send?.bind(process)
  if (!settings.development || parent === undefined || process.env['COUNTERSIGN_TRACE'] !== 'ipc') return {}
  return { trace: exchange => void parent(exchange) }
}
