import type { CallerConnection } from './received-message.js'

/** The connection of a Fetch API request. Its signal is read when it is asked for: some platforms make it only then. */
class RequestConnection implements CallerConnection {
  readonly #request: Request

  constructor(request: Request) {
    this.#request = request
  }

  get signal(): AbortSignal {
    return this.#request.signal
  }

  whenGone(work: () => void): () => void {
    const { signal } = this
    if (signal.aborted) work()
    else signal.addEventListener('abort', work, { once: true })
    return () => signal.removeEventListener('abort', work)
  }
}

/** The connection of a Fetch API request, as far as the platform tells of its end. */
export function connectionOfRequest(request: Request): CallerConnection {
  return new RequestConnection(request)
}
