import type { Hired } from './orders.js'

/** Seconds in which a worker must have opened other settings. */
const patience = 60

/**
 * Replaces the settings of all workers, or of none: each opens the new ones first, and uses them only once all have.
 * @throws the error of the first worker that refuses or ends; then all keep the settings they had
 */
export async function replaceSettings<S>(
  workers: ReadonlyArray<Pick<Hired<S>, 'ask' | 'kill'>>,
  next: S,
): Promise<void> {
  const prepared = await Promise.allSettled(
    workers.map(worker => worker.ask({ kind: 'prepare', settings: next }, patience)),
  )
  const refused = prepared.find(({ status }) => status === 'rejected')
  if (refused?.status === 'rejected') {
    await Promise.all(workers.map(worker => obeyed(worker, 'abort')))
    throw refused.reason
  }
  await Promise.all(workers.map(worker => obeyed(worker, 'commit')))
}

/** A worker that does not obey would serve with other settings than the rest: it ends, and another one takes its place. */
async function obeyed<S>(worker: Pick<Hired<S>, 'ask' | 'kill'>, kind: 'commit' | 'abort'): Promise<void> {
  await worker.ask({ kind }, patience).catch(() => worker.kill('SIGKILL'))
}
