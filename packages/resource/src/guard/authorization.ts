import type { Guarded } from './aauth.js'
import type { StreamedBody } from './streamed-body.js'

/** What became of a request. */
export type Authorization =
  | {
      readonly ok: true
      readonly aauth: Guarded
      /** The resource only observes: `aauth` is anonymous whoever called, and vouches for nothing. */
      readonly observed?: true
      /**
       * The answer to what `aauth.fetch` has thrown for this request; undefined for every other error. What catches the
       * errors of handlers asks here first: the user may be needed, or somebody else is away.
       */
      respond(error: unknown): Promise<Response | undefined>
      /** Of a signed request on a route with `body: 'stream'`: what its body must pass while the handler reads it. */
      readonly body?: StreamedBody
    }
  | { readonly ok: false; readonly response: Response }
