import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, Server as TlsServer } from 'node:tls'
import { logLimit } from '@countersign/protocol'
import { checkOptions, createCors, errorFields } from '@countersign/protocol/internal'
import { type Connections, trackConnections } from './connections.js'
import { drain, type Listeners } from './drain.js'
import { type ExchangeContext, exchange } from './exchange.js'
import { health } from './health.js'
import { addresses, listen } from './listen.js'
import { jsonLog, type Logger } from './log.js'
import { malformedRefusal, refuseMalformed } from './malformed.js'
import { type Certificate, defaultLimits, type ServeLimits, type ServeOptions, serveChecks } from './options.js'
import { type TunnelLimits, upgrade } from './upgrade.js'

/** What a server is doing. */
export interface ServerState {
  /** Whether it takes requests: what `/readyz` says. */
  readonly ready: boolean
  /** Open connections. */
  readonly connections: number
  /** Requests that are being answered, those to `/healthz` and `/readyz` included. */
  readonly requests: number
}

/** A server that is listening. */
export interface Running {
  readonly url: string
  readonly port: number
  /**
   * Uses this certificate for new connections; open ones keep theirs.
   * @throws Error for an unusable certificate, or without `tls` in the options; the old certificate stays
   */
  setCertificate(certificate: Certificate): void
  /** What the server is doing now. Readiness is asked for at most once a second. */
  state(): Promise<ServerState>
  /** Fails readiness, takes no new connections, lets requests under way finish within `drain`, then closes the participant. */
  close(): Promise<void>
}

/**
 * Runs a participant over HTTP until it is closed. Answers `/healthz` and `/readyz` itself. Prints one line once it listens and
 * is ready, or after 2 seconds if it is not: `countersign NAME ready at URL`.
 * @throws TypeError for options that are unsafe together; Error that names the port when it is in use
 * @example
 * ```ts
 * import { serve } from '@countersign/server'
 *
 * const running = await serve({
 *   name: 'hello',
 *   id: 'https://hello.example',
 *   port: 8443, // behind a proxy that terminates TLS
 *   participant: { handle: async message => Response.json({ target: message.target }) },
 * })
 * process.once('SIGINT', () => running.close())
 * ```
 */
export async function serve(options: ServeOptions): Promise<Running> {
  checkOptions('serve', options, serveChecks, ['name', 'id', 'port', 'participant'])
  const development = options.development ?? false
  if (options.trace !== undefined && !development) throw new TypeError('trace is for development only')
  const bind = addresses(options.host, { development })
  const limits = { ...defaultLimits, ...options.limits }
  const log =
    options.log ??
    jsonLog({ name: options.name, together: true, ...(options.level !== undefined && { level: options.level }) })
  const state: { draining: boolean } = { draining: false }
  const context = exchangeContext(options, { limits, log, draining: () => state.draining })
  const connections = trackConnections()
  const { servers, port } = await listen(
    () => httpServer(context, { limits, connections, tls: options.tls }),
    bind,
    options.port,
  )
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    state.draining = true
    closing ??= closeGently({ servers, connections }, options, context).finally(unlisten)
    return closing
  }
  const unlisten = (options.signals ?? true) ? onSignals(close, log) : () => {}
  const url = urlOf(options.tls === undefined ? 'http' : 'https', development ? undefined : options.host, port)
  if (development) log.warn({ id: options.id }, 'development mode: http identifiers, loopback only; not for production')
  await soonReady(context)
  const announce = options.announce ?? (line => void process.stdout.write(`${line}\n`))
  announce(`countersign ${options.name} ready at ${url}`)
  return {
    url,
    port,
    close,
    state: async () => ({ ready: await context.health.ready(), ...connections.counts() }),
    setCertificate: certificate => setCertificate(servers, certificate),
  }
}

/** Seconds that the ready line waits for readiness. It is printed even if the database or the upstream is unreachable. */
const readyWithin = 2

/** Waits for readiness, so that a request signed after the ready line is not refused as one signed before the start. */
async function soonReady({ health }: ExchangeContext): Promise<void> {
  const late = new AbortController()
  await Promise.race([
    health.answer('GET', '/readyz'),
    sleep(readyWithin * 1000, undefined, { signal: late.signal }).catch(() => undefined),
  ])
  late.abort()
}

function setCertificate(servers: readonly Server[], { cert, key }: Certificate): void {
  // Throws for a bad certificate before any server uses it: all servers keep the same certificate.
  createSecureContext({ cert, key })
  for (const server of servers) {
    if (!(server instanceof TlsServer)) throw new TypeError('a server without tls has no certificate')
    server.setSecureContext({ cert, key, minVersion })
  }
}

function exchangeContext(
  options: ServeOptions,
  { limits, log, draining }: Pick<ExchangeContext, 'log' | 'draining'> & { readonly limits: ServeLimits },
): ExchangeContext {
  const now = options.now ?? (() => Date.now() / 1000)
  const { id, name, participant, trace, cors } = options
  return {
    id,
    name,
    participant,
    health: health({ ready: async () => participant.ready?.(), draining, now, timeout: 5 }),
    bodyLimit: options.bodyLimit ?? 64 * 1024,
    headerLines: limits.headerLines,
    stall: limits.stall,
    log,
    accessLog: options.accessLog ?? true,
    limit: options.logLimit ?? logLimit(log, { now }),
    trace,
    cors: cors === undefined ? undefined : createCors(cors),
    draining,
    now,
  }
}

/** What the servers of all addresses share. */
interface ServerParts {
  readonly limits: ServeLimits
  readonly connections: Connections
  readonly tls: Certificate | undefined
}

/** Makes the server for one address. */
function httpServer(context: ExchangeContext, { limits, connections, tls }: ServerParts): Server {
  const server = boundedServer(limits, tls)
  connections.watch(server, tls === undefined ? 'connection' : 'secureConnection')
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const own = { request, response }
    connections.begin(own)
    void exchange(context, { from: request, to: response }).finally(() => connections.end(own))
  }
  server.on('request', answer)
  // With `Expect: 100-continue` the exchange asks for the body, unless the head is refused or the body is too long.
  server.on('checkContinue', answer)
  const ask = context.participant.upgrade?.bind(context.participant)
  if (ask !== undefined)
    server.on('upgrade', (request, socket, head) => {
      const bounds: TunnelLimits = { idle: limits.tunnelIdle, seconds: limits.tunnelSeconds }
      void upgrade(context, { request, socket, head, ask, connections, bounds })
    })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // The TLS handshake failed: the peer could not read a response.
    if (tls !== undefined && !connections.isOpen(socket)) return void socket.destroy()
    const refused = malformedRefusal(error.code)
    const peer = socket.remoteAddress
    if (!refuseMalformed(socket, refused, { active: connections.on(socket) }) || error.code === 'ECONNRESET') return
    const { status, reason } = refused
    const fields = { status, reason, parser: error.code, peer }
    context.limit.write(`malformed ${status}`, () => context.log.info(fields, 'malformed request'))
  })
  return server
}

const minVersion = 'TLSv1.2'

function boundedServer(limits: ServeLimits, tls: Certificate | undefined): Server {
  const bounds = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeout * 1000,
    requestTimeout: limits.requestTimeout * 1000,
    keepAliveTimeout: limits.keepAliveTimeout * 1000,
    connectionsCheckingInterval: Math.min(limits.headersTimeout, limits.requestTimeout) * 250,
    // Checked in `exchange`, which answers in JSON.
    requireHostHeader: false,
    noDelay: true,
  }
  const server =
    tls === undefined
      ? createServer(bounds)
      : createTlsServer({ ...bounds, ...tls, minVersion, handshakeTimeout: bounds.headersTimeout })
  server.maxConnections = limits.connections
  // No limit of Node's: it would silently drop lines after the 2000th, among them a second Signature or Host.
  server.maxHeadersCount = 0
  return server
}

async function closeGently(
  listeners: Listeners,
  options: ServeOptions,
  { log, limit }: ExchangeContext,
): Promise<void> {
  if (options.lameDuck !== undefined) await sleep(options.lameDuck * 1000)
  await drain(listeners, { seconds: options.drain ?? 10, log })
  await options.participant.close?.()
  limit.end()
}

function onSignals(close: () => Promise<void>, log: Logger): () => void {
  let seen = false
  const stop = (signal: NodeJS.Signals): void => {
    if (seen) process.exit(1)
    seen = true
    log.info({ signal }, 'stopping')
    close().then(
      () => process.exit(0),
      error => {
        log.error({ error: errorFields(error) }, 'closing failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  return () => void process.off('SIGTERM', stop).off('SIGINT', stop)
}

function urlOf(scheme: 'http' | 'https', host: string | undefined, port: number): string {
  const name = host === undefined || host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `${scheme}://${name.includes(':') ? `[${name}]` : name}:${port}`
}
