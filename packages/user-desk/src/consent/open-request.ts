import type { Reporter } from '@countersign/audit/internal'
import type { AuthServerEvent, Policy } from '@countersign/auth-server'
import type {
  Blocks,
  ConsentKey,
  DeskServer,
  PageFacts,
  RememberedYes,
  RequestBy,
  RequestOf,
  Requests,
  StoredRequest,
  Tables,
} from '@countersign/auth-server/internal'
import type { Discovery } from '@countersign/discovery'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { Store } from '@countersign/store'
import type { BrowserSession, SessionUser } from '../login/entrance.js'
import type { Login } from '../login/sign-in.js'
import type { ClaimedLogos } from '../pages/claimed-logo.js'
import type { ConsentView } from '../pages/consent-view.js'
import type { ConsentDefaults } from '../pages/limits-view.js'
import type { Looks } from '../pages/look.js'

/** What the pages for users need. */
export interface ConsentContext {
  readonly login: Login
  readonly store: Store<Tables>
  readonly requests: Requests
  readonly blocks: Pick<Blocks, 'check'>
  readonly remembered: (key: ConsentKey, scope: readonly string[]) => Promise<RememberedYes>
  readonly discovery: Discovery
  readonly logos: ClaimedLogos
  readonly looks: Looks
  readonly policy: Policy
  /** What the forms of consent pages hold at first. */
  readonly defaults: ConsentDefaults
  readonly issuer: { readonly issuer: string }
  /** Sends the browser back with the answer. */
  readonly decided: DeskServer['decided']
  readonly now: () => number
  readonly report: Reporter<AuthServerEvent>
  /** Notes which request a page is about, so that the event of a refusal names it. */
  readonly note?: ((known: PageFacts) => void) | undefined
  /** Absent where no exchange is configured. */
  readonly linking?: Linking | undefined
  readonly approvalPages: ApprovalPages
}

/** A request in the browser that has it, and who is signed in there. */
export interface OpenRequest<R extends StoredRequest = StoredRequest> {
  readonly row: R
  readonly session: BrowserSession
  readonly user: SessionUser
}

/** A request that a link opened, not a user code. */
export interface LinkedRequest<R extends RequestBy<'browser'> = RequestBy<'browser'>> extends OpenRequest<R> {
  readonly request_token: string
}

/** A question about a single call, where it is shown. */
export interface ShownQuestion<R extends RequestOf<'call'> = RequestOf<'call'>> extends OpenRequest<R> {
  /** The path that takes the answer. */
  readonly action: string
  /** What the form carries besides. */
  readonly hidden: Readonly<Record<string, string>>
  /** The path that shows the question again. */
  readonly returnTo: string
  readonly way: ConsentView['way']
}

/** Asks a user about a single call. */
export interface ApprovalPages {
  /** @throws AAuthError where the question is for another user, or not open any more */
  check(open: OpenRequest<RequestOf<'call'>>): Promise<void>
  /** Shows the question. @throws AAuthError, shown as a page, when it is for another user, or not open any more */
  show(message: ReceivedMessage, shown: ShownQuestion): Promise<Response>
  /**
   * Stores the answer, and reports it. Resolves with the request as it is now; with a page where the user must be verified first;
   * undefined where there is nothing to answer any more.
   * @throws AAuthError as `show`, and for a form that says none of the answers
   */
  decide<R extends RequestOf<'call'>>(
    message: ReceivedMessage,
    shown: ShownQuestion<R>,
    o: { readonly form: ReadonlyMap<string, string>; readonly check?: () => Promise<void> },
  ): Promise<R | Response | undefined>
}

/** Makes sure that only the user whom an exchange is for decides it. */
export interface Linking {
  /**
   * Whether a browser may take the request over from another one; undefined where another user has proven to be the upstream one.
   * @throws AAuthError for another user than the one whom the exchange is for
   */
  mayAnswer(message: ReceivedMessage, open: OpenRequest<RequestOf<'exchange'>>): Promise<'takeOver' | undefined>
  /**
   * Where the browser must go before its user may decide: to the other auth server, or to the link page. Undefined once its
   * user is known to be the one whom the exchange is for.
   * @throws AAuthError, shown as a page, when another user is signed in
   */
  detour(message: ReceivedMessage, open: LinkedRequest<RequestOf<'exchange'>>): Promise<Response | undefined>
  /** Takes a browser back from the other auth server. */
  callback(message: ReceivedMessage): Promise<Response>
  /** Takes the user's decision about the link. */
  decide(message: ReceivedMessage, note?: ConsentContext['note']): Promise<Response>
}
