import type { Reporter } from '@countersign/audit/internal'
import type { Discovery } from '@countersign/discovery'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { Route } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { OwnKeys } from '@countersign/store/internal'
import type { UserAccess } from './access/access.js'
import type { Approvals } from './approval/approvals.js'
import type { Blocks } from './block/blocks.js'
import type { AuthServerEvent } from './event/event.js'
import type { ExchangeContext } from './exchange/exchange.js'
import type { AuthTokenIssuer } from './grant/auth-token.js'
import type { Policy } from './policy/policy.js'
import type { OpenedLink } from './request/opened-link.js'
import type { RequestBy, StoredRequest } from './request/read-request.js'
import type { Requests } from './request/requests.js'
import type { Tables } from './tables/tables.js'

/** Where users sign in and are asked, for `desk` of `createAuthServer`: `userDesk` of `@countersign/user-desk` makes it. */
export interface Desk {
  readonly name: 'user-desk'
}

/** All that an auth server knows of people: an open desk. */
export interface UserDesk {
  /** Its pages. Their requests come with their bodies. */
  readonly routes: ReadonlyArray<readonly [path: string, route: Route]>
  /** Refuses a network that asks for too many pages, before any work is done for the request; undefined for all others. */
  overLimit(message: ReceivedMessage): Response | undefined
  /** Asks the user of a browser that opened a link. What `find` throws is shown as a page, and reported with the row that it notes. */
  ask(message: ReceivedMessage, find: (note: (row: StoredRequest) => void) => Promise<OpenedLink>): Promise<Response>
  /** Who is signed in in the browser that sent the message. */
  session(message: ReceivedMessage): Promise<{ readonly sub: string } | undefined>
  /** Signs a user in, and sends the browser on to a path of this server. */
  signIn(message: ReceivedMessage, returnTo: string): Promise<Response>
}

/** What an auth server lends its desk. */
export interface DeskServer {
  readonly issuer: AuthTokenIssuer
  readonly keys: OwnKeys
  readonly store: Store<Tables>
  readonly discovery: Discovery
  readonly requests: Requests
  readonly approvals: Approvals
  readonly access: UserAccess
  readonly blocks: Blocks
  readonly policy: Policy
  /** Absent where nothing is exchanged. */
  readonly exchange: ExchangeContext | undefined
  /** Sends the requests that sign users in at other auth servers, each within `deadline` seconds. */
  readonly upstream: { readonly fetch?: typeof fetch; readonly deadline?: number }
  /** Whether the address of a request is that of a browser where it is a private one: proxies are known. */
  readonly privatePeers: boolean
  readonly development: boolean
  readonly now: () => number
  readonly report: Reporter<AuthServerEvent>
  /** Sends the browser back with what its user decided. */
  decided(row: RequestBy<'browser'>, request_token: string): Response
}

/** How a desk is opened. */
export interface DeskSetup {
  /** @throws TypeError for ways to sign in that are unfit here */
  check(o: { readonly development: boolean }): void
  open(server: DeskServer): UserDesk
}

/** The path at which browsers come back from another auth server: it stands in the agent metadata of this one. */
export const linkCallbackPath = '/link/callback'

const setups = new WeakMap<Desk, DeskSetup>()

/** Makes a desk of how it is opened. */
export function deskOf(setup: DeskSetup): Desk {
  const desk: Desk = Object.freeze({ name: 'user-desk' })
  setups.set(desk, setup)
  return desk
}

/** @throws TypeError for what `userDesk` has not made */
export function setupOf(desk: Desk): DeskSetup {
  const setup = setups.get(desk)
  if (setup === undefined) throw new TypeError('desk must come from userDesk of @countersign/user-desk')
  return setup
}
