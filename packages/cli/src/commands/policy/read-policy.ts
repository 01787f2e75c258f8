import { existsSync, readFileSync, statSync } from 'node:fs'
import { type Conditions, parseConditions } from '@countersign/conditions'
import { fileFault, UsageError } from '@countersign/fetch/internal'
import { base64urlDecode } from '@countersign/httpsig/internal'
import { AAuthError } from '@countersign/protocol'
import { isObject, parseJson } from '@countersign/protocol/internal'
import { parse as parseYaml } from 'yaml'

/** A policy and where it stands. */
export interface ReadPolicy {
  readonly conditions: Conditions
  /** The claim of a token, the member of a file, or the whole file. */
  readonly from: 'constraints' | 'delegation' | 'conditions' | 'file'
  /** It stands in a token, whose signature nobody has checked. */
  readonly isOfToken: boolean
}

const token = /^[\w-]+\.[\w-]*\.[\w-]*$/
const members = ['constraints', 'delegation', 'conditions'] as const
const mostBytes = 1024 * 1024

/**
 * Reads a policy from a file (JSON or YAML: a list of conditions, or an object with `conditions`, `constraints` or `delegation`), or from a
 * token, a file with one, or `-` for standard input. The token is not verified, and no error repeats it.
 */
export function readPolicy(
  what: string,
  { development = false }: { readonly development?: boolean | undefined },
): ReadPolicy {
  const text = textOf(what)
  const isOfToken = token.test(text.trim())
  const value = isOfToken ? claimsOf(text.trim()) : parseText(text, nameOf(what))
  const member = isObject(value) ? members.find(name => Object.hasOwn(value, name)) : undefined
  if (isObject(value) && member === undefined) throw new UsageError(withoutPolicy(what, isOfToken))
  const from = member ?? 'file'
  const list = isObject(value) && member !== undefined ? value[member] : value
  try {
    return { conditions: parseConditions(list, { development }), from, isOfToken }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    throw new UsageError(`${isOfToken ? `${from} of the token` : nameOf(what)}: ${error.description}`)
  }
}

function withoutPolicy(what: string, isOfToken: boolean): string {
  if (isOfToken) return 'the token has neither constraints nor delegation: it is under no conditions'
  return `${nameOf(what)} must hold a list of conditions, or one object with conditions, constraints or delegation`
}

function nameOf(what: string): string {
  return what === '-' ? 'standard input' : what
}

/** The error does not repeat an argument that is no file: it may be half a token. */
function textOf(what: string): string {
  if (token.test(what.trim()) && !isFile(what)) return what
  if (what !== '-' && !isFile(what)) throw new UsageError('there is no such file, and the argument is no token')
  return readText(what)
}

export function isFile(what: string): boolean {
  return what.length < 4096 && existsSync(what) && statSync(what).isFile()
}

/** A file, or `-` for standard input. */
export function readText(path: string): string {
  try {
    const bytes = readFileSync(path === '-' ? 0 : path)
    if (bytes.length > mostBytes) throw new UsageError(`${nameOf(path)} is larger than 1 MiB`)
    return bytes.toString('utf8')
  } catch (cause) {
    const fault = fileFault(cause)
    throw fault === undefined ? cause : new UsageError(fault)
  }
}

/** JSON, or YAML: each JSON text is YAML. */
export function parseText(text: string, name: string): unknown {
  try {
    return parseYaml(text)
  } catch (cause) {
    const [why = ''] = cause instanceof Error ? cause.message.split(/:?\n/, 1) : ['unreadable']
    throw new UsageError(`cannot read ${name}: ${why}`)
  }
}

function claimsOf(text: string): unknown {
  try {
    return parseJson(base64urlDecode(text.split('.')[1] ?? ''))
  } catch {
    throw new UsageError('the token cannot be decoded')
  }
}
