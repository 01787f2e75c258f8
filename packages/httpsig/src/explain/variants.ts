import { base64Encode } from '#base64url'
import { sha512 } from '#crypto'
import { writeContentDigest } from '../digest/content-digest.js'
import { headerValues, type ReceivedMessage, trimOws } from '../message/received-message.js'
import type { SignatureDiagnosis } from '../reason/reason.js'
import { serializeSignatureKey } from '../signature/signature-key.js'
import { parameterVariants } from './parameters.js'
import { signatureVariants } from './value.js'
import type { Variant, VariantSource } from './variant.js'

function firstValue(message: ReceivedMessage, name: string): string | undefined {
  const value = headerValues(message, name)[0]
  return value === undefined ? undefined : trimOws(value)
}

function forwardedHosts(message: ReceivedMessage): string[] {
  const forwarded = firstValue(message, 'forwarded')?.slice(0, 1024)
  const inForwarded = forwarded === undefined ? undefined : /(?:^|[;,])\s?host="?([^";,]{1,256})/i.exec(forwarded)?.[1]
  return [
    firstValue(message, 'x-forwarded-host')?.split(',', 1)[0],
    firstValue(message, 'x-original-host'),
    inForwarded,
  ]
    .filter(host => host !== undefined && host !== '')
    .map(host => String(host))
}

function authorityVariants({ message, reading, authorities }: VariantSource): Variant[] {
  const { authority, scheme } = reading
  const bare = authority.replace(/:\d+$/, '')
  const port = scheme === 'https' ? '443' : '80'
  const host = firstValue(message, 'host')
  const ofHost = host === undefined ? [] : [host, host.toLowerCase().replace(/:(?:443|80)$/, '')]
  const isSame = host?.toLowerCase() === authority
  const lowerCase = 'write @authority in lower case'
  const rows: ReadonlyArray<readonly [SignatureDiagnosis, change: string, signed: readonly string[]]> = [
    bare === authority
      ? ['authority_port', 'leave the default port out of @authority', [`${authority}:${port}`]]
      : ['authority_port', 'keep the port in @authority: it is not the default one', [bare]],
    isSame
      ? ['authority_case', lowerCase, ofHost.slice(0, 1)]
      : [
          'authority_of_host',
          "sign the authority of the verifier's URL, whatever Host a proxy put in the request",
          ofHost,
        ],
    ['authority_case', lowerCase, [authority.toUpperCase()]],
    [
      'authority_of_another',
      'sign the authority the request is sent to, not another of the same verifier',
      authorities.slice(0, 4),
    ],
    [
      'authority_forwarded',
      'tell the verifier the authority it is reached at: forwarded headers are never trusted for @authority',
      forwardedHosts(message).slice(0, 2),
    ],
    ['authority_with_scheme', 'sign @authority without scheme and slashes', [`${scheme}://${authority}`]],
  ]
  return rows.flatMap(([reason, change, all]) =>
    all.map(signed => ({ reason, at: '@authority', change, signed, reading: { authority: signed } })),
  )
}

function decodeEscapes(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function pathVariants({ message, reading }: VariantSource): Variant[] {
  const { path, query } = reading
  const variant = (reason: SignatureDiagnosis, change: string, signed: string): Variant => ({
    reason,
    at: '@path',
    change,
    signed,
    reading: { path: signed },
  })
  const variants = [
    path.endsWith('/')
      ? variant('path_slash', 'sign @path with the trailing slash it is sent with', path.slice(0, -1))
      : variant('path_slash', 'sign @path without a trailing slash, as it is sent', `${path}/`),
    variant('path_decoded', 'sign the path as it stands in the request line, with its % escapes', decodeEscapes(path)),
    variant('path_encoded', 'sign the path as it stands in the request line, not escaped once more', encodeURI(path)),
    variant(
      'path_encoded',
      'sign the path as it stands in the request line, not escaped anew',
      encodeURI(decodeEscapes(path)),
    ),
    variant('path_encoded', 'write the hexadecimal digits of % escapes as they are sent', recaseEscapes(path, 'lower')),
    variant('path_encoded', 'write the hexadecimal digits of % escapes as they are sent', recaseEscapes(path, 'upper')),
  ]
  if (query !== undefined)
    variants.push(variant('path_with_query', 'sign @path without the query; @query covers it', path + query))
  const original = firstValue(message, 'x-original-url') ?? firstValue(message, 'x-original-uri')
  const prefix = firstValue(message, 'x-forwarded-prefix')
  const forwarded = original?.split('?', 1)[0] ?? (prefix === undefined ? undefined : prefix + path)
  if (forwarded !== undefined)
    variants.push(
      variant('path_forwarded', 'let the proxy pass the path on unchanged: the verifier sees another one', forwarded),
    )
  return variants
}

function recaseEscapes(text: string, to: 'lower' | 'upper'): string {
  return text.replace(/%[0-9a-f]{2}/gi, code => (to === 'lower' ? code.toLowerCase() : code.toUpperCase()))
}

function queryVariants({ reading }: VariantSource): Variant[] {
  const { query } = reading
  const variant = (reason: SignatureDiagnosis, change: string, signed: string): Variant => ({
    reason,
    at: '@query',
    change,
    signed,
    reading: { query: signed },
  })
  if (query === undefined)
    return [variant('query_empty', 'do not cover @query when the target has no question mark', '?')]
  const pairs = query.slice(1).split('&')
  return [
    variant('query_mark', 'sign @query with its leading question mark', query.slice(1)),
    variant('query_empty', 'sign the query that is sent: the signature is over an empty one', '?'),
    variant('query_empty', 'sign the query that is sent: the signature is over an empty one', ''),
    variant(
      'query_order',
      'sign the query parameters in the order they are sent in',
      `?${[...pairs].sort((a, b) => (a < b ? -1 : 1)).join('&')}`,
    ),
    variant(
      'query_order',
      'sign the query parameters in the order they are sent in',
      `?${[...pairs].reverse().join('&')}`,
    ),
    variant('query_space', 'spell spaces in the signed query as they are sent', query.replaceAll('+', '%20')),
    variant('query_space', 'spell spaces in the signed query as they are sent', query.replaceAll('%20', '+')),
    variant('query_decoded', 'sign the query as it is sent, with its % escapes', decodeEscapes(query)),
    variant('query_encoded', 'sign the query as it is sent, not escaped once more', encodeURI(query)),
    variant('query_encoded', 'sign the query as it is sent, not escaped anew', encodeURI(decodeEscapes(query))),
  ].filter(variant => variant.signed !== query)
}

function methodVariants({ reading }: VariantSource): Variant[] {
  const upper = reading.method.toUpperCase()
  return [reading.method.toLowerCase(), 'GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE'].map(method => ({
    reason: 'method_changed',
    at: '@method',
    change:
      method.toUpperCase() === upper
        ? 'sign the method in the case it is sent in'
        : 'sign the method that the verifier receives; a redirect or a proxy may have changed it',
    signed: method,
    reading: { method },
  }))
}

/** @param signed the value of the field under which the signature is tried */
function fieldVariant(at: string, signed: string, told: Pick<Variant, 'reason' | 'change'>): Variant {
  return { ...told, at, signed, reading: { fields: { [at]: signed } } }
}

async function digestVariants({ message }: VariantSource): Promise<Variant[]> {
  const body = message.body ?? new Uint8Array()
  const short = await writeContentDigest(body)
  const long = `sha-512=:${base64Encode(await sha512(body))}:`
  const change = 'sign the Content-Digest that is sent: the one in the request is not the one that was signed'
  return [short, long, `${short}, ${long}`, `${long}, ${short}`, await writeContentDigest(new Uint8Array())].map(
    value => fieldVariant('content-digest', value, { reason: 'content_digest_changed', change }),
  )
}

function contentTypeVariants(value: string): Variant[] {
  const change = 'sign Content-Type exactly as it is sent, parameters and case too'
  const [bare = ''] = value.split(';', 1)
  const values = [bare.trim(), `${value}; charset=utf-8`, `${value};charset=utf-8`, `${value};charset=UTF-8`]
  return [...values, value.replace(/;\s*/, ';'), value.replace(/;\s*/, '; ')].map(signed =>
    fieldVariant('content-type', signed, { reason: 'content_type_changed', change }),
  )
}

function plainFieldVariants(name: string, lines: readonly string[]): Variant[] {
  const value = lines.join(', ')
  const spacing = 'sign the header value as it is sent: remove whitespace at its ends only'
  const several = 'join the lines of a header with a comma and one space, in their order'
  const linesJoined = [lines.join(','), lines[0] ?? '', lines.at(-1) ?? '']
  const reason = name === 'content-type' ? 'content_type_changed' : 'header_case'
  return [
    ...(lines.length > 1 ? linesJoined : []).map(signed =>
      fieldVariant(name, signed, { reason: 'header_lines', change: several }),
    ),
    fieldVariant(name, value.toLowerCase(), { reason, change: 'sign the header value in the case it is sent in' }),
    fieldVariant(name, value.replace(/[ \t]+/g, ' '), { reason: 'header_spacing', change: spacing }),
    fieldVariant(name, value.replace(/[ \t]+/g, ''), { reason: 'header_spacing', change: spacing }),
    fieldVariant(name, ` ${value}`, { reason: 'header_spacing', change: spacing }),
  ]
}

function signatureKeyVariants({ message, signatureKey }: VariantSource): Variant[] {
  if (signatureKey === undefined) return []
  const value = firstValue(message, 'signature-key') ?? ''
  const { label, key } = signatureKey
  const member = value.slice(label.length + 1)
  const old = `${label}=(${member.replace(/^([a-z_0-9]+)/, 'scheme=$1').replace(/;\s*/g, ' ')})`
  const spelled = 'sign signature-key as it is sent, label and all'
  const odd = 'sign signature-key in the spelling it is sent in, not in the older parenthesised one'
  const variant = (signed: string, change: string, reason: SignatureDiagnosis): Variant =>
    fieldVariant('signature-key', signed, { reason, change })
  return [
    variant(old, odd, 'signature_key_spelling'),
    variant(old.replace(/ alg="[^"]*"/, ''), odd, 'signature_key_spelling'),
    variant(member, spelled, 'signature_key_spelling'),
    variant(value.replace(/;\s*/g, '; '), spelled, 'signature_key_spelling'),
    variant(serializeSignatureKey(label, key), spelled, 'signature_key_spelling'),
  ]
}

/** Every mistake to try, the likeliest first, in the components that the signature covers. */
export async function variantsOf(source: VariantSource): Promise<Variant[]> {
  const covered = new Set(source.input.components.map(component => component.name))
  const uri = covered.has('@target-uri')
  const target = uri || covered.has('@request-target')
  const variants: Variant[] = []
  if (uri || covered.has('@authority')) variants.push(...authorityVariants(source))
  if (target || covered.has('@path')) variants.push(...pathVariants(source))
  if (target || covered.has('@query')) variants.push(...queryVariants(source))
  if (covered.has('@method')) variants.push(...methodVariants(source))
  variants.push(...signatureVariants(source))
  if (covered.has('content-digest')) variants.push(...(await digestVariants(source)))
  for (const name of covered) {
    if (name.startsWith('@') || name === 'signature-key' || name === 'content-digest') continue
    const lines = headerValues(source.message, name).map(trimOws)
    if (name === 'content-type') variants.push(...contentTypeVariants(lines.join(', ')))
    if (lines.length > 0) variants.push(...plainFieldVariants(name, lines))
  }
  if (covered.has('signature-key')) variants.push(...signatureKeyVariants(source))
  if (uri || covered.has('@scheme')) {
    const scheme = source.reading.scheme === 'https' ? 'http' : 'https'
    const change = 'sign the scheme of the URL of the verifier; behind a proxy that ends TLS it is https'
    variants.push({ reason: 'scheme_changed', at: '@scheme', change, signed: scheme, reading: { scheme } })
  }
  variants.push(...parameterVariants(source))
  return variants
}
