import type { AddressInfo } from 'node:net'
import { type Answer, parseAnswer, send, type Wire } from '@countersign/testing/wire'
import type { Plan } from './site-pages.test.fixture.js'
import type { World } from './world.test.fixture.js'

// One site, made with every adapter, so that one suite holds for all.

export * from './site-pages.test.fixture.js'

/** A site that runs. */
export interface Site {
  /** Of its socket, where it has one. */
  readonly port?: number
  send(wire: Wire): Promise<Answer>
  stop(): Promise<void>
}

/** A way to make the site. */
export interface Adapter {
  readonly name: string
  /** A real socket, so that a message may be malformed; else what a Fetch request can say. */
  readonly wire: boolean
  /** What answers for what a handler throws sets headers; else the platform answers. */
  readonly answersErrors: boolean
  /**
   * The guard stands in the app. A gateway stands before it: its handlers are a server of their own, which has no `aauth.fetch`, whose
   * body limits and mistakes are its own, and which nothing can read before the guard.
   */
  readonly inApp: boolean
  /**
   * It runs in a process of its own, which no function can be given, on a runtime other than Node. `parsed`: this shows a Fetch
   * request, whose target and header lines it has read in its own way; `raw`: a request of its `node:http`.
   */
  readonly runtime?: 'parsed' | 'raw'
  /** Nothing tells where a caller is. */
  readonly hidesAddresses?: true
  /** Another passes the request on, with headers that the API could obey: those refuse it. */
  readonly refusesOverrides?: true
  /** Another makes the answers: nothing of them can be taken out. */
  readonly seesAnswers?: false
  /** @param world whose documents and clock a site in another process asks for */
  make(plan: Plan, world: World): Promise<Site>
}

interface Listening {
  listen(port: number, host: string, ready: () => void): unknown
  address(): unknown
  close(done: () => void): unknown
}

/** A site behind a real socket. */
export async function listening(server: Listening): Promise<Site> {
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    send: wire => send(port, wire),
    stop: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** A site that is a Fetch handler, and what its platform answers when it fails. */
export function inProcess(handle: (request: Request) => Promise<Response>, plan: Plan): Site {
  return {
    async send({ method, target, headers, body }) {
      const request = new Request(`https://calendar.example${target}`, {
        method,
        headers: headers.map(([name, value]): [string, string] => [name, value]),
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      })
      const response = await handle(request).catch((error: unknown) => {
        plan.failed.push(error)
        return new Response('broken', { status: 500 })
      })
      const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`)
      const head = [`HTTP/1.1 ${response.status}`, ...lines, '', ''].join('\r\n')
      return parseAnswer(Buffer.concat([Buffer.from(head), Buffer.from(await response.arrayBuffer())]))
    },
    stop: async () => undefined,
  }
}
