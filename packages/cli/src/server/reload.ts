import { UsageError } from '@countersign/fetch/internal'
import { errorFields } from '@countersign/protocol/internal'
import type { Logger, Running } from '@countersign/server'
import { certificateOf, type TlsSettings } from './tls.js'

/** The settings that only a restart can change, of every server. */
export const fixedSettings = [
  'id',
  'port',
  'host',
  'development',
  'data',
  'keys',
  'replay',
  'accessLog',
  'ed25519',
  'metricsPort',
  'metricsHost',
] as const

/** The parts of a reload. */
export interface Reloading<S extends TlsSettings> {
  readonly log: Logger
  /** The running server, which gets a new certificate. */
  readonly running: Pick<Running, 'setCertificate'>
  /** The settings of the start. */
  readonly settings: S
  /** The settings that only a restart can change. */
  readonly fixed: ReadonlyArray<keyof S>
  /** More of what a record of a reload says. */
  readonly facts?: Readonly<Record<string, unknown>>
  /** Reads the settings again. @throws UsageError for wrong settings */
  read(): S
  /** Applies the settings, all or none. */
  apply(settings: S): Promise<void>
}

/** Whether SIGHUP came while the server started. */
let isAsked = false

function note(): void {
  isAsked = true
}

/**
 * Remembers a SIGHUP until {@link reloadOnSignal}: to a process that starts it would be the end, as to one whose terminal was closed. Call it
 * before the settings are read.
 */
export function hearReloads(): void {
  isAsked = false
  if (!process.listeners('SIGHUP').includes(note)) process.on('SIGHUP', note)
}

/** Reads and applies the settings on SIGHUP, one reload after the other. A reload that fails is logged and changes nothing. */
export function reloadOnSignal<S extends TlsSettings>(reloading: Reloading<S>): void {
  const { log, running, settings, fixed, facts, read, apply } = reloading
  let done = Promise.resolve()
  const reload = async (): Promise<void> => {
    try {
      const next = read()
      const changed = fixed.filter(name => JSON.stringify(next[name]) !== JSON.stringify(settings[name]))
      if (changed.length > 0) throw new UsageError(`a change of ${changed.join(', ')} needs a restart`)
      const certificate = certificateOf(next)
      if ((next.tlsCert === undefined) !== (settings.tlsCert === undefined))
        throw new UsageError('to switch TLS on or off needs a restart')
      await apply(next)
      if (certificate !== undefined) running.setCertificate(certificate)
      log.info({ event: 'reloaded', ...facts }, 'the settings were read again')
    } catch (error) {
      // The text of a usage error quotes only the operator; other errors may quote data.
      const why =
        error instanceof UsageError || error instanceof TypeError
          ? { why: error.message }
          : { cause: errorFields(error) }
      log.error({ event: 'reload_failed', ...facts, ...why }, 'the settings were not changed')
    }
  }
  const soon = (): void => {
    done = done.then(reload)
  }
  process.on('SIGHUP', soon)
  process.off('SIGHUP', note)
  if (isAsked) soon()
}
