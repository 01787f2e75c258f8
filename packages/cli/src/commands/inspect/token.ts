import { explainCondition, parseConditions } from '@countersign/conditions'
import type { Discovery } from '@countersign/discovery'
import { displayText, moment, onOneLine, type Report, shown, table } from '@countersign/fetch/internal'
import { importVerifyKey, parsePublicJwk, type VerifyKey } from '@countersign/httpsig'
import { base64urlDecode } from '@countersign/httpsig/internal'
import {
  AAuthError,
  type ParsedToken,
  parseOperation,
  parseToken,
  type TokenType,
  verifyTokenSignature,
} from '@countersign/protocol'
import { asAAuthError, invalidToken, isObject, parseJson } from '@countersign/protocol/internal'
import { checkTokenClaims, tokenWords } from '@countersign/protocol/internal/words'
import type { GivenKeys } from './keys.js'
import { fixLines, refusalWords } from './refusal.js'

/** The settings of an inspection. */
export interface InspectSettings {
  readonly development: boolean
  /** Unix seconds. */
  readonly now: number
  readonly keys?: GivenKeys | undefined
  /** Only with `--online`: nothing is fetched otherwise. */
  readonly discovery?: Discovery | undefined
}

const types: readonly TokenType[] = ['agent+jwt', 'auth+jwt', 'resource+jwt']
const credentials: readonly TokenType[] = ['agent+jwt', 'auth+jwt']

/** The report on a token. */
export interface InspectedToken extends Report {
  readonly typ?: TokenType | undefined
  /** The key with which its holder must sign requests (`cnf.jwk`). */
  readonly holder?: VerifyKey | undefined
}

/**
 * Decodes a token, checks its claims, and its signature when there is a key.
 * @param receiver the verifier of the request that has the token as credential: the token must be an agent or auth token for it.
 * Default: any type and any `aud`
 */
export async function inspectToken(
  token: string,
  settings: InspectSettings,
  receiver?: string,
): Promise<InspectedToken> {
  const header = decoded(token.split('.')[0])
  const claims = decoded(token.split('.')[1])
  const typ = types.find(type => type === header?.['typ'])
  const holder = await holderOf(claims)
  const checked = await verdictOf(token, settings, receiver)
  const kind = typ === undefined ? 'token of unknown type' : tokenWords[typ].name
  const { wrong, signature, hint } = checked
  const words = wrong === undefined ? `in order; signature ${signature}` : refusalWords('wrong', wrong)
  return {
    ok: wrong === undefined,
    typ,
    holder,
    lines: [
      `${kind}, ${token.length} bytes${header === undefined ? '' : ` (${headerLine(header)})`}`,
      ...(claims === undefined ? [] : table(claimRows(claims, { typ, holder, now: settings.now }))),
      `verdict: ${words}${hint === undefined ? '' : ` (${hint})`}`,
      ...(wrong === undefined ? [] : fixLines(wrong)),
    ],
    json: {
      kind: typ ?? 'token',
      ok: wrong === undefined,
      signature,
      header,
      claims,
      ...(holder !== undefined && { holder: holder.thumbprint }),
      ...(wrong !== undefined && { error: wrong.code, reason: wrong.reason, error_description: wrong.description }),
    },
  }
}

function decoded(segment: string | undefined): Record<string, unknown> | undefined {
  try {
    const value = parseJson(base64urlDecode(segment ?? ''))
    return isObject(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

async function holderOf(claims: Record<string, unknown> | undefined): Promise<VerifyKey | undefined> {
  const cnf = claims?.['cnf']
  if (typeof cnf !== 'object' || cnf === null || !('jwk' in cnf)) return undefined
  try {
    return await importVerifyKey(parsePublicJwk(cnf.jwk))
  } catch {
    return undefined
  }
}

function headerLine(header: Record<string, unknown>): string {
  return Object.entries(header)
    .slice(0, 8)
    .map(([name, value]) => `${shown(name)} ${shown(value)}`)
    .join(', ')
}

/** Conditions in words; a list that every receiver would refuse is named as that. */
function conditionsText(value: unknown): string {
  try {
    const conditions = parseConditions(value, { development: true })
    if (conditions.length === 0) return 'no conditions'
    return conditions.map(condition => onOneLine(explainCondition(condition, { language: 'en' }))).join('; ')
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    return `refused everywhere: ${error.description}`
  }
}

/** What a user is asked to approve: the name, and the display with the values of the request in quotes. */
function operationRow(value: unknown): string[] {
  const operation = parseOperation(value)
  if (operation === undefined) return ['operation', shown(value), 'refused everywhere: no operation']
  const { name, digest, display = [] } = operation
  const words = display.length === 0 ? name : `${name}: ${displayText(display)}`
  return ['operation', words, `the one request that its user is asked to approve, with the digest ${digest}`]
}

function claimRows(
  claims: Record<string, unknown>,
  o: { readonly typ: TokenType | undefined; readonly holder: VerifyKey | undefined; readonly now: number },
): string[][] {
  return Object.entries(claims)
    .slice(0, 100)
    .map(([name, value]) => {
      if (['iat', 'exp', 'nbf'].includes(name)) return [name, moment(value, o.now)]
      if (name === 'delegation' || name === 'constraints') return [name, conditionsText(value)]
      if (name === 'operation') return operationRow(value)
      if (name === 'cnf' && o.holder !== undefined)
        return [name, `${o.holder.algorithm} key ${o.holder.thumbprint}`, 'its holder must sign with this key']
      const meaning = o.typ === undefined ? undefined : meaningOf(o.typ, name)
      return [shown(name), shown(value), ...(meaning === undefined ? [] : [meaning])]
    })
}

interface Verdict {
  readonly wrong?: AAuthError
  readonly signature: 'verified' | 'not verified' | 'wrong'
  readonly hint?: string
}

async function verdictOf(token: string, settings: InspectSettings, receiver?: string): Promise<Verdict> {
  let signature: Verdict['signature'] = 'not verified'
  try {
    const parsed = parseToken(token, receiver === undefined ? types : credentials, {
      development: settings.development,
    })
    const key = await issuerKey(parsed, settings)
    if (key !== undefined) {
      signature = 'wrong'
      await verifyTokenSignature(parsed, key)
      signature = 'verified'
    }
    checkTokenClaims(parsed, settings.now, receiver)
    return key === undefined
      ? { signature, hint: "add --online, or --key with the issuer's public keys" }
      : { signature }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    const wrong = asAAuthError(error)
    const isHttp = wrong.description.includes('iss must be an identifier') && !settings.development
    return { wrong, signature, ...(isHttp && { hint: 'add --development to allow http on this machine' }) }
  }
}

async function issuerKey(parsed: ParsedToken, { keys, discovery }: InspectSettings): Promise<VerifyKey | undefined> {
  if (keys === undefined && discovery === undefined) return undefined
  const key =
    keys?.find(parsed.kid) ?? (await discovery?.key(tokenWords[parsed.typ].publishedIn, parsed.iss, parsed.kid))
  if (key !== undefined) return key
  throw invalidToken('token_key_unknown', parsed, discovery === undefined && 'none is in the --key file')
}

/** What a claim says; undefined for one that its type does not have. */
function meaningOf(typ: TokenType, name: string): string | undefined {
  const { claims } = tokenWords[typ]
  return Object.hasOwn(claims, name) ? claims[name]?.meaning : undefined
}
