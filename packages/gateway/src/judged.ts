import type { ReceivedMessage } from '@countersign/httpsig'
import type { Ask } from '@countersign/mcp/internal'
import type { Authorization, Requirement } from '@countersign/resource'

/** The verdict on a request, and the requirement that judged it; undefined when no route matches. */
export interface Judged<S extends string> {
  readonly authorization: Authorization
  readonly requirement: Requirement<S>
  /**
   * Checks a condition that only the API itself can tell, before the request is forwarded.
   * @param ask sends a request to the API in the name of the caller
   */
  readonly before?: ((ask: Ask) => Promise<void>) | undefined
  /** Filters the API's response for the caller. Default: unchanged. */
  readonly through?: (response: Response) => Promise<Response>
  /** Gives back what the request holds of its caller's limits, where no response went through. Further calls do nothing. */
  readonly leave?: () => void
}

/** Judges a request. @throws AAuthError for a request that cannot be judged */
export type Judge<S extends string> = (message: ReceivedMessage) => Promise<Judged<S>>

/** How the requests of a route are judged. */
export interface RouteJudge<S extends string> {
  /**
   * Reads the body of a request whose head is let pass.
   * @returns undefined where it is refused: then `judge` says how
   */
  read(message: ReceivedMessage): Promise<ReceivedMessage | undefined>
  readonly judge: Judge<S>
}
