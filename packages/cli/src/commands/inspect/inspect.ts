import { existsSync, readFileSync, statSync } from 'node:fs'
import { createDiscovery } from '@countersign/discovery'
import type { Report } from '@countersign/fetch/internal'
import { printJson, printLines, UsageError } from '@countersign/fetch/internal'
import { looksLikeRequest, rawHeader, rawParts } from '@countersign/httpsig/internal'
import { secondsIn } from '../../flags/moment.js'
import { inspectChallenge } from './challenge.js'
import { readKeys } from './keys.js'
import { readRaw } from './read-raw.js'
import { inspectRequest, type RequestFlags } from './request.js'
import { type InspectSettings, inspectToken } from './token.js'

/** The flags of `countersign inspect`. */
export interface InspectFlags extends RequestFlags {
  readonly key?: string
  readonly now?: string
  readonly online?: boolean
  readonly development?: boolean
  readonly json?: boolean
}

const mostBytes = 4 * 1024 * 1024
const token = /^[\w-]+\.[\w-]*\.[\w-]*$/
const challenge = /^(?:agent-auth\s*:\s*)?(httpsig\b[\s\S]*)$/i

/**
 * `countersign inspect TOKEN|FILE|-`: decodes and verifies a token, a challenge or a signed request, and says what is wrong.
 * Exit code 0: it verifies, or is well-formed and was not verified; 1: it is wrong; 2: it is none of these.
 */
export async function inspect(what: string, flags: InspectFlags): Promise<void> {
  const bytes = read(what)
  const report = await reportOn(bytes, flags, await settingsOf(flags))
  if (flags.json) printJson(report.json, 2)
  else printLines(report.lines.join('\n'))
  if (!report.ok) process.exitCode = 1
}

async function settingsOf(flags: InspectFlags): Promise<InspectSettings> {
  const development = flags.development ?? false
  return {
    development,
    now: flags.now === undefined ? Math.floor(Date.now() / 1000) : secondsIn('--now', flags.now),
    keys: flags.key === undefined ? undefined : await readKeys(flags.key),
    discovery: flags.online ? createDiscovery({ development }) : undefined,
  }
}

/** The argument itself, the file that it names, or standard input. The error does not repeat the argument: it may be half a token. */
function read(what: string): Uint8Array {
  const isFile = what !== '-' && what.length < 4096 && existsSync(what) && statSync(what).isFile()
  const bytes = what === '-' ? readFileSync(0) : isFile ? readFileSync(what) : new TextEncoder().encode(what)
  if (bytes.length > mostBytes) throw new UsageError('the input is larger than 4 MiB')
  if (what === '-' || isFile || token.test(what.trim()) || challenge.test(what.trim())) return bytes
  throw new UsageError(
    'there is no such file, and the argument is neither a token nor a challenge such as "httpsig; identity=?1"',
  )
}

async function reportOn(bytes: Uint8Array, flags: InspectFlags, settings: InspectSettings): Promise<Report> {
  const text = Buffer.from(bytes).toString('latin1')
  const trimmed = text.trim()
  if (token.test(trimmed)) return inspectToken(trimmed, settings)
  const value = challenge.exec(trimmed)?.[1]
  if (value !== undefined && !/[\r\n]/.test(value)) return inspectChallenge(value, settings)
  if (trimmed.startsWith('HTTP/')) return inspectResponse(bytes, settings)
  if (looksLikeRequest(text)) return inspectRequest(bytes, flags, settings)
  throw new UsageError(
    'the input is neither a token, a challenge, nor a raw HTTP request (request line, header lines, an empty line, the body)',
  )
}

/** Inspects the challenge of a response. */
function inspectResponse(bytes: Uint8Array, settings: InspectSettings): Promise<Report> {
  const headers = readRaw(() => rawParts(bytes).lines.slice(1).map(rawHeader))
  const values = headers.filter(([name]) => name.toLowerCase() === 'agent-auth')
  const [first] = values
  if (first === undefined) throw new UsageError('this response has no Agent-Auth header, so it has no challenge')
  return inspectChallenge(values.map(([, value]) => value).join(', '), settings)
}
