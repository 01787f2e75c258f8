import { UsageError } from '@countersign/fetch'
import { errorFields } from '@countersign/protocol'
import type { Logger, Running } from '@countersign/server'
import { certificateOf, type TlsSettings } from './tls.js'

/** How a server takes new settings while it runs. */
export interface Reloading<S extends TlsSettings> {
  readonly log: Logger
  /** The server, which takes a new certificate. */
  readonly running: Running
  /** Those that it was started with. */
  readonly settings: S
  /** What only another process can change. */
  readonly lasting: ReadonlyArray<keyof S>
  /** @throws UsageError for settings that are wrong */
  read(): S
  /** Takes them, all or none. */
  apply(settings: S): Promise<void>
}

/** On SIGHUP reads and applies settings, one after the other; where that fails, says why and leaves everything as it is. */
export function reloadOnSignal<S extends TlsSettings>(reloading: Reloading<S>): void {
  const { log, running, settings, lasting, read, apply } = reloading
  let done = Promise.resolve()
  const reload = async (): Promise<void> => {
    try {
      const next = read()
      const changed = lasting.filter(name => JSON.stringify(next[name]) !== JSON.stringify(settings[name]))
      if (changed.length > 0) throw new UsageError(`a change of ${changed.join(', ')} needs a restart`)
      const certificate = certificateOf(next)
      if ((next.tlsCert === undefined) !== (settings.tlsCert === undefined))
        throw new UsageError('to begin or end TLS needs a restart')
      await apply(next)
      if (certificate !== undefined) running.setCertificate(certificate)
      log.info({ event: 'reloaded' }, 'the settings were read again')
    } catch (error) {
      // Of a usage error the text is the operator's own; anything else may quote what it met.
      const why =
        error instanceof UsageError || error instanceof TypeError
          ? { why: error.message }
          : { cause: errorFields(error) }
      log.error({ event: 'reload_failed', ...why }, 'the settings stay as they were')
    }
  }
  process.on('SIGHUP', () => {
    done = done.then(reload)
  })
}
