import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import { PortError } from '../port-error.js'
import type { HeaderLine } from '../wire/message.js'

/** What an origin answers. */
export interface Reply {
  readonly status?: number
  /** A field with several values has a line for each. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body: string | Uint8Array
}

/** A request that came to an origin of the suite. */
export interface Visit {
  readonly method: string
  readonly target: string
  readonly headers: readonly HeaderLine[]
  readonly body: Buffer
  /** When it came: milliseconds since the epoch. */
  readonly at: number
  /** What it was answered; absent until then. */
  readonly reply?: Reply
}

/** Answers a request that came to an origin. */
export type Answer = (visit: Visit) => Reply | Promise<Reply>

/** A server of the suite under an origin of its own. */
export interface Origin {
  /** Its identifier. */
  readonly id: string
  /** All requests that came, in their order. */
  readonly visits: readonly Visit[]
  /** Sets what a path is answered with. */
  answer(path: string, answer: Answer): void
  /** Publishes a JSON document. */
  publish(path: string, document: unknown): void
  close(): Promise<void>
}

/** The longest body that an origin of the suite takes. */
const longestBody = 1024 * 1024

/**
 * Opens an origin on loopback.
 * @param o.port default one that is free
 * @param o.id its identifier, where a proxy gives it a public one; default `http://localhost:PORT`
 * @param o.option the member of the configuration that names its port
 * @throws PortError where it cannot listen on that port
 */
export async function openOrigin(
  o: { readonly port?: number; readonly id?: string; readonly option?: string | undefined } = {},
): Promise<Origin> {
  const visits: Visit[] = []
  const answers = new Map<string, Answer>()
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const visit: Visit & { reply?: Reply } = await visitOf(request)
    visits.push(visit)
    const found = answers.get(pathOf(visit.target)) ?? answers.get('*')
    const reply = (await found?.(visit)) ?? { status: 404, body: '' }
    visit.reply = reply
    response.writeHead(reply.status ?? 200, reply.headers as OutgoingHttpHeaders | undefined).end(reply.body)
  }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch(() => response.destroy())
  }
  const { port, servers } = await listenOnLoopback(o.port ?? 0, listener).catch((error: unknown) => {
    throw notListening(error, o)
  })
  const json = (document: unknown): Reply => ({
    headers: { 'content-type': 'application/json', 'cache-control': 'max-age=600' },
    body: JSON.stringify(document),
  })
  return {
    id: o.id ?? `http://localhost:${port}`,
    visits,
    answer: (path, answer) => void answers.set(path, answer),
    publish: (path, document) => void answers.set(path, () => json(document)),
    async close() {
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
    },
  }
}

/** The path of a target, without its query. */
export function pathOf(target: string): string {
  return target.split('?')[0] ?? ''
}

async function visitOf(request: IncomingMessage): Promise<Visit> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    chunks.push(chunk as Buffer)
    bytes += (chunk as Buffer).length
    if (bytes > longestBody) throw new RangeError('the body is too long')
  }
  const { rawHeaders } = request
  const headers = rawHeaders.flatMap((name, at): HeaderLine[] =>
    at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? '']] : [],
  )
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    headers,
    body: Buffer.concat(chunks),
    at: Date.now(),
  }
}

/** `localhost` is an IPv4 address for some and an IPv6 address for others: it listens on both, where the machine has both. */
async function listenOnLoopback(
  port: number,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ port: number; servers: Server[] }> {
  const first = await listen(port, '127.0.0.1', listener)
  const address = first.address()
  const chosen = typeof address === 'object' && address !== null ? address.port : port
  const second = await listen(chosen, '::1', listener).catch(async (error: NodeJS.ErrnoException) => {
    // A machine without IPv6 has no such address. What others listen on there would get requests that are for the suite.
    if (error.code !== 'EADDRINUSE' || port === 0) return undefined
    await new Promise(resolve => first.close(resolve))
    throw error
  })
  return { port: chosen, servers: second === undefined ? [first] : [first, second] }
}

/** A port that is taken is a mistake in how the suite was started. */
function notListening(error: unknown, o: { readonly port?: number; readonly option?: string | undefined }): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error
  const why = code === 'EADDRINUSE' ? 'another program listens there' : 'this user may not'
  const other = o.option === undefined ? '' : `; ${o.option} in the configuration names another port`
  return new PortError(`the suite cannot listen on port ${o.port ?? 0} of localhost: ${why}${other}`, {
    cause: error,
  })
}

function listen(
  port: number,
  host: string,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer({ maxHeaderSize: 128 * 1024 }, listener)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}
