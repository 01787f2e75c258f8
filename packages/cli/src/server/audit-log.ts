import { httpWitness, type Witness } from '@countersign/audit'
import { shown, UsageError } from '@countersign/fetch/internal'
import type { SigningKey } from '@countersign/httpsig'
import { keysFile } from '@countersign/server'
import { z } from 'zod'
import { defined } from '../flags/defined.js'
import { switchWithoutVariable } from '../flags/option-schema.js'

/** The options of a server that keeps an audit log. */
export const auditOptions = {
  auditKey: z
    .string()
    .optional()
    .describe(
      'file of the key that signs the audit log, made by countersign audit key; default no log; see docs/audit.md',
    ),
  auditDays: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('days that events of the audit log are kept; default for ever'),
  auditWitness: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as https://witness.example' })
    .optional()
    .describe('a witness that cosigns the audit log once a minute; default none'),
  auditWitnessKey: z.string().optional().describe('public key of the witness, NAME+KEYID+BASE64'),
  auditOff: switchWithoutVariable('the database has an audit log: record nothing more in it'),
}

/** The values of {@link auditOptions}. */
export interface AuditSettings {
  readonly auditKey?: string | undefined
  readonly auditDays?: number | undefined
  readonly auditWitness?: string | undefined
  readonly auditWitnessKey?: string | undefined
  readonly auditOff?: boolean | undefined
}

/** How a server keeps its log, as its option `audit`. */
export interface KeptLog {
  readonly key: SigningKey
  readonly days?: number
  readonly witness?: Witness
}

/**
 * The option `audit` of a server; absent where its settings say nothing of a log.
 * @throws UsageError for settings that contradict each other, or a key that is not there
 */
export async function auditOf(settings: AuditSettings): Promise<{ readonly audit?: KeptLog | 'off' }> {
  const { auditKey, auditDays, auditWitness, auditWitnessKey, auditOff = false } = settings
  const others = [auditDays, auditWitness, auditWitnessKey].some(value => value !== undefined)
  if (auditKey === undefined && others) throw new UsageError('--audit-key is missing: without it no log is kept')
  if (auditOff && auditKey !== undefined) throw new UsageError('--audit-off and --audit-key contradict each other')
  if (auditOff) return { audit: 'off' }
  if (auditKey === undefined) return {}
  return { audit: { key: await auditKeyIn(auditKey), ...defined({ days: auditDays, witness: witnessOf(settings) }) } }
}

/** The key that signs a log. A server never makes it: with another key its log would be another one to all who verify. */
export async function auditKeyIn(file: string, missing: 'make' | 'refuse' = 'refuse'): Promise<SigningKey> {
  try {
    const [first] = await keysFile(file, { missing, onMade: () => undefined })
    if (first === undefined) throw new Error(`the key file ${file} is empty`)
    return first.key
  } catch (error) {
    const reason = error instanceof Error ? error.message : `${shown(file)} cannot be read`
    throw new UsageError(`the key of the audit log: ${reason}`)
  }
}

function witnessOf({ auditWitness: url, auditWitnessKey: publicKey }: AuditSettings): Witness | undefined {
  if (url === undefined && publicKey === undefined) return undefined
  if (url === undefined || publicKey === undefined)
    throw new UsageError('--audit-witness and --audit-witness-key go together')
  try {
    return httpWitness({ url, publicKey })
  } catch {
    throw new UsageError('--audit-witness-key must be NAME+KEYID+BASE64, of a witness')
  }
}
