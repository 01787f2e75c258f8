import type { Logger } from '@countersign/server'
import type { Crew } from './crew.js'

/** Lets the workers drain on SIGTERM and SIGINT, and ends this process with them; a second signal ends all at once. */
export function stopOnSignals(crew: Pick<Crew<never>, 'stop' | 'kill'>, log: Logger): void {
  let isStopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      crew.kill()
      process.exit(1)
    }
    isStopping = true
    log.info({ signal }, 'stopping')
    void crew.stop().then(isWell => process.exit(isWell ? 0 : 1))
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}
