import type { Reporter } from '@countersign/audit/internal'
import type { AuthServerEvent, Policy } from '@countersign/auth-server'
import type { Blocks, NotedAlarms, RateLimit, Tables } from '@countersign/auth-server/internal'
import type { Discovery } from '@countersign/discovery'
import type { ReplaySet } from '@countersign/httpsig'
import type { Store } from '@countersign/store'
import type { ClientOf, Verifier } from '@countersign/verify'
import type { AdminLives } from '../operator/admin-keys.js'
import type { Operator } from '../operator/open-operator.js'
import type { AdminOptions } from './admin-options.js'

/** What an auth server lends its admin page. */
export interface AdminParts {
  readonly issuer: string
  readonly store: Store<Tables>
  readonly replay: ReplaySet
  readonly now: () => number
  readonly development: boolean
  readonly policy: Policy
  /** Whether users can sign in. */
  readonly users: 'some' | 'none'
  readonly alarms: Pick<NotedAlarms, 'list'>
  readonly blocks: Pick<Blocks, 'check'>
  readonly discovery: Discovery
  readonly report: Reporter<AuthServerEvent>
  /** Whether the database went back in time while the server runs. */
  readonly isBehind: () => boolean
  /** An operator who reports so. */
  readonly operatorOf: (report: Reporter<AuthServerEvent>) => Operator
}

/** What the routes of the admin page use. */
export interface AdminContext extends AdminParts, AdminLives {
  readonly origin: string
  readonly rulesOf: AdminOptions['rulesOf'] | undefined
  readonly verifier: Verifier
  /** Requests of one browser that is signed in, by the thumbprint of its key. */
  readonly limit: RateLimit
  /** The address of a caller in front of the proxies of this port. */
  readonly client: ClientOf
}

/** The admin who called. */
export interface AdminCaller {
  readonly name: string
  /** Thumbprint of the key of the browser. */
  readonly key: string
  readonly operator: Operator
  /** Reports what this admin does, with their name. */
  readonly report: Reporter<AuthServerEvent>
}
