/** What an operation is described by: no more of the request than its signature covers and the approval binds. */
export interface DescribedRequest {
  readonly method: string
  /** The raw path. To show a part of it, take {@link DescribedRequest.segment | segment}. */
  readonly path: string
  /** The raw query, from `?` on; empty without one. To show a part of it, take {@link DescribedRequest.parameter | parameter}. */
  readonly query: string
  /** The verified bytes; empty without a body. To show a part of JSON, take {@link DescribedRequest.json | json}. */
  readonly body: Uint8Array
  /**
   * A segment of the path, decoded: of `/messages/5` the second is `5`. Every later one must be taken, too.
   * @throws TypeError where there is none, which refuses the request
   */
  segment(at: number): string
  /**
   * A parameter of the query, decoded.
   * @throws TypeError unless it stands there once, and none that some framework could take for it (`Amount`, `amount[]`)
   */
  parameter(name: string): string
  /**
   * The body as JSON, which cannot be changed; of an MCP tool call its arguments. Each member that is read counts as shown.
   * @throws TypeError for anything else, which refuses the request
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
 * user cannot be shown: over 500 code points, characters that turn text or cannot be seen.
 *
 * **Take no more of the request than you show.** What `segment`, `parameter` and `json` gave counts as shown. A request that holds more,
 * such as a `bcc`, is refused, unless `unshown` of the route names the place.
 * @see protocol §9.4
 */
export type Describe = (
  request: DescribedRequest,
  caller: DescribedCaller,
) => readonly string[] | Promise<readonly string[]>
