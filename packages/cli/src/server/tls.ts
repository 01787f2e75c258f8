import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { UsageError } from '@countersign/fetch/internal'
import type { Certificate } from '@countersign/server'
import { z } from 'zod'

/** The options of a server that speaks TLS itself. */
export const tlsOptions = {
  tlsCert: z
    .string()
    .optional()
    .describe('file of the TLS certificate and its chain, PEM; default plain http, for a proxy in front that ends TLS'),
  tlsKey: z.string().optional().describe('file of the private key of --tls-cert, PEM'),
}

/** The values of {@link tlsOptions}. */
export interface TlsSettings {
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
}

/**
 * Reads the certificate of the settings; undefined when they name none.
 * @throws UsageError that names the wrong file
 */
export function certificateOf({ tlsCert, tlsKey }: TlsSettings): Certificate | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined) throw new UsageError('--tls-cert and --tls-key go together')
  const certificate = { cert: read('--tls-cert', tlsCert), key: read('--tls-key', tlsKey) }
  try {
    createSecureContext(certificate)
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${error.code})` : ''
    throw new UsageError(`${tlsCert} and ${tlsKey} are not a PEM certificate and its private key${why}`)
  }
  return certificate
}

function read(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw new UsageError(`${flag}: ${path} cannot be read (${why})`)
  }
}
