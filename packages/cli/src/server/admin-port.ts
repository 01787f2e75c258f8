import type { AuthServer } from '@countersign/auth-server'
import { type AdminOptions, adminPage } from '@countersign/console'
import { UsageError } from '@countersign/fetch/internal'
import { type Logger, type Participant, type Running, serve } from '@countersign/server'
import { z } from 'zod'
import { defined } from '../flags/defined.js'
import { port } from '../flags/option-schema.js'
import { type ProxySettings, proxiesOf, proxyOptions } from './participant.js'

const hour = 3600
const hours = z.coerce.number().int().min(1)

/** The options of the admin page. */
export const adminOptions = {
  adminPort: port
    .optional()
    .describe(
      'a port of its own for the admin page, where admins sign in with links of auth-server admins add; default none',
    ),
  adminHost: z
    .string()
    .optional()
    .describe('the address of the admin port, which speaks plain http; default 127.0.0.1'),
  adminOrigin: z
    .string()
    .optional()
    .describe(
      'the origin at which browsers reach the admin page, such as https://admin.example behind a proxy; default http://localhost:PORT of the admin port',
    ),
  adminTrustedProxies: proxyOptions.trustedProxies.describe(
    'proxies in front of the admin port, as --trusted-proxies; they write the same header; default none, with a warning',
  ),
  adminIdleHours: hours
    .max(168)
    .optional()
    .describe('hours without use after which a browser is signed out of the admin page; default 12'),
  adminLifeHours: hours
    .max(720)
    .optional()
    .describe('hours after which a browser is signed out of the admin page; default 168'),
}

/** The values of {@link adminOptions}. */
export interface AdminSettings extends Pick<ProxySettings, 'forwardedHeader'> {
  readonly adminPort?: number | undefined
  readonly adminHost?: string | undefined
  readonly adminOrigin?: string | undefined
  readonly adminTrustedProxies?: number | readonly string[] | undefined
  readonly adminIdleHours?: number | undefined
  readonly adminLifeHours?: number | undefined
}

const loopback = ['127.0.0.1', '::1', 'localhost']

/**
 * The origin of the admin page; undefined where there is none.
 * @throws UsageError where browsers could not reach it, or would refuse to sign
 */
export function adminOriginOf({
  adminPort,
  adminHost,
  adminOrigin,
  adminTrustedProxies,
}: AdminSettings): string | undefined {
  if (adminPort === undefined && adminHost !== undefined)
    throw new UsageError('--admin-host is the address of --admin-port: give that, too')
  if (adminPort === undefined && adminTrustedProxies !== undefined)
    throw new UsageError('--admin-trusted-proxies are those of --admin-port: give that, too')
  if (adminOrigin !== undefined) return adminOrigin
  if (adminPort === undefined) return undefined
  if (adminPort === 0) throw new UsageError('--admin-port 0 needs --admin-origin: its address is not known before')
  if (adminHost !== undefined && !loopback.includes(adminHost))
    throw new UsageError(
      '--admin-host is no loopback address: give --admin-origin, the https origin of the proxy in front',
    )
  return `http://localhost:${adminPort}`
}

/** An auth server, and its admin page where it has one. */
export interface ServedParts {
  readonly participant: Participant
  readonly admin?: Participant
}

/** Opens the admin page of an auth server. The server closes after the last request to its page: both use one database. */
export async function withAdminPage(
  auth: AuthServer,
  settings: AdminSettings,
  rulesOf: NonNullable<AdminOptions['rulesOf']>,
): Promise<ServedParts> {
  const { adminPort, adminIdleHours: idle, adminLifeHours: life, adminTrustedProxies, forwardedHeader } = settings
  const origin = adminOriginOf(settings)
  if (origin === undefined || adminPort === undefined) return { participant: auth }
  const lives = defined({ idle: idle && idle * hour, life: life && life * hour })
  const proxies = proxiesOf({ trustedProxies: adminTrustedProxies, forwardedHeader })
  const { handle } = adminPage(auth, { origin, rulesOf, ...lives, ...proxies })
  let ended: () => void = () => undefined
  const adminEnded = new Promise<void>(resolve => {
    ended = resolve
  })
  return {
    participant: {
      ...auth,
      async close() {
        await adminEnded
        await auth.close()
      },
    },
    admin: { handle, ready: auth.ready, close: async () => ended() },
  }
}

/** Bounds of the admin port: it is for a few browsers, not for the public. */
const limits = { connections: 64, headersTimeout: 10, requestTimeout: 20 }

/**
 * Serves the admin page on its own port.
 * @throws UsageError when the port or address cannot be used
 */
export async function serveAdmin(
  participant: Participant,
  { adminPort: number = 0, adminHost: host = '127.0.0.1', ...settings }: AdminSettings,
  { log, server }: { readonly log: Logger; readonly server: Participant },
): Promise<Running> {
  const origin = adminOriginOf({ ...settings, adminPort: number, adminHost: host }) ?? ''
  const running = await serve({
    name: 'auth-server admin page',
    id: origin,
    port: number,
    host,
    participant,
    log,
    limits,
    bodyLimit: 16_384,
    signals: false,
    announce: () => log.info({ event: 'admin_page', url: origin, port: number }, 'the admin page is open'),
  }).catch(async (error: unknown) => {
    // What the server does by itself would keep the process alive.
    await Promise.all([participant.close?.(), server.close?.()])
    throw new UsageError(
      `--admin-port: ${error instanceof Error ? error.message : 'cannot listen'}; give another --admin-port or --admin-host`,
    )
  })
  if (!loopback.includes(host))
    log.warn(
      { event: 'admin_reachable', host, port: number },
      'the admin port is not on loopback, and speaks plain http: only the proxy in front may reach it',
    )
  return running
}
