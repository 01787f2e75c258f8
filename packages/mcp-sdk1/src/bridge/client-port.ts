import type { Params, RpcMessage } from '@countersign/mcp/internal/client'

/** The client, and the questions to its user. */
export interface ClientPort {
  /** What the client can be asked; undefined before it has said so. */
  readonly capabilities: Params | undefined
  /** Receives a message of the client. @returns the message for the server; undefined where there is none */
  fromClient(message: RpcMessage): RpcMessage | undefined
  /** Sends a message of the server to the client. */
  toClient(message: RpcMessage): void
  /**
   * Asks the client.
   * @returns its result
   * @throws Error when the client answers with an error, or cannot be asked now
   */
  ask(question: Question): Promise<Params>
  /** Tells the client that a page that its user was sent to is done with. */
  complete(elicitationId: string): Promise<void>
  /** Rejects all questions. */
  close(error: Error): void
}

/** A request to the client. */
export interface Question {
  readonly method: string
  readonly params: Params | undefined
  readonly signal?: AbortSignal | undefined
}

/** Receives the client's answer to a question. */
export interface Asker {
  resolve(result: Params): void
  reject(error: Error): void
}

/** Most questions of the bridge that are open: neither side may fill its memory. */
export const mostAsked = 64

/** A promise, and what settles it; it rejects when the signal ends it. */
export function answerOf(
  signal: AbortSignal | undefined,
  withdraw: () => void,
): { readonly asker: Asker; readonly answer: Promise<Params> } {
  const { promise, resolve, reject } = deferred()
  const end = (): void => {
    withdraw()
    reject(signal?.reason)
  }
  signal?.addEventListener('abort', end, { once: true })
  const answer = promise.finally(() => signal?.removeEventListener('abort', end))
  return { asker: { resolve, reject }, answer }
}

function deferred(): Asker & { readonly promise: Promise<Params> } {
  let resolve: Asker['resolve'] = () => undefined
  let reject: Asker['reject'] = () => undefined
  const promise = new Promise<Params>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
