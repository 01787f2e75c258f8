import { serve } from '@countersign/server'
import type { Addresses } from './addresses.js'
import { explorer } from './explorer/explorer.js'
import { honoParticipant } from './hono-participant.js'
import { startParticipants } from './participants.js'

/** Lists the participants and their URLs, one a line. */
function placesOf(addresses: Addresses): string[] {
  const { page: _, agentServer, authServer, roomsAuthServer, calendar, rooms, webApp, addressBook, tools } = addresses
  const places = {
    'agent server': agentServer,
    'auth server': authServer,
    'calendar, an API': calendar,
    'web app': webApp,
    'tools, an MCP server': tools,
    'rooms, an API of another domain': rooms,
    'auth server of rooms': roomsAuthServer,
    'address book, an API that knows only OAuth': addressBook,
  }
  const width = Math.max(...Object.keys(places).map(name => name.length))
  return Object.entries(places).map(([name, url]) => `  ${name.padEnd(width)}  ${url}`)
}

/** Options of {@link startPlayground}. */
export interface PlaygroundOptions {
  /** The page's port; the participants follow at +10 to +74. */
  readonly base: number
  /** The file of the `countersign` command. */
  readonly countersign: string
  readonly write?: (line: string) => void
}

/** Starts the participants and the page; ends with the process. */
export async function startPlayground(options: PlaygroundOptions): Promise<void> {
  const { base, countersign, write = line => console.log(line) } = options
  write('starting the participants, each a process of its own …')
  const participants = await startParticipants({ base, countersign, onReady: () => {} })
  const { page } = participants.addresses
  await serve({
    name: 'playground',
    id: page,
    port: base,
    development: true,
    level: 'error',
    announce: line =>
      write([line, ...placesOf(participants.addresses), '', `Open ${page} in a browser; Ctrl+C ends it.`].join('\n')),
    participant: { ...honoParticipant(page, explorer(participants)), close: () => participants.stop() },
  })
}
