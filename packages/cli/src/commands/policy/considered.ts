import type { ConsideredRequest, Period } from '@countersign/conditions'
import { UsageError } from '@countersign/fetch/internal'
import { isIdentifier, isWord } from '@countersign/protocol'
import { isObject, nearestName } from '@countersign/protocol/internal'
import { secondsIn } from '../../flags/moment.js'
import { isFile, parseText, readText } from './read-policy.js'

/** A request as `--request` files and `--json` have it. */
export interface WrittenRequest {
  /** Unix seconds or a date. Default: now. */
  readonly at?: string | number
  readonly resource?: string
  /** Default: GET, with a body POST. */
  readonly method?: string
  readonly scope?: readonly string[] | string
  readonly purposes?: readonly string[] | string | undefined
  /** The services that act, the last one first: `agent`, then each `act.agent` but the innermost. */
  readonly chain?: readonly string[] | string
  readonly operation?: string | undefined
  readonly body?: unknown | undefined
  readonly answer?: unknown | undefined
  /** Calls that were let pass before, by window. */
  readonly used?: Partial<Record<Period, number>>
  readonly approved?: boolean
}

/** The flags of `countersign policy test` that describe the request. */
export interface RequestFlags {
  readonly request?: string
  readonly at?: string
  readonly resource?: string
  readonly method?: string
  readonly scope?: string
  readonly purpose?: string
  readonly chain?: string
  readonly operation?: string
  readonly body?: string
  readonly answer?: string
  readonly used?: readonly string[]
  readonly approved?: boolean
}

const names: ReadonlyArray<keyof WrittenRequest> = [
  ...(['at', 'resource', 'method', 'scope', 'purposes', 'chain', 'operation'] as const),
  ...(['body', 'answer', 'used', 'approved'] as const),
]
const periods: readonly Period[] = ['minute', 'hour', 'day', 'grant']
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY'])

/** The request that the flags describe; a flag overrides the same member of the `--request` file. */
export function requestOf(flags: RequestFlags, development: boolean): ConsideredRequest {
  const file = flags.request === undefined ? {} : fileOf(flags.request)
  const used = flags.used === undefined ? file.used : usedOf(flags.used)
  const { resource = file.resource, operation = file.operation } = flags
  if (!isIdentifier(resource, { development }))
    throw new UsageError('--resource must be the identifier of the resource, such as https://mail.example')
  const body = flags.body === undefined ? bytesOf(file.body) : jsonBytes(flags.body, '--body')
  const answer = flags.answer === undefined ? bytesOf(file.answer) : jsonBytes(flags.answer, '--answer')
  const method = flags.method ?? file.method ?? (body === undefined ? 'GET' : 'POST')
  const services = listOf(flags.chain ?? file.chain)
  const purposes = flags.purpose ?? file.purposes
  return {
    now: secondsOf(flags.at ?? file.at),
    resource,
    scope: namesIn(flags.scope ?? file.scope, '--scope'),
    purposes: purposes === undefined ? undefined : namesIn(purposes, '--purpose'),
    levels: services.length,
    services,
    safe: safeMethods.has(method.toUpperCase()),
    operation,
    body,
    answer,
    used: { minute: 0, hour: 0, day: 0, grant: 0, ...used },
    approved: flags.approved ?? file.approved ?? false,
  }
}

/** A request as a `--request` file has it. */
export function writtenRequest(request: ConsideredRequest): WrittenRequest {
  const { now, resource, safe, scope, purposes, services, operation, body, answer, used, approved } = request
  return {
    at: new Date(now * 1000).toISOString().replace('.000Z', 'Z'),
    resource,
    method: safe ? 'GET' : 'POST',
    ...(scope.length > 0 && { scope }),
    purposes,
    ...(services.length > 0 && { chain: services }),
    operation,
    body,
    answer,
    ...(Object.values(used).some(count => count > 0) && { used }),
    ...(approved && { approved }),
  }
}

function fileOf(path: string): WrittenRequest {
  if (path !== '-' && !isFile(path)) throw new UsageError(`--request: there is no file ${path}`)
  const value = parseText(readText(path), path)
  if (!isObject(value)) throw new UsageError(`${path} must hold one object`)
  for (const name of Object.keys(value)) {
    if (names.some(known => known === name)) continue
    const nearest = nearestName(name, names)
    throw new UsageError(
      `unknown member ${name} in ${path}${nearest === undefined ? '' : ` (did you mean ${nearest}?)`}`,
    )
  }
  checkMembers(value, path)
  return value as WrittenRequest
}

function checkMembers(value: Readonly<Record<string, unknown>>, path: string): void {
  const isText = (each: unknown): boolean => typeof each === 'string'
  const isList = (each: unknown): boolean => isText(each) || (Array.isArray(each) && each.every(isText))
  const isCount = (each: unknown): boolean => Number.isSafeInteger(each) && Number(each) >= 0
  const isUsed = (each: unknown): boolean =>
    isObject(each) && Object.entries(each).every(([per, count]) => periods.some(one => one === per) && isCount(count))
  const wanted: Readonly<Record<string, readonly [(each: unknown) => boolean, string]>> = {
    at: [each => isText(each) || isCount(each), 'Unix seconds or a date'],
    resource: [isText, 'an identifier'],
    method: [isText, 'text'],
    scope: [isList, 'a list of names'],
    purposes: [isList, 'a list of names'],
    chain: [isList, 'a list of identifiers'],
    operation: [isText, 'a name'],
    used: [isUsed, 'an object with minute, hour, day or grant, and numbers'],
    approved: [each => typeof each === 'boolean', 'true or false'],
  }
  for (const [name, [isRight, form]] of Object.entries(wanted))
    if (Object.hasOwn(value, name) && !isRight(value[name]))
      throw new UsageError(`"${name}" in ${path} must be ${form}`)
}

/** Whole Unix seconds; default now. */
function secondsOf(time: string | number | undefined): number {
  return Math.floor(time === undefined ? Date.now() / 1000 : secondsIn('--at', String(time)))
}

function listOf(value: readonly string[] | string | undefined): readonly string[] {
  if (typeof value !== 'string') return value ?? []
  return value.split(/[\s,]+/).filter(name => name !== '')
}

function namesIn(value: readonly string[] | string | undefined, flag: string): readonly string[] {
  const list = listOf(value)
  if (!list.every(isWord)) throw new UsageError(`${flag} must be names, set apart by spaces`)
  return list
}

/** Calls such as `5/hour`. */
function usedOf(values: readonly string[]): Partial<Record<Period, number>> {
  return Object.fromEntries(
    values.map(value => {
      const [, count, per] = /^(\d{1,15})\/(minute|hour|day|grant)$/.exec(value) ?? []
      if (per === undefined) throw new UsageError('--used must be a number and a window, such as 5/hour or 1/grant')
      return [per, Number(count)]
    }),
  )
}

/** The bytes of a file, or of the argument itself: they are judged as they are, a member that stands twice included. */
function jsonBytes(value: string, flag: string): Uint8Array {
  if (value === '-' || isFile(value)) return new TextEncoder().encode(readText(value))
  try {
    JSON.parse(value)
    return new TextEncoder().encode(value)
  } catch {
    throw new UsageError(`${flag} must be JSON or the name of a file that exists`)
  }
}

function bytesOf(value: unknown): Uint8Array | undefined {
  return value === undefined ? undefined : new TextEncoder().encode(JSON.stringify(value))
}
