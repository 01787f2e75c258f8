/** What an operation is described by: no more of the request than its signature covers and the approval binds. */
export interface DescribedRequest {
  readonly method: string
  /** The raw path. */
  readonly path: string
  /** The raw query, from `?` on; empty without one. */
  readonly query: string
  /** The verified bytes; empty without a body. */
  readonly body: Uint8Array
  /**
   * The body as JSON; of an MCP tool call its arguments.
   * @throws SyntaxError for anything else, which refuses the request
   */
  json(): unknown
}

/** For whom an operation is described: the same when the approved request comes. */
export interface DescribedCaller {
  readonly agent: string
  readonly delegate?: string | undefined
  readonly user?: { readonly iss: string; readonly sub: string } | undefined
}

/**
 * Says what a request would do, for the user who is asked: see `display`. It is called once before the user is asked and again when the
 * approved request comes, must only read, and say the same where nothing has changed. What it throws refuses the request, as does what a
 * user cannot be shown: over 500 code points, control characters, separators of lines.
 * @see protocol §9.4
 */
export type Describe = (
  request: DescribedRequest,
  caller: DescribedCaller,
) => readonly string[] | Promise<readonly string[]>
