import { readFileSync } from 'node:fs'
import type { Enrollment } from '@countersign/agent'
import { UsageError } from './usage-error.js'

/** Flags that say what a delegate enrols with. */
export interface EnrollmentFlags {
  readonly code?: string
  readonly oidcToken?: string
}

/**
 * Returns the enrolment that the flags describe.
 * @throws UsageError unless there is exactly one flag, whose code or token can be read
 */
export function readEnrollment(
  flags: EnrollmentFlags,
  environment: Readonly<Record<string, string | undefined>>,
): Enrollment {
  const { code, oidcToken } = flags
  if ((code === undefined) === (oidcToken === undefined))
    throw new UsageError('enroll takes one of --code CODE and --oidc-token FILE|-|env:NAME')
  if (code !== undefined) return codeEnrollment(code === '-' ? readText(0) : code)
  return { type: 'oidc', token: requireOneWord(readToken(oidcToken ?? '', environment), '--oidc-token') }
}

/** Returns the enrolment by a code that a command was given. @throws UsageError unless it is one word */
export function codeEnrollment(code: string): Enrollment {
  // Standard input may hold a body, or the messages of an MCP client.
  if (code === '-') throw new UsageError('--code takes the code itself here; enroll reads it from standard input')
  return { type: 'code', code: requireOneWord(code, '--code') }
}

function readToken(source: string, environment: Readonly<Record<string, string | undefined>>): string {
  if (source === '-') return readText(0)
  if (!source.startsWith('env:')) return readText(source)
  const value = environment[source.slice('env:'.length)]
  if (value === undefined) throw new UsageError('--oidc-token names an environment variable that is not set')
  return value.trim()
}

function readText(file: string | 0): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    // The value is not quoted: it may be a token given in place of a file.
    throw new UsageError(
      'the file of --oidc-token cannot be read: it takes a file, - or env:NAME, never the token itself',
    )
  }
}

function requireOneWord(text: string, flag: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new UsageError(`${flag} must give exactly one word`)
  return text
}
