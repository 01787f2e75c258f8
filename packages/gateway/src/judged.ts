import type { JudgeHead, ReceivedMessage } from '@countersign/httpsig'
import type { Ask } from '@countersign/mcp/rules'
import type { Authorization, Requirement } from '@countersign/resource'

/** The verdict on a request, and the requirement it was judged by; none where no route is for it. */
export interface Judged<S extends string> {
  readonly authorization: Authorization
  readonly requirement: Requirement<S>
  /**
   * What must hold before the request is passed on, which only the API itself can say.
   * @param ask asks it in the name of the caller
   */
  readonly before?: (ask: Ask) => Promise<void>
  /** What the caller gets of the API's answer. Default: all of it. */
  readonly through?: (response: Response) => Response
}

/** Gives the verdict on a request. @throws AAuthError for one that has none */
export type Judge<S extends string> = (message: ReceivedMessage) => Promise<Judged<S>>

/** Judges requests, and before their bodies are read their heads. */
export interface Judges<S extends string> {
  readonly judge: Judge<S>
  readonly judgeHead: JudgeHead
}
