import type { PolicyRequest } from '@countersign/auth-server'
import { checkOptions, type OptionChecks, proxiesCheck } from '@countersign/protocol/internal'
import type { TrustedProxies } from '@countersign/verify'
import type { AdminLives } from '../operator/admin-keys.js'
import { checkAdminOrigin } from '../operator/operator-admins.js'

/**
 * How the admin page of an auth server is served. `trustedProxies` are those in front of its own port: without them the events of
 * refused requests name the proxy.
 */
export interface AdminOptions extends TrustedProxies {
  /**
   * The origin at which browsers reach it: `https://admin.example`, or `http://localhost:PORT` on this machine. Requests that name
   * another host are refused. Give it a port or a host of its own.
   */
  readonly origin: string
  /** Seconds without use after which a browser is signed out. Default 12 hours, at most 7 days. */
  readonly idle?: number
  /** Seconds after which a browser is signed out. Default 7 days, at most 30 days. */
  readonly life?: number
  /**
   * Names the rules of the policy that decide about a request, for the page that tries the policy; `named` is `by` of its answer.
   * Default: those of `by`.
   */
  readonly rulesOf?: (request: PolicyRequest, named: readonly string[]) => Promise<readonly string[]>
}

const checks: OptionChecks<AdminOptions> = {
  origin: 'string',
  idle: 'number',
  life: 'number',
  rulesOf: 'function',
  trustedProxies: proxiesCheck,
  forwardedHeader: ['x-forwarded-for', 'forwarded'],
}

const day = 86_400

/** @throws TypeError for an unknown or unfit option; RangeError for a time that is out of range */
export function checkAdminOptions(options: AdminOptions): AdminLives {
  checkOptions('admin', options, checks, ['origin'])
  checkAdminOrigin(options.origin)
  const { idle = day / 2, life = 7 * day } = options
  if (!(idle >= 60 && idle <= 7 * day)) throw new RangeError('admin: idle must be 60 seconds to 7 days')
  if (!(life >= 60 && life <= 30 * day)) throw new RangeError('admin: life must be 60 seconds to 30 days')
  return { idle, life }
}
