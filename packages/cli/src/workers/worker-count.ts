import { availableParallelism } from 'node:os'
import { UsageError } from '@countersign/fetch/internal'
import { z } from 'zod'

/** Far more than the processors of any one machine that a few gigabytes of memory go with. */
const mostWorkers = 128

/** The option of a server that runs as several processes. */
export const workersOptions = {
  workers: z
    .union([z.literal('auto'), z.coerce.number().int().min(1).max(mostWorkers)])
    .optional()
    .describe(
      'processes that share the port, or auto for one a processor; more than 1 need PostgreSQL and --replay; default 1',
    ),
}

/** How many processes serve. */
export function workerCount({ workers = 1 }: { readonly workers?: number | 'auto' | undefined }): number {
  return workers === 'auto' ? Math.min(availableParallelism(), mostWorkers) : workers
}

/**
 * Refuses several workers where they could not share what they must.
 * @throws UsageError that says what they need
 */
export function checkWorkers(
  count: number,
  { database, replay }: { readonly database: string; readonly replay?: string | undefined },
): void {
  if (count === 1) return
  if (database.startsWith('sqlite:'))
    throw new UsageError(
      `--workers ${count} needs PostgreSQL (--database postgres://…): SQLite takes the writes of one process at a time`,
    )
  // A set in the memory of each would let a request pass once at each of them.
  if (replay === undefined)
    throw new UsageError(
      `--workers ${count} needs --replay redis://…: without it each worker remembers requests by itself, and a request that was sent to one could be replayed at another`,
    )
}
