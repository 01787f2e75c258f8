import type { Discovery } from '@countersign/discovery'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { AuthServerEvent } from '../event.js'
import type { ConsentKey } from '../grant/consents.js'
import type { BrowserSession, SessionUser } from '../login/browser-session.js'
import type { Login } from '../login/sign-in.js'
import type { ClaimedLogos } from '../pages/claimed-logo.js'
import type { Policy } from '../policy.js'
import type { RequestRow } from '../tables.js'
import type { Requests } from './requests.js'

/** What the pages of an auth server decide with. */
export interface ConsentContext {
  readonly login: Login
  readonly requests: Requests
  readonly remembered: (key: ConsentKey, scope: readonly string[]) => Promise<readonly string[]>
  readonly discovery: Discovery
  readonly logos: ClaimedLogos
  readonly policy: Policy
  readonly issuer: { readonly issuer: string }
  readonly now: () => number
  readonly onEvent: (event: AuthServerEvent) => void
  /** Told which request a page is about, so that a refusal is recorded with it. */
  readonly note?: ((known: PageFacts) => void) | undefined
  /** Absent where no exchange is configured. */
  readonly linking?: Linking | undefined
}

/** What is known of a page before it is refused. */
export interface PageFacts {
  /** What it is about. */
  readonly row: RequestRow
  /** Who is signed in. */
  readonly user?: SessionUser | undefined
}

/** A request in the browser that has it, and who is signed in there. */
export interface OpenRequest {
  readonly row: RequestRow
  readonly session: BrowserSession
  readonly user: SessionUser
}

/** A request that a link opened, not a user code. */
export interface LinkedRequest extends OpenRequest {
  readonly request_token: string
}

/** Sees to it that only the user an exchange is for decides it. */
export interface Linking {
  /**
   * Where the browser must go first: to the other auth server, or to the page that asks about the link. Undefined once its
   * user is the one the exchange is for.
   * @throws AAuthError, shown as a page, when they are somebody else
   */
  detour(message: ReceivedMessage, open: LinkedRequest): Promise<Response | undefined>
  /** Takes a browser back from the other auth server. */
  callback(message: ReceivedMessage): Promise<Response>
  /** Takes what the user said about the link. */
  decide(message: ReceivedMessage, note?: ConsentContext['note']): Promise<Response>
}
