import cluster from 'node:cluster'
import { UsageError } from '@countersign/fetch/internal'
import { errorFields } from '@countersign/protocol/internal'
import type { Logger } from '@countersign/server'
import { answerOrders, type Order } from './orders.js'

/** Tells a process that the command has forked it; a process manager may use `node:cluster`, too. */
export const workerVariable = 'COUNTERSIGN_CLUSTER'

/** Whether this process is a worker of the command. */
export function isWorker(): boolean {
  return cluster.isWorker && process.env[workerVariable] !== undefined
}

/** Other settings that a worker has opened. */
export interface PreparedWork {
  commit(): void
  abort(): Promise<void>
}

/** What a worker serves. */
export interface Work<S> {
  readonly url: string
  /** Opens other settings beside the current ones. @throws UsageError for settings that are wrong */
  prepare(next: S): Promise<PreparedWork>
  readMetrics(): Promise<string>
  /** Lets requests under way finish, and closes. */
  close(): Promise<void>
}

type StartOrder<S> = Extract<Order<S>, { kind: 'start' }>

/**
 * Works as a worker: starts when told, follows orders, and drains on SIGTERM and SIGINT. It ends when the first process has gone.
 * @throws what `open` throws while the command starts
 */
export function work<S>(log: Logger, open: (order: StartOrder<S>) => Promise<Work<S>>): Promise<void> {
  // A terminal that closes tells every process. Only the first one decides what a hangup means.
  process.on('SIGHUP', () => undefined)
  return new Promise((resolve, reject) => {
    const begin = async (order: StartOrder<S>): Promise<Work<S>> => {
      try {
        const work = await open(order)
        stopOnSignal(work, log)
        resolve()
        return work
      } catch (error) {
        // So that the process ends once the reason is told.
        process.channel?.unref()
        if (order.isFirst) reject(error)
        else {
          log.error({ event: 'worker_failed', ...causeOf(error) }, 'this worker cannot start')
          process.exitCode = 1
          resolve()
        }
        throw error
      }
    }
    answerOrders(follow(begin, log))
  })
}

/** Obeys one order after the other. */
function follow<S>(
  begin: (order: StartOrder<S>) => Promise<Work<S>>,
  log: Logger,
): (order: Order<S>) => Promise<string> {
  let work: Work<S> | undefined
  let prepared: PreparedWork | undefined
  const working = (): Work<S> => {
    if (work === undefined) throw new Error('this worker has not started')
    return work
  }
  return async order => {
    switch (order.kind) {
      case 'start':
        work = await begin(order)
        return work.url
      case 'prepare':
        try {
          prepared = await working().prepare(order.settings)
        } catch (error) {
          const cause = causeOf(error)
          if (!('why' in cause)) log.error({ event: 'worker_failed', ...cause }, 'the other settings cannot be opened')
          throw error
        }
        return ''
      case 'commit':
        prepared?.commit()
        prepared = undefined
        return ''
      case 'abort': {
        const unused = prepared
        prepared = undefined
        await unused?.abort()
        return ''
      }
      case 'metrics':
        return working().readMetrics()
    }
  }
}

function causeOf(error: unknown): { readonly why: string } | { readonly cause: object } {
  return error instanceof UsageError || error instanceof TypeError
    ? { why: error.message }
    : { cause: errorFields(error) }
}

/** Signals come from the first process, and also from a terminal or a service manager to all processes: twice means nothing more. */
function stopOnSignal({ close }: Pick<Work<unknown>, 'close'>, log: Logger): void {
  let isStopping = false
  const stop = (): void => {
    if (isStopping) return
    isStopping = true
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ error: errorFields(error) }, 'closing failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}
