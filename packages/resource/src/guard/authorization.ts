import type { ReceivedMessage } from '@countersign/httpsig'
import type { AnswerRule } from '../answer/answer-rule.js'
import type { AAuth, Guarded } from './aauth.js'
import type { Answered } from './called.js'
import type { Question } from './decision.js'
import type { StreamedBody } from './streamed-body.js'

/** The questions that calls of other services have for the user of a request. @see protocol §12 */
export interface Questions {
  /** The question behind an error that `aauth.fetch` threw for this request; undefined for an error that needs no user. */
  of(error: unknown): Promise<Question | undefined>
  /**
   * Waits for the user's answer to a question that this caller was asked before, so that `aauth.fetch` can use it.
   * @param seconds after which it is still `open`; `gone` is one that was answered and used before, has ended, or is another caller's
   */
  answer(code: string, seconds: number): Promise<Answered>
}

/** What became of a request. */
export type Authorization =
  | {
      readonly ok: true
      readonly aauth: Guarded
      /** The request as it was judged, with its body: that is the one that was signed. On a route that streams it is unread. */
      readonly message: ReceivedMessage
      /** The resource only observes: `aauth` is anonymous for every caller, and proves nothing. */
      readonly observed?: true
      /**
       * Beside `observed`: what was verified of a caller that would pass, for adapters that tell what else enforcing would refuse. No
       * handler may get it: it could not tell these facts from those of a request that enforcing refuses.
       */
      readonly seen?: AAuth
      /**
       * The response to an error that `aauth.fetch` threw for this request: its user is needed, or another service is away.
       * Undefined for every other error. Error handlers of an app ask here first.
       */
      respond(error: unknown): Promise<Response | undefined>
      /** Where handlers can call other services: questions to the user, for clients that pass them on and repeat the request. */
      readonly questions?: Questions
      /**
       * Of a request whose token can be revoked, or whose conditions end at a time: ends its response, stream or socket as soon as that
       * happens, by calling `end` once. The function that it returns is called when the exchange has ended by itself.
       * @see protocol §6.6, §9.3
       */
      readonly whileOpen?: (end: () => void) => () => void
      /**
       * Of a caller with conditions of type `data`: what of the answer may go out. Only routes that were declared with
       * `answers: 'projected'` let such a caller in.
       * @see protocol §9
       */
      readonly answer?: AnswerRule
      /** Of a signed request on a route with `body: 'stream'`: what its body must pass while the handler reads it. */
      readonly body?: StreamedBody
    }
  | { readonly ok: false; readonly response: Response }
