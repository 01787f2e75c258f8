import type { Worker } from 'node:cluster'
import { UsageError } from '@countersign/fetch/internal'
import { isObject } from '@countersign/protocol/internal'
import type { Start } from '../server/first-start.js'

/** What the first process asks of a worker. */
export type Order<S> =
  | {
      readonly kind: 'start'
      readonly settings: S
      readonly start: Start
      /** Whether the command is just starting: then a worker that cannot start says why to the operator, as a server alone does. */
      readonly isFirst: boolean
    }
  | { readonly kind: 'prepare'; readonly settings: S }
  | { readonly kind: 'commit' | 'abort' | 'metrics' }

/** A worker has begun to listen to orders. */
const listening = { listens: true }

/** How a worker has ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

/** A worker, as the first process sees it. */
export interface Hired<S> {
  readonly pid: number | undefined
  /**
   * Resolves with the worker's answer.
   * @throws UsageError that says why it refuses; Error when it ends or does not answer in time
   */
  ask(order: Order<S>, seconds?: number): Promise<string>
  readonly ended: Promise<Ending>
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
}

interface Asking {
  resolve(value: string): void
  reject(error: Error): void
}

/** Takes charge of a worker that was just forked. */
export function hire<S>(worker: Worker): Hired<S> {
  // bound: orders under way to one worker; grown by the program
  const asked = new Map<number, Asking>()
  let count = 0
  const listens = new Promise<void>(resolve => {
    worker.on('message', message => {
      if (!isObject(message)) return
      if (message['listens'] === true) return resolve()
      const asking = asked.get(Number(message['answers']))
      if (typeof message['refuses'] === 'string') asking?.reject(new UsageError(message['refuses']))
      else asking?.resolve(String(message['value'] ?? ''))
    })
  })
  const ended = new Promise<Ending>(resolve => {
    worker.once('exit', (code: number | null, signal: string | null) => {
      for (const { reject } of asked.values()) reject(new Error('the worker has ended'))
      resolve({ code, signal })
    })
  })
  // A message that cannot be sent is to a worker that is ending: its end is what counts.
  worker.on('error', () => undefined)
  return {
    pid: worker.process.pid,
    ended,
    kill: signal => void worker.process.kill(signal),
    async ask(order, seconds) {
      const ask = ++count
      let timer: ReturnType<typeof setTimeout> | undefined
      try {
        return await new Promise<string>((resolve, reject) => {
          asked.set(ask, { resolve, reject })
          if (seconds !== undefined)
            timer = setTimeout(() => reject(new Error('the worker does not answer')), seconds * 1000)
          void listens.then(() => worker.send({ ask, order }))
          if (worker.isDead()) reject(new Error('the worker has ended'))
        })
      } finally {
        clearTimeout(timer)
        asked.delete(ask)
      }
    },
  }
}

/**
 * Answers the orders of the first process, in this one. What `obey` throws is answered as a refusal: the text of a usage error, which
 * quotes only the operator, and of others that they are in this process's log.
 */
export function answerOrders<S>(obey: (order: Order<S>) => Promise<string>): void {
  process.on('message', (message: unknown) => {
    if (!isObject(message) || typeof message['ask'] !== 'number') return
    const answers = message['ask']
    obey(message['order'] as Order<S>).then(
      value => send({ answers, value }),
      (error: unknown) => send({ answers, refuses: refusalOf(error) }),
    )
  })
  send(listening)
}

function send(message: object): void {
  // The first process may be gone: then this one is ending.
  process.send?.(message, undefined, undefined, () => undefined)
}

function refusalOf(error: unknown): string {
  return error instanceof UsageError || error instanceof TypeError
    ? error.message
    : `a worker failed: the record of process ${process.pid} before this one says why`
}
