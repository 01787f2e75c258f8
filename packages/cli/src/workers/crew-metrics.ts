import type { Crew } from './crew.js'
import { mergeMetrics } from './merge-metrics.js'

/** The text of `/metrics` of several workers: theirs, with a label `worker`, and two of the process that starts them. */
export async function crewMetrics(crew: Pick<Crew<never>, 'readings' | 'state'>): Promise<string> {
  const merged = mergeMetrics(await crew.readings())
  const { serving, restarts } = crew.state()
  return [
    ...merged,
    '# HELP countersign_server_workers worker processes that serve',
    '# TYPE countersign_server_workers gauge',
    `countersign_server_workers ${serving}`,
    '# HELP countersign_server_worker_restarts_total workers that took the place of one that ended',
    '# TYPE countersign_server_worker_restarts_total counter',
    `countersign_server_worker_restarts_total ${restarts}`,
    '',
  ].join('\n')
}
