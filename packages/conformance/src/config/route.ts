import { ConfigurationError } from './configuration-error.js'
import { readInteger, readMembers, readText, readTexts } from './members.js'

/** How much a request shows of its caller. @see protocol §1 */
export type Level = 'anonymous' | 'pseudonymous' | 'identified' | 'authorized'

/** A route of the resource under test. */
export interface Route {
  readonly level: Level
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** What it needs of an auth token. */
  readonly scope: string
  /** A body that its handler takes; default `{}`. */
  readonly body: string
  readonly contentType: string
  /** What is special about it; such a route serves only the cases that are about that. */
  readonly special: SpecialRoute
}

/** What a route can have that is unusual. */
export interface SpecialRoute {
  /** Its limit for callers of its own level. */
  readonly limit?: { readonly count: number; readonly seconds: number } | undefined
  /** The operation that it names. */
  readonly operation?: string | undefined
  /** A user approves each request. */
  readonly approve?: true | undefined
  /** Components beyond the usual ones that it demands. */
  readonly components?: readonly string[] | undefined
  /** Its handler reads the body as it comes. */
  readonly stream?: true | undefined
  /** Its policy refuses every caller. */
  readonly denies?: true | undefined
  /** Its handler answers 503 with `Agent-Auth: httpsig` and `Retry-After`. */
  readonly fails?: true | undefined
  /** Its handler calls the suite's resource `downstream` for its caller, and answers below 400 where that does. */
  readonly calls?: true | undefined
  /** Its handler calls `GET /` of the suite's `oauthServer` with an access token of its caller's user, and answers below 400 where that does. */
  readonly oauth?: true | undefined
  /** Its handler answers at once, and leaves its answer open. */
  readonly lasts?: true | undefined
  /** Where a request has `Upgrade: websocket`, its handler opens a socket, and leaves it open. */
  readonly sockets?: true | undefined
  /** It takes bearer tokens (RFC 6750), too. */
  readonly bearer?: true | undefined
  /** The JSON that its handler answers, where that is always the same. */
  readonly answer?: string | undefined
  /** Header fields that its handler sets beside that answer. */
  readonly answerHeaders?: readonly string[] | undefined
  /** Its handler answers every request with an error from 404 on, and words about it. */
  readonly error?: true | undefined
  /** Its handler answers with plain text. */
  readonly text?: true | undefined
}

const form = /^(anonymous|pseudonymous|identified|authorized) ([A-Z]+) (\/[!-~]*)(?: scope ([!-~]+(?: [!-~]+)*))?$/
const flags = [
  'approve',
  'stream',
  'denies',
  'fails',
  'calls',
  'oauth',
  'lasts',
  'sockets',
  'bearer',
  'error',
  'text',
] as const
const lists = ['components', 'answerHeaders'] as const
const known = ['route', 'body', 'contentType', 'limit', 'operation', 'answer', ...lists, ...flags]

/**
 * Reads `LEVEL METHOD TARGET [scope SCOPES]`, or an object with that as `route` and more about it beside it.
 * @throws ConfigurationError
 */
export function readRoute(place: string, value: unknown): Route {
  if (typeof value === 'string') return readRouteText(place, value)
  const read = readMembers(place, value, known)
  const route = readRouteText(`${place}.route`, String(read['route']))
  return {
    ...route,
    body: readText(`${place}.body`, read['body']) ?? route.body,
    contentType: readText(`${place}.contentType`, read['contentType']) ?? route.contentType,
    special: readSpecial(place, read),
  }
}

function readRouteText(place: string, value: string): Route {
  const [, level, method = '', target = '', scope = ''] = form.exec(value) ?? []
  if (level === undefined)
    throw new ConfigurationError(`${place} must be like "authorized GET /events scope events.read"`)
  if ((level === 'authorized') !== (scope !== ''))
    throw new ConfigurationError(`${place}: a route has a scope exactly when its level is authorized`)
  return { level: level as Level, method, target, scope, body: '{}', contentType: 'application/json', special: {} }
}

function readSpecial(place: string, read: Readonly<Record<string, unknown>>): SpecialRoute {
  const special = {
    limit: readLimit(`${place}.limit`, read['limit']),
    operation: readText(`${place}.operation`, read['operation']),
    answer: readText(`${place}.answer`, read['answer']),
    ...Object.fromEntries(lists.map(name => [name, readTexts(`${place}.${name}`, read[name])])),
    ...Object.fromEntries(flags.map(name => [name, readFlag(`${place}.${name}`, read[name])])),
  }
  return Object.fromEntries(Object.entries(special).filter(([, one]) => one !== undefined))
}

function readLimit(place: string, value: unknown): SpecialRoute['limit'] {
  if (value === undefined) return undefined
  const { count, seconds } = readMembers(place, value, ['count', 'seconds'])
  const [most, window] = [
    readInteger(`${place}.count`, count, { least: 1, most: 100 }),
    readInteger(`${place}.seconds`, seconds, { least: 1, most: 3600 }),
  ]
  if (most === undefined || window === undefined) throw new ConfigurationError(`${place} needs count and seconds`)
  return { count: most, seconds: window }
}

function readFlag(place: string, value: unknown): true | undefined {
  if (value === undefined || value === true) return value
  throw new ConfigurationError(`${place} must be true, or not be there`)
}
