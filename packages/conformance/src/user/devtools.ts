import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** A message of the DevTools protocol. */
interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly sessionId?: string
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

/** A Chromium that is told what to do through pipes: no port is open, and no package is needed. */
export interface DevTools {
  /** Sends a command, to the browser or to a page. @throws Error where Chromium refuses it, or has ended */
  send(
    method: string,
    params?: Readonly<Record<string, unknown>>,
    session?: string,
  ): Promise<Readonly<Record<string, unknown>>>
  /** Hears all events of a page, until the returned function is called. */
  hear(session: string, listener: (method: string, params: Readonly<Record<string, unknown>>) => void): () => void
  close(): Promise<void>
}

/** The longest message that is kept while its end is still to come. */
const longestMessage = 64 * 1024 * 1024

/** Starts a headless Chromium with a profile of its own. */
export function startChromium(program: string, more: readonly string[]): DevTools {
  const profile = mkdtempSync(join(tmpdir(), 'countersign-conformance-'))
  const args = ['--headless=new', '--remote-debugging-pipe', `--user-data-dir=${profile}`, '--no-first-run', ...more]
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const [, , , input, output] = child.stdio as unknown as [null, null, null, Writable, Readable]
  const waiting = new Map<
    number,
    { resolve: (result: Readonly<Record<string, unknown>>) => void; reject: (error: Error) => void }
  >()
  const listeners = new Set<{
    session: string
    tell: (method: string, params: Readonly<Record<string, unknown>>) => void
  }>()
  let ended: Error | undefined
  const end = (error: Error): void => {
    ended ??= error
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
  }
  const take = (message: Message): void => {
    if (message.id === undefined) {
      for (const { session, tell } of listeners)
        if (session === message.sessionId) tell(message.method ?? '', message.params ?? {})
      return
    }
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) call?.resolve(message.result ?? {})
    else call?.reject(new Error(message.error.message))
  }
  readMessages(output, take, end)
  child.once('error', end)
  child.once('exit', code => end(new Error(`Chromium ended with ${code ?? 'a signal'}`)))
  input.on('error', end)
  let last = 0
  return {
    send(method, params = {}, session) {
      if (ended !== undefined) return Promise.reject(ended)
      const id = ++last
      const message = { id, method, params, ...(session === undefined ? {} : { sessionId: session }) }
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        input.write(`${JSON.stringify(message)}\0`)
      })
    },
    hear(session, tell) {
      const one = { session, tell }
      listeners.add(one)
      return () => void listeners.delete(one)
    },
    async close() {
      await ending(child)
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

/** Reads messages that a zero byte ends. */
function readMessages(output: Readable, take: (message: Message) => void, fail: (error: Error) => void): void {
  let chunks: Buffer[] = []
  let bytes = 0
  output.on('error', fail)
  output.on('data', (chunk: Buffer) => {
    let from = 0
    for (let at = chunk.indexOf(0); at >= 0; at = chunk.indexOf(0, from)) {
      const text = Buffer.concat([...chunks, chunk.subarray(from, at)]).toString('utf8')
      chunks = []
      bytes = 0
      from = at + 1
      take(JSON.parse(text) as Message)
    }
    chunks.push(chunk.subarray(from))
    bytes += chunk.length - from
    if (bytes > longestMessage) fail(new Error('a message of Chromium is too long'))
  })
}

function ending(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
