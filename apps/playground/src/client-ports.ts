import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

// Loaded into each participant before its own program (`node --import`), so that the page can name the process that sent a message.

/** Calls `tell` with the local port of each connection that this process opens. */
export function onClientPort(tell: (port: number) => void): void {
  subscribe('net.client.socket', message => {
    const { socket } = message as { readonly socket: Socket }
    socket.once('connect', () => {
      if (socket.localPort !== undefined) tell(socket.localPort)
    })
  })
}

const send = process.send?.bind(process)
// Messages of participants have an `at`; these have none.
if (send !== undefined && process.env['COUNTERSIGN_TRACE'] === 'ipc')
  onClientPort(port => void send({ connectedFrom: port }))
