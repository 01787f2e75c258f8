import type { AuditAppender } from '@countersign/audit'
import type { Reporter } from '@countersign/audit/internal'
import type { Discovery } from '@countersign/discovery'
import type { ReplaySet } from '@countersign/httpsig'
import type { OwnKeys } from '@countersign/store/internal'
import type { NotedAlarms } from './audit/noted-alarms.js'
import type { Blocks } from './block/blocks.js'
import type { EndingContext } from './block/end-access.js'
import type { AuthServerEvent } from './event/event.js'
import type { AuthServerOptions } from './options.js'
import type { Policy } from './policy/policy.js'

/** What a running auth server lends its operators. */
export interface Lent extends EndingContext {
  readonly development: boolean
  readonly report: Reporter<AuthServerEvent>
  /** Absent where the database has no audit log. */
  readonly audit: AuditAppender | undefined
  readonly blocks: Blocks
  readonly keys: OwnKeys
  /** The keys of its options. */
  readonly rotation: AuthServerOptions['keys']
  readonly discovery: Discovery
  readonly alarms: NotedAlarms
  readonly replay: ReplaySet
  readonly policy: Policy
  /** Whether users can sign in. */
  readonly users: 'some' | 'none'
  /** Whether the database went back in time while the server runs. */
  readonly isBehind: () => boolean
}

const lent = new WeakMap<object, Lent>()

/** Notes what a server lends. */
export function lend(server: object, parts: Lent): void {
  lent.set(server, parts)
}

/** @throws TypeError for what `createAuthServer` has not made */
export function lentBy(server: object): Lent {
  const parts = lent.get(server)
  if (parts === undefined) throw new TypeError('not an auth server of createAuthServer of @countersign/auth-server')
  return parts
}
