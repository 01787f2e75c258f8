/** What a browser is sent on for, and back. @see protocol §7 */
export interface Errand {
  /** Stands in the URL of the page. */
  readonly handle: string
  /** Whose it is. */
  readonly who: string
  readonly agent: string
  readonly sub: unknown
  /** In seconds. */
  readonly until: number
  /** Where the browser is sent, and what for. */
  readonly authServer: string
  readonly requestToken: string
  readonly state: string
  /** What is done with the answer of the auth server. */
  readonly kind: 'exchange' | 'sign-in'
  /** The cookie of the one browser that opened it. */
  browser?: string
  /** Where the browser goes in the end. */
  home?: { readonly url: string; readonly state: string | undefined }
  hasReturned?: true
  /** At the OAuth server. */
  oauth?: { readonly state: string; readonly verifier: string }
  /** The token that came of it, and the code by which its caller may use it. */
  result?: { readonly token: string; readonly code: string }
}
