import { isInnerList, Token } from 'structured-headers'
import { isLabel, parseSingleMember, type RawParameter } from '../component/structured-field.js'
import { refusal } from '../error.js'
import { unacceptableKey } from '../key/algorithm.js'
import { type PublicJwk, parsePublicJwk, privateMembers } from '../key/jwk.js'

/**
 * How a signer names its key: inline (`hwk`), in its published key set (`jwks_uri`), or in a token (`jwt`).
 * @see protocol §3.2
 */
export type SignatureKey =
  | { readonly scheme: 'hwk'; readonly jwk: PublicJwk }
  | { readonly scheme: 'jwks_uri'; readonly id: string; readonly kid: string; readonly dwk: string }
  | { readonly scheme: 'jwt'; readonly jwt: string }

/** A Signature-Key header, parsed. */
export interface ParsedSignatureKey {
  readonly label: string
  readonly key: SignatureKey
}

/** Longest Signature-Key value that is parsed, in bytes. */
export const signatureKeyLimit: number = 7 * 1024

const parenthesised = /^[^"=,;]*=[ \t]*\(/
const canonicalJwt = /^([a-z*][a-z0-9_.*-]{0,63})=jwt;jwt="([A-Za-z0-9_.-]*)"$/

function stringParameters(parameters: readonly RawParameter[], names: readonly string[]): Record<string, string> {
  const values: Record<string, string> = Object.create(null)
  for (const { key, value } of parameters) {
    if (!names.includes(key)) continue
    // A Token, number or Boolean read as text would be a second spelling of the same identity.
    if (typeof value !== 'string')
      throw refusal('signature_key_malformed', { about: 'a parameter must be a String', cause: { parameter: key } })
    values[key] = value
  }
  return values
}

function required(values: Readonly<Record<string, string>>, name: string): string {
  const value = values[name]
  if (value === undefined || value === '')
    throw refusal('signature_key_parameter_missing', { about: name, cause: { parameter: name } })
  return value
}

function parseHwk(parameters: readonly RawParameter[]): SignatureKey {
  for (const { key } of parameters)
    if (privateMembers.includes(key))
      throw unacceptableKey('a public key must not hold private members', { parameter: key })
  const values = stringParameters(parameters, ['alg', 'kty', 'crv', 'x', 'y', 'n', 'e', 'use'])
  return { scheme: 'hwk', jwk: parsePublicJwk(values, { algorithmOptional: true }) }
}

function parseJwksUri(parameters: readonly RawParameter[]): SignatureKey {
  const values = stringParameters(parameters, ['id', 'kid', 'dwk'])
  return {
    scheme: 'jwks_uri',
    id: required(values, 'id'),
    kid: required(values, 'kid'),
    dwk: required(values, 'dwk'),
  }
}

function parseJwt(parameters: readonly RawParameter[]): SignatureKey {
  return { scheme: 'jwt', jwt: required(stringParameters(parameters, ['jwt']), 'jwt') }
}

/** Parses any legal spelling; {@link parseSignatureKey} reads a plain token first. */
export function parseSignatureKeyFully(value: string): ParsedSignatureKey {
  if (parenthesised.test(value))
    throw refusal('signature_key_old_spelling', {
      about:
        'write sig=hwk;alg="…";kty="…";crv="…";x="…", sig=jwks_uri;id="…";kid="…";dwk="aauth-agent" or sig=jwt;jwt="…"',
    })
  const { label, member, parameters } = parseSingleMember(value)
  if (isInnerList(member) || !(member[0] instanceof Token))
    throw refusal('signature_key_malformed', { about: 'the scheme must be a Token' })
  switch (member[0].toString()) {
    case 'hwk':
      return { label, key: parseHwk(parameters) }
    case 'jwks_uri':
      return { label, key: parseJwksUri(parameters) }
    case 'jwt':
      return { label, key: parseJwt(parameters) }
    default:
      throw refusal('scheme_unsupported')
  }
}

/**
 * Reads a Signature-Key header value.
 * @throws HttpSigError 431 over 7 KiB; `unsupported_scheme` for an unknown scheme or the parenthesised spelling; `unsupported_algorithm` for inline key material that is not acceptable; `invalid_signature` for anything else
 * @see protocol §3.2
 */
export function parseSignatureKey(value: string): ParsedSignatureKey {
  if (value.length > signatureKeyLimit) throw refusal('header_too_long', { about: 'Signature-Key, 7 KiB' })
  // A token is most of the header: to read it character by character takes a tenth of a whole GET.
  const jwt = canonicalJwt.exec(value)
  if (jwt?.[1] !== undefined && jwt[2]) return { label: jwt[1], key: { scheme: 'jwt', jwt: jwt[2] } }
  return parseSignatureKeyFully(value)
}

function quoted(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new TypeError('a Signature-Key parameter is not printable ASCII')
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/**
 * Writes a Signature-Key header value.
 * @throws TypeError for an illegal label or a parameter outside printable ASCII
 * @see protocol §3.2
 */
export function serializeSignatureKey(label: string, key: SignatureKey): string {
  if (!isLabel(label)) throw new TypeError('the label is not a Structured Field key')
  switch (key.scheme) {
    case 'hwk': {
      const { jwk } = key
      const named = `${label}=hwk;alg="${jwk.alg}";kty="${jwk.kty}"`
      if (jwk.kty === 'RSA') return `${named};n="${jwk.n}";e="${jwk.e}"`
      const y = jwk.kty === 'EC' ? `;y="${jwk.y}"` : ''
      return `${named};crv="${jwk.crv}";x="${jwk.x}"${y}`
    }
    case 'jwks_uri':
      return `${label}=jwks_uri;id=${quoted(key.id)};kid=${quoted(key.kid)};dwk=${quoted(key.dwk)}`
    case 'jwt':
      return `${label}=jwt;jwt=${quoted(key.jwt)}`
  }
}
