import type { Discovery } from '@countersign/discovery'
import type { NotedAlarms } from '../audit/noted-alarms.js'
import { operatorOf } from '../operator/open-operator.js'
import type { OperatorContext } from '../operator/operator-context.js'
import type { RouteContext } from '../routes.js'
import type { AdminOptions } from './admin-options.js'
import type { AdminPage } from './open-admin.js'

/** What an auth server has, of which its admin page gets what it needs. */
export interface AdminSources {
  readonly routes: Pick<RouteContext, 'replay' | 'policy' | 'users' | 'blocks'>
  readonly operating: OperatorContext
  readonly discovery: Discovery
  readonly alarms: NotedAlarms
  /** Whether the database went back in time while the server runs. */
  readonly isBehind: () => boolean
}

/** Opens the admin page of an auth server. Its code is loaded only where there is such a page. */
export function adminOf(sources: AdminSources): (options: AdminOptions) => Promise<AdminPage> {
  const { routes, operating, discovery, alarms, isBehind } = sources
  const { replay, policy, users, blocks } = routes
  const { issuer, store, now, development, report } = operating
  return async options => {
    const { openAdmin } = await import('./open-admin.js')
    return openAdmin(options, {
      ...{ issuer, store, now, development, report, replay, policy, users, blocks, discovery, alarms, isBehind },
      operatorOf: told => operatorOf({ ...operating, report: told }),
    })
  }
}
