import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { AAuthError } from '@countersign/protocol'

/** One request as it goes upstream. */
export interface UpstreamRequest {
  readonly method: string
  /** The raw target, sent byte for byte. */
  readonly target: string
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body?: Uint8Array
}

/** The server behind the gateway. */
export interface Upstream {
  /** @throws AAuthError `temporarily_unavailable` when it does not answer */
  send(request: UpstreamRequest): Promise<IncomingMessage>
  /** Rejects when nobody listens there. */
  check(): Promise<void>
  close(): void
}

/**
 * Opens an upstream.
 * Node's own client and not `fetch`: that one would rewrite the target, and the path that was verified is the path that is asked for.
 * @param options.origin e.g. `http://127.0.0.1:8080`; a path in it is refused, for the same reason
 * @param options.timeout seconds until the head of the answer must be there
 * @throws TypeError when `origin` is not an http or https origin
 */
export function openUpstream(options: { readonly origin: string; readonly timeout: number }): Upstream {
  const url = originOf(options.origin)
  const secure = url.protocol === 'https:'
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
  const send = (request: UpstreamRequest, reuse: boolean) =>
    exchange({ url, secure, request, timeout: options.timeout, agent: reuse ? agent : false })
  return {
    async send(request) {
      // A kept connection may close at the very moment it is used. Only what is safe to send twice may meet that.
      // A body goes alone on its connection: an API that ignores it would read it as the next request, one nobody verified.
      const safe = (request.method === 'GET' || request.method === 'HEAD') && request.body === undefined
      try {
        return await send(request, safe)
      } catch (error) {
        if (safe && error instanceof ClosedConnection) return send(request, false)
        throw error
      }
    },
    check: () => reach(url, options.timeout),
    close: () => agent.destroy(),
  }
}

function originOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || `${url.origin}/` !== url.href)
    throw new TypeError('upstream must be an origin such as http://127.0.0.1:8080, without a path')
  return url
}

function reach(url: URL, timeout: number): Promise<void> {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostOf(url), port, timeout: timeout * 1000 })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('timeout', () => socket.destroy(new Error('no connection in time')))
    socket.once('error', reject)
  })
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** A kept connection was closed by the other side before anything of the answer came. */
class ClosedConnection extends AAuthError {}

interface Exchange {
  readonly url: URL
  readonly secure: boolean
  readonly request: UpstreamRequest
  readonly timeout: number
  readonly agent: HttpAgent | false
}

function exchange({ url, secure, request, timeout, agent }: Exchange): Promise<IncomingMessage> {
  const { method, target, headers, body } = request
  return new Promise((resolve, reject) => {
    const outgoing = (secure ? httpsRequest : httpRequest)({
      host: hostOf(url),
      port: url.port,
      method,
      path: target,
      headers: ['Host', url.host, ...headers.flat()],
      setHost: false,
      agent,
    })
    const fail = (cause: Error): void => {
      clearTimeout(timer)
      const description = 'the API behind this gateway does not answer'
      const Reason = outgoing.reusedSocket && isReset(cause) ? ClosedConnection : AAuthError
      reject(new Reason('temporarily_unavailable', description, { retryAfter: retryAfter(method), cause }))
    }
    const timer = setTimeout(() => outgoing.destroy(new Error('no answer in time')), timeout * 1000)
    outgoing.on('response', response => {
      clearTimeout(timer)
      resolve(response)
    })
    outgoing.on('error', fail)
    // Switching protocols when nobody asked, Node closes without an error: the caller would wait for ever.
    outgoing.on('close', () => fail(new Error('closed without an answer')))
    outgoing.end(body)
  })
}

/**
 * Seconds after which the caller may send a request again that got no usable answer. The API may have acted on an unsafe one:
 * that is longer than agents wait before they send it again by themselves.
 */
export function retryAfter(method: string): number {
  return method === 'GET' || method === 'HEAD' ? 5 : 60
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}
