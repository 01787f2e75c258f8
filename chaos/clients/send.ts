import { Agent, request as httpRequest } from 'node:http'
import type { History, Outcome } from '../history.js'

/** Where and what a client sends. */
export interface ToSend {
  /** The identifier of the receiver, an origin: what `Host` says. */
  readonly id: string
  /** Another port, to reach one instance past the balancer. */
  readonly port?: number | undefined
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body?: Uint8Array | undefined
}

/** What came of it: an answer, or a failure of which nobody knows what it has done. */
export interface Answer {
  /** 0 where there is none. */
  readonly status: number
  readonly failure?: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The members of a JSON object; none of another body. */
  readonly body: Readonly<Record<string, unknown>>
  readonly begin: number
  readonly end: number
}

/** Says of a request what a history needs. */
export interface Sender {
  /** How a request is named in the history. */
  readonly client: string
  readonly flow: string
}

/** Milliseconds that a client waits for an answer. */
export const clientDeadline = 15_000

/** Sends requests, each over a connection of its own, so that the balancer gives each to the next instance. */
export interface Courier {
  send(to: ToSend, what: string, by: Sender): Promise<Answer>
  close(): void
}

/** @param nameOf the name of a receiver in the history */
export function openCourier(history: History, nameOf: (id: string) => string): Courier {
  const agent = new Agent({ keepAlive: false, maxSockets: 200 })
  return {
    async send(to, what, { client, flow }) {
      const answer = await exchange(to, agent)
      history.add({
        type: 'request',
        client,
        flow,
        to: nameOf(to.id),
        what,
        begin: answer.begin,
        end: answer.end,
        ...(answer.failure === undefined
          ? { status: answer.status, retryAfter: answer.headers['retry-after'] !== undefined }
          : { failure: answer.failure }),
        ...(answer.status >= 400 ? { reason: reasonOf(answer) } : {}),
      })
      return answer
    },
    close: () => agent.destroy(),
  }
}

function exchange(to: ToSend, agent: Agent): Promise<Answer> {
  const begin = Date.now()
  const url = new URL(to.id)
  return new Promise(resolve => {
    const fail = (failure: string): void =>
      resolve({ status: 0, failure, headers: {}, text: '', body: {}, begin, end: Date.now() })
    const length = to.body === undefined ? [] : (['content-length', String(to.body.length)] as const)
    const headers = ['host', url.host, ...to.headers.flat(), ...length]
    const request = httpRequest(
      { host: '127.0.0.1', port: to.port ?? url.port, method: to.method, path: to.target, headers, agent },
      response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', error => fail(codeOf(error)))
        response.on('end', () => {
          clearTimeout(timer)
          const { statusCode: status = 0, headers } = response
          resolve({ status, headers, text, body: jsonObject(text), begin, end: Date.now() })
        })
      },
    )
    const timer = setTimeout(() => {
      fail('timeout')
      request.destroy()
    }, clientDeadline)
    request.on('error', error => {
      clearTimeout(timer)
      fail(codeOf(error))
    })
    request.end(to.body)
  })
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}

/** The name of a refusal: `reason`, else `error`, else that of an error page. */
export function reasonOf({ body, text }: Answer): string | undefined {
  const named = body['reason'] ?? body['error'] ?? /data-reason="([a-z_]+)"/.exec(text)?.[1]
  return named === undefined ? undefined : String(named)
}

/** Refusals that say of the request itself that it came at the wrong time, and of what it asks for nothing. */
const timely = /created|expired|future|early|late|clock|stale|window|not_yet/

/** How a request ended for what it asks: a signature that a moved clock refuses is no word about a grant. */
export function outcomeOf(answer: Answer): Outcome {
  if (answer.failure !== undefined) return 'unknown'
  if (answer.status < 400) return 'ok'
  if (answer.status >= 500 || answer.status === 429) return 'unavailable'
  return answer.status === 401 && timely.test(reasonOf(answer) ?? '') ? 'unavailable' : 'refused'
}
