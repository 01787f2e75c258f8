import { importVerifyKey, parsePublicJwk } from '@countersign/httpsig'
import { base64urlDecode } from '@countersign/httpsig/internal'
import { parseOperation, type TokenType } from '@countersign/protocol'
import { isObject, maxJwsBytes, parseJson } from '@countersign/protocol/internal'
import { tokenWords } from '@countersign/protocol/internal/words'
import type { Sent, ShownMessage } from '../explorer/contract.js'
import type { AnalyzedClaim, AnalyzedToken } from './analysis.js'
import { clauseOf } from './clause.js'
import { conditionLines } from './conditions.js'
import { moment, span } from './time.js'

// A token is three parts of base64url; the first begins like JSON with a quote or a space.
const jwtText = /^ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/
const betweenTokens = /[^A-Za-z0-9_.-]+/
/** Most tokens of one message that are decoded. */
const mostTokens = 12
/** Most claims of one token that are shown. */
const mostClaims = 100

/** A token and where it stands. */
interface Found {
  readonly at: string
  readonly jwt: string
}

/** A half of a message, and how it is called. */
export interface Half extends Sent {
  readonly where: string
}

/** The tokens of a message in order, each once. @param at Unix seconds */
export async function analyzeTokens(halves: readonly Half[], at: number): Promise<AnalyzedToken[]> {
  const once = new Map<string, string>()
  for (const half of halves)
    for (const found of tokensIn(half))
      if (once.size < mostTokens && !once.has(found.jwt)) once.set(found.jwt, found.at)
  const tokens = await Promise.all([...once].map(([jwt, where]) => analyzeToken({ at: where, jwt }, at)))
  return tokens.filter(token => token !== undefined)
}

/** The halves of a recorded message. */
export function halvesOf({ request, response }: ShownMessage): Half[] {
  return [
    { ...request, where: 'the request' },
    { ...response, where: 'the response' },
  ]
}

function tokensIn({ headers, body, where }: Half): Found[] {
  const inHeaders = headers.flatMap(([name, value]) => texts(value).map(jwt => ({ at: `${name} of ${where}`, jwt })))
  return [...inHeaders, ...texts(body).map(jwt => ({ at: bodyPlace(body, jwt, where), jwt }))]
}

/** The texts that look like tokens. Each character is looked at once: a pattern that searches would begin anew at every `ey`. */
function texts(text: string): string[] {
  return text
    .split(betweenTokens)
    .filter(part => jwtText.test(part))
    .slice(0, mostTokens)
}

/** The member or parameter that a token in a body is the value of. */
function bodyPlace(body: string, jwt: string, where: string): string {
  const before = body.slice(Math.max(0, body.indexOf(jwt) - 80), body.indexOf(jwt))
  const name = /([\w-]{1,60})(?:"\s{0,8}:\s{0,8}"|=)$/.exec(before)?.[1]
  return name === undefined ? `the body of ${where}` : `${name} in the body of ${where}`
}

/** A JSON object in a part of a token; undefined when there is none. */
function decoded(segment: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseJson(base64urlDecode(segment ?? ''))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isTokenType = (typ: unknown): typ is TokenType => typeof typ === 'string' && Object.hasOwn(tokenWords, typ)

/** A token decoded; undefined when its parts are no JSON objects, or it is longer than any token. */
export async function analyzeToken({ at, jwt }: Found, now: number): Promise<AnalyzedToken | undefined> {
  if (jwt.length > maxJwsBytes * 2) return undefined
  const [head, payload] = jwt.split('.')
  const header = decoded(head)
  const claims = decoded(payload)
  if (header === undefined || claims === undefined) return undefined
  const typ = isTokenType(header['typ']) ? header['typ'] : undefined
  const words = typ === undefined ? undefined : tokenWords[typ]
  const life = lifeOf(claims, now)
  const members = Object.entries(claims).slice(0, mostClaims)
  return {
    at,
    jwt,
    name: words?.name ?? 'token of another protocol',
    ...(words === undefined ? {} : { says: words.says }),
    header: Object.entries(header)
      .slice(0, 20)
      .map(([name, value]) => [name, textOf(value)] as const),
    claims: await Promise.all(members.map(([name, value]) => claimOf(name, value, { typ, now }))),
    life,
    parties: typ === undefined ? [] : partiesOf(typ, claims),
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function lifeOf({ iat, exp }: Readonly<Record<string, unknown>>, now: number): string | undefined {
  if (typeof iat !== 'number' || typeof exp !== 'number') return undefined
  const end = exp > now ? `ends ${span(exp - now)} after this message` : `ended ${span(now - exp)} before this message`
  return `Lives ${span(exp - iat)}; ${end}.`
}

function partiesOf(typ: TokenType, claims: Readonly<Record<string, unknown>>): AnalyzedToken['parties'] {
  const named = (name: string): string => (typeof claims[name] === 'string' ? ` (${claims[name]})` : '')
  const holder = typ === 'agent+jwt' ? `the delegate${named('sub')}` : `the agent${named('agent')}`
  const checks =
    typ === 'agent+jwt'
      ? 'every participant that the delegate calls'
      : typ === 'auth+jwt'
        ? `the resource${named('aud')}; before it, the agent that gets it`
        : `the auth server${named('aud')}; before it, the agent that carries it`
  return [
    ['signed by', `${tokenWords[typ].issuer}${named('iss')}`],
    ['held by', holder],
    ['checked by', checks],
  ]
}

interface Reading {
  readonly typ: TokenType | undefined
  readonly now: number
}

async function claimOf(name: string, value: unknown, { typ, now }: Reading): Promise<AnalyzedClaim> {
  const known =
    typ !== undefined && Object.hasOwn(tokenWords[typ].claims, name) ? tokenWords[typ].claims[name] : undefined
  const { checkedBy } = known ?? {}
  return {
    name,
    value: textOf(value),
    words: await wordsOf(name, value, now),
    meaning: known?.meaning ?? otherMeaning(name, typ),
    ...(checkedBy === undefined ? {} : { checkedBy: checkedBy.replace('(scope)', '(its scope)') }),
    ...(known === undefined ? {} : { clause: clauseOf(known.clause) }),
  }
}

function otherMeaning(name: string, typ: TokenType | undefined): string {
  if (name === 'nbf') return 'not valid before'
  if (typ === 'auth+jwt') return 'a claim about the user'
  return typ === undefined ? 'a claim of another protocol' : 'not a claim of this type: nobody reads it'
}

async function wordsOf(name: string, value: unknown, now: number): Promise<string[]> {
  if (['iat', 'exp', 'nbf'].includes(name)) return typeof value === 'number' ? [moment(value, now)] : []
  if (name === 'delegation' || name === 'constraints') return conditionLines(value)
  if (name === 'operation') return operationWords(value)
  if (name === 'cnf') return keyLine(value)
  return name === 'act' ? chainWords(value) : []
}

function operationWords(value: unknown): string[] {
  const operation = parseOperation(value)
  if (operation === undefined) return ['Refused everywhere: no operation.']
  const { name, digest, display = [] } = operation
  // Every second part is a value of the request: it is quoted, so that it cannot pass for words of the resource.
  const words = display.map((part, index) => (index % 2 === 0 ? part : JSON.stringify(part))).join('')
  return [`${name}${words === '' ? '' : `: ${words}`}`, `Digest of the request: ${digest}`]
}

async function keyLine(value: unknown): Promise<string[]> {
  try {
    const key = await importVerifyKey(parsePublicJwk(isObject(value) ? value['jwk'] : undefined))
    return [`${key.algorithm} key with the thumbprint ${key.thumbprint}`]
  } catch {
    return ['No key that a receiver would accept.']
  }
}

/** The chain of those who acted before, the latest first. */
function chainWords(value: unknown): string[] {
  const lines: string[] = []
  for (let act = value; isObject(act) && lines.length < 5; act = act['act'])
    lines.push(`${textOf(act['agent'])}, vouched for by ${textOf(act['iss'])}`)
  return lines
}
