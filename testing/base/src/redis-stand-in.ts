import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { delimiter, join } from 'node:path'
import { freePort } from './ports.js'
import { listens } from './services.js'

// Two stand-ins for Redis: a wire that answers as Redis would (or not at all), and a server of one's own.

/** The commands that stand whole at the beginning of `text`, and how much of it they are. */
function commandsIn(text: string): { commands: string[][]; used: number } {
  const commands: string[][] = []
  let used = 0
  for (;;) {
    const head = /^\*(\d+)\r\n/.exec(text.slice(used))
    if (!head) return { commands, used }
    let at = used + head[0].length
    const command: string[] = []
    for (let i = 0; i < Number(head[1]); i++) {
      const size = /^\$(\d+)\r\n/.exec(text.slice(at))
      if (!size) return { commands, used }
      const from = at + size[0].length
      at = from + Number(size[1]) + 2
      if (text.length < at) return { commands, used }
      command.push(text.slice(from, at - 2))
    }
    commands.push(command)
    used = at
  }
}

/** What speaks Redis's protocol and can be slow, silent or gone. */
export interface Wire {
  readonly url: string
  /** Seconds before each answer to a script. */
  delay: number
  /** What INFO memory says. */
  memory: string
  /** Connections are taken and nothing is answered. */
  silent: boolean
  stop(): Promise<void>
  start(): Promise<void>
}

function answerTo(command: readonly string[], wire: Wire): string {
  const name = command[0]?.toUpperCase() ?? ''
  if (name === 'HELLO') return '%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n'
  if (name === 'INFO') return `$${wire.memory.length}\r\n${wire.memory}\r\n`
  if (name === 'SCRIPT') return '$40\r\n0123456789012345678901234567890123456789\r\n'
  return name.startsWith('EVAL') ? ':0\r\n' : '+OK\r\n'
}

/** Has a server listen; false where the port is taken. */
function listening(server: Server, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const refused = (): void => resolve(false)
    server.once('error', refused).listen(port, '127.0.0.1', () => {
      server.off('error', refused)
      resolve(true)
    })
  })
}

export async function openWire(): Promise<Wire> {
  const port = await freePort()
  let server: Server | undefined
  const sockets = new Set<Socket>()
  const wire: Wire = {
    url: `redis://127.0.0.1:${port}`,
    delay: 0,
    memory: 'maxmemory:0\r\nmaxmemory_policy:noeviction\r\n',
    silent: false,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => (server ? server.close(resolve) : resolve(undefined)))
    },
    async start() {
      server = createServer(socket => serve(socket, wire, sockets))
      // A socket that is closed may still be listening for a moment, where the kernel has more to do for it.
      for (let tries = 0; !(await listening(server, port)); tries++) {
        if (tries === 100) throw new Error(`port ${port} is taken`)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    },
  }
  await wire.start()
  return wire
}

function serve(socket: Socket, wire: Wire, sockets: Set<Socket>): void {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => undefined)
  let text = ''
  socket.setEncoding('latin1').on('data', (data: string) => {
    text += data
    const { commands, used } = commandsIn(text)
    text = text.slice(used)
    for (const command of commands) {
      if (wire.silent) continue
      const send = (): void => void (socket.destroyed || socket.write(answerTo(command, wire)))
      if (command[0]?.startsWith('EVAL') && wire.delay > 0) setTimeout(send, wire.delay * 1000)
      else send()
    }
  })
}

const binary: string | undefined = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map(folder => join(folder, 'redis-server'))
  .find(file => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** Whether this machine can start a Redis of its own. */
export const hasServer: boolean = binary !== undefined

/** A Redis of one's own, in memory only. */
export async function startServer(port: number, ...settings: readonly string[]): Promise<ChildProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...settings]
  const child = spawn(binary ?? '', args, { stdio: 'ignore' })
  for (let i = 0; i < 200 && !(await listens(port)); i++) await new Promise(resolve => setTimeout(resolve, 25))
  return child
}

export async function stopServer(child: ChildProcess): Promise<void> {
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
