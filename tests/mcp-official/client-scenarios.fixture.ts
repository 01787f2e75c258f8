import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { root } from '../processes.fixture.js'
import { siteAgent } from '../site-agent.fixture.js'
import { type ClientRun, runClient } from './client.fixture.js'
import type { Listening } from './serve.fixture.js'

// The suite starts a client for each scenario, all at once: they are here, in one process, and wait for each other.

/** Clients that run when a relay says so. */
export interface Clients extends Listening {
  /** The command that the suite starts. */
  readonly command: string
  /** With what clients ended; some scenarios want that. */
  readonly errors: string[]
}

/** Clients that run at once: with all of them, a busy machine would not keep the deadlines of the parts in between. */
const most = 4

/** Lets so many run at once, and the others wait. */
function turns(): <T>(run: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: Array<() => void> = []
  return async run => {
    if (running === most) await new Promise<void>(resolve => waiting.push(resolve))
    else running++
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

/** Waits for the relays of the suite. */
export async function serveClients(): Promise<Clients> {
  const agent = await siteAgent()
  const errors: string[] = []
  const inTurn = turns()
  const server = createServer(async (request, response) => {
    const run = (await json(request)) as ClientRun
    try {
      await inTurn(() => runClient(agent, run))
      response.end('done')
    } catch (error) {
      const said = error instanceof Error ? error.stack : String(error)
      errors.push(`${run.scenario}: ${said}`)
      response.writeHead(500).end(said)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const relay = join(root, 'tests/mcp-official/relay.fixture.mjs')
  return {
    origin: `http://127.0.0.1:${port}`,
    command: `${process.execPath} ${relay} ${port}`,
    errors,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
