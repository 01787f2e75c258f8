import { connect } from 'node:net'
import { type Logger, type Participant, type Running, type ServeOptions, serve } from './index.js'

/** Drops every record. */
export const quietLog: Logger = { debug() {}, info() {}, warn() {}, error() {} }

const running = new Set<Running>()

/** Runs a participant on a free port of 127.0.0.1, without log, ready line or signal handlers. */
export async function start(handle: Participant['handle'], options: Partial<ServeOptions> = {}): Promise<Running> {
  const server = await serve({
    name: 'room',
    id: 'https://room.example',
    host: '127.0.0.1',
    port: 0,
    participant: { handle },
    log: quietLog,
    signals: false,
    drain: 1,
    announce: () => {},
    ...options,
  })
  running.add(server)
  return server
}

/** Closes what {@link start} started. */
export async function closeAll(): Promise<void> {
  const servers = [...running]
  running.clear()
  await Promise.all(servers.map(server => server.close()))
}

/** Sends bytes on a new connection and returns all that it receives until the server closes it. */
export function exchangeBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'))
    let text = ''
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    // A reset after the answer has arrived is the server's right.
    socket.on('error', error => (text === '' ? reject(error) : resolve(text)))
  })
}

/** The status code of a raw answer. */
export const statusOf = (answer: string): string => answer.slice(9, 12)

/** The body of a raw answer as JSON. */
export const jsonOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
