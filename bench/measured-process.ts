import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { heldBytes } from '@countersign/testing/held-bytes'

/** A server in a process of its own, whose CPU can be read. */
export interface MeasuredProcess {
  readonly port: number
  /** Microseconds of CPU it has used. */
  cpu(): Promise<number>
  /** Bytes it holds on to. */
  held(): Promise<number>
  stop(): Promise<void>
}

/** In the child: takes one order, answers with its port, and from then on with what it is asked for. */
export function answerMeasurements<T>(run: (order: T) => Promise<number>): void {
  process.once('message', async (order: T) => {
    process.send?.(await run(order))
    process.on('message', asked => {
      const { user, system } = process.cpuUsage()
      process.send?.(asked === 'held' ? heldBytes() : user + system)
    })
  })
  process.once('disconnect', () => process.exit(0))
}

function answer(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`the measured process ended with code ${code}`))
    child.once('exit', ended)
    child.once('message', value => {
      child.off('exit', ended)
      resolve(Number(value))
    })
  })
}

/**
 * In the bench: starts a file beside this one.
 * @param log `read`: what it writes on stderr is read and dropped, as by what collects logs; default: shown
 */
export async function measuredProcess<T extends object>(
  file: string,
  order: T,
  log: 'read' | 'shown' = 'shown',
): Promise<MeasuredProcess> {
  const stderr = log === 'read' ? 'pipe' : 'inherit'
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { stdio: ['ignore', 'ignore', stderr, 'ipc'] })
  child.stderr?.resume()
  const started = answer(child)
  child.send(order)
  const port = await started
  const asking = (what: 'cpu' | 'held') => (): Promise<number> => {
    const value = answer(child)
    child.send(what)
    return value
  }
  return {
    port,
    cpu: asking('cpu'),
    held: asking('held'),
    stop: () =>
      new Promise(resolve => {
        child.once('exit', () => resolve())
        child.disconnect()
      }),
  }
}
