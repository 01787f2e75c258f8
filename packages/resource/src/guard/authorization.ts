import type { Guarded } from './aauth.js'
import type { StreamedBody } from './streamed-body.js'

/** What became of a request. */
export type Authorization =
  | {
      readonly ok: true
      readonly aauth: Guarded
      /** The resource only observes: `aauth` is anonymous for every caller, and proves nothing. */
      readonly observed?: true
      /**
       * The response to an error that `aauth.fetch` threw for this request: its user is needed, or another service is away.
       * Undefined for every other error. Error handlers of an app ask here first.
       */
      respond(error: unknown): Promise<Response | undefined>
      /** Of a signed request on a route with `body: 'stream'`: what its body must pass while the handler reads it. */
      readonly body?: StreamedBody
    }
  | { readonly ok: false; readonly response: Response }
