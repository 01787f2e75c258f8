import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  type EventStore,
  hostHeaderValidationResponse,
  isLegacyRequest,
  type JSONRPCMessage,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import type { OfficialServer } from './server.fixture.js'

// How the server is served without us: requests of 2026-07-28 each by itself, clients of 2025-11-25 in sessions.

/** A server that listens. */
export interface Listening {
  readonly origin: string
  close(): Promise<void>
}

/**
 * Serves it on a port of this machine, for pages of this machine only.
 * @param earlier how clients of 2025-11-25 are served
 */
export async function serveBare(
  official: OfficialServer,
  earlier: 'in sessions' | 'stateless' = 'in sessions',
): Promise<Listening> {
  const { createServer: create, bus } = official
  const modern = createMcpHandler(create, { legacy: earlier === 'stateless' ? 'stateless' : 'reject', bus })
  const legacy = earlier === 'stateless' ? modern.fetch : sessionsOf(official)
  const handler = toNodeHandler({
    async fetch(request) {
      const refused =
        hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
        originValidationResponse(request, localhostAllowedOrigins())
      if (refused !== undefined) return refused
      return (await isLegacyRequest(request)) ? legacy(request) : modern.fetch(request)
    },
  })
  // The SDK's own type of a request is stricter about what may be undefined than Node's is.
  type Incoming = Parameters<typeof handler>[0]
  const server = createServer((request, response) => void handler(request as Incoming, response))
  const origin = await listen(server)
  return {
    origin,
    async close() {
      await modern.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function listen(server: Server): Promise<string> {
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`)
    })
  })
}

/** Answers requests of sessions, whose streams can be resumed. */
function sessionsOf({ createServer }: OfficialServer): (request: Request) => Promise<Response> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
  return async request => {
    const id = request.headers.get('mcp-session-id')
    if (id !== null) return sessions.get(id)?.handleRequest(request) ?? new Response(null, { status: 404 })
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: begun => void sessions.set(begun, transport),
      onsessionclosed: ended => void sessions.delete(ended),
      eventStore: recentEvents(),
      retryInterval: 100,
    })
    const server = await createServer({ era: 'legacy', requestInfo: request })
    await server.connect(transport)
    return transport.handleRequest(request)
  }
}

/** Keeps the events of one session: they are few. */
function recentEvents(): EventStore {
  const events: Array<{ readonly stream: string; readonly message: JSONRPCMessage }> = []
  return {
    async storeEvent(stream, message) {
      events.push({ stream, message })
      return String(events.length)
    },
    async replayEventsAfter(last, { send }) {
      const stream = events[Number(last) - 1]?.stream ?? ''
      for (const [at, event] of events.entries())
        if (at >= Number(last) && event.stream === stream) await send(String(at + 1), event.message)
      return stream
    },
  }
}
