import { type ChildProcess, fork } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import type { TracedExchange } from '@countersign/server'

// The built file, also when this one runs from source.
const clientPorts = new URL('../dist/client-ports.js', import.meta.url).href

/** A participant in a process of its own. */
export interface ParticipantProcess {
  readonly child: ChildProcess
  /** Resolves with its first line of standard output; rejects with its standard error if it ends before that. */
  readonly ready: Promise<string>
}

/** Starts a participant that sends back every message it receives, and appends what it logs to a file. */
export function startParticipant(options: {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  /** Flags of Node. */
  readonly execArgv: readonly string[]
  readonly log: string
  readonly onMessage: (exchange: TracedExchange) => void
  /** Called with the local port of each connection that it opens. */
  readonly onConnect: (port: number) => void
}): ParticipantProcess {
  const { name, file, args, execArgv, log, onMessage, onConnect } = options
  const child = fork(file, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [...execArgv, '--import', clientPorts],
    env: { ...process.env, COUNTERSIGN_TRACE: 'ipc' },
  })
  child.on('message', told => {
    const { connectedFrom } = told as { readonly connectedFrom?: number }
    if (connectedFrom === undefined) onMessage(told as TracedExchange)
    else onConnect(connectedFrom)
  })
  child.stderr?.pipe(createWriteStream(log, { flags: 'a', mode: 0o600 }))
  return { child, ready: readyLine(name, child) }
}

function readyLine(name: string, child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    // bound: the first line of a process of the playground; grown by the program
    let out = ''
    let said = ''
    child.stderr?.on('data', chunk => {
      said = (said + String(chunk)).slice(-4096)
    })
    child.stdout?.on('data', chunk => {
      out += String(chunk)
      const end = out.indexOf('\n')
      if (end >= 0) resolve(out.slice(0, end))
    })
    child.once('exit', code =>
      reject(new Error(`the ${name} ended with code ${code} before it was ready:\n${said.trim()}`)),
    )
  })
}

/** Ends a process, and resolves when it has ended. */
export function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}
